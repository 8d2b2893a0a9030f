import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** What a server says when it is done with nothing. */
const DONE = /^250[ -](?:2\.0\.0[ ])?ok\b/i;
/** Commands to which 250 is no answer: RFC 3207, 4954, 5321 (VRFY and HELP answer with what was asked for). */
const NEVER_OK: ReadonlySet<string> = new Set(["STARTTLS", "AUTH", "TURN", "ATRN"]);

/** A command got the answer to NOOP, or NOOP came where a greeting belongs. */
export const commandNoop: Signature = {
  id: "rewriting/command-noop",
  severity: "warning",
  stage: "exchange",
  remedy:
    "Look for a Cisco PIX between client and server: `no fixup protocol smtp 25`. It turns commands that it does " +
    "not pass into NOOP.",
  source: "cisco-nsp, November 2004; RFC 3207 §4, RFC 4954 §4",
  detect({ exchange, heard }) {
    const { code, verb } = exchange;
    if (code !== 250) return null;
    const reply = exchange.lines()[0] ?? "";
    if (NEVER_OK.has(verb) && DONE.test(reply))
      return { variant: verb, confidence: 0.9, text: `${verb} → ${reply}` };
    const command = exchange.command() ?? "";
    const first = exchange.ordinal <= 1 && heard.banner !== null && heard.hello === null;
    if (verb !== "NOOP" || !first || !/^noop\s/i.test(command)) return null;
    return { variant: "NOOP", confidence: 0.6, text: `${command} → ${reply}` };
  },
  claim(sum) {
    const { variant } = sum.variants[0]!;
    const how =
      variant === "NOOP"
        ? "NOOP with more behind it came where EHLO belongs"
        : `${variant} was answered as if it were NOOP`;
    return `${how} in ${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: likely a device changed the command.`;
  },
  explanation: {
    title: "A command was turned into NOOP",
    what: [
      "A PIX passes HELO, MAIL, RCPT, DATA, RSET, NOOP and QUIT and turns all others into NOOP. The server says OK, and the client believes that its STARTTLS or AUTH was accepted.",
    ],
    evidence: [
      "At the client: 250 OK to STARTTLS or AUTH, which must be answered by 220 and by 334, 235 or an error.",
      "At the server: the first command is a NOOP with the argument of an EHLO.",
    ],
    usually: ["Cisco PIX, fixup protocol smtp."],
    confirm: ["Capture on both sides of the firewall: smtpscope diff INSIDE OUTSIDE."],
    remedy: ["PIX: no fixup protocol smtp 25."],
    deliberate: "The device's protection against commands it does not know.",
    sources: ["cisco-nsp, November 2004", "RFC 3207 §4", "RFC 4954 §4"],
  },
};
