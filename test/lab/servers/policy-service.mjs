/**
 * Policy service for Postfix (SMTPD_POLICY_README): `node policy-service.mjs {"port", "rules"}`.
 *
 * The first rule that matches decides:
 *
 *     [{"state": "RCPT", "sender": "@shop.example.org", "delayMs": 600, "jitterMs": 100},
 *      {"state": "RCPT", "recipient": "bob@", "once": true, "action": "450 4.2.0 Greylisted"},
 *      {"state": "END-OF-MESSAGE", "delayMs": 60, "delayMsPerKb": 8}]
 *
 * `sender` and `recipient` match when contained. `once`: only the first time
 * for a pair of sender and recipient, as greylisting does. Every state is
 * asked because smtpd_recipient_restrictions and
 * smtpd_end_of_data_restrictions both name this service.
 */
import net from "node:net";

const { port, rules } = JSON.parse(process.argv[2]);
const seen = new Set();

function decide(request) {
  const rule = rules.find((candidate) => applies(candidate, request));
  if (!rule) return { action: "DUNNO", delayMs: 0 };
  const kilobytes = Number(request.size ?? 0) / 1024;
  const delayMs =
    (rule.delayMs ?? 0) + Math.random() * (rule.jitterMs ?? 0) + (rule.delayMsPerKb ?? 0) * kilobytes;
  return { action: rule.action ?? "DUNNO", delayMs };
}

function applies(rule, request) {
  if (rule.state !== request.protocol_state) return false;
  if (rule.sender && !request.sender?.includes(rule.sender)) return false;
  if (rule.recipient && !request.recipient?.includes(rule.recipient)) return false;
  if (!rule.once) return true;
  const key = `${request.sender} ${request.recipient}`;
  const first = !seen.has(key);
  seen.add(key);
  return first;
}

function serve(socket) {
  let pending = "";
  socket.setEncoding("utf8");
  socket.on("error", () => socket.destroy());
  socket.on("data", (text) => {
    pending += text;
    // A request is lines of name=value, ended by an empty line.
    for (let end = pending.indexOf("\n\n"); end >= 0; end = pending.indexOf("\n\n")) {
      const request = Object.fromEntries(pending.slice(0, end).split("\n").map(splitAtEquals));
      pending = pending.slice(end + 2);
      const { action, delayMs } = decide(request);
      setTimeout(() => socket.writable && socket.write(`action=${action}\n\n`), delayMs);
    }
  });
}

function splitAtEquals(line) {
  const at = line.indexOf("=");
  return [line.slice(0, at), line.slice(at + 1)];
}

net.createServer(serve).listen(port, "127.0.0.1", () => console.log("ready"));
