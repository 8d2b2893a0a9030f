/**
 * Name server of the laboratory, over UDP and TCP: `node dns.mjs CONFIG.json`.
 *
 *     {
 *       "records": [{"name": "mail.example.net", "type": "A", "data": "192.0.2.25", "ttl": 300}],
 *       "rules":   [{"name": "*.51.198.in-addr.arpa", "type": "PTR", "delayMs": 2000, "jitterMs": 300}]
 *     }
 *
 * A name that has records, or has names below it, exists; another is
 * NXDOMAIN, with an SOA as RFC 2308 asks. The first rule whose `name` (`*`
 * stands for any characters) and `type` (absent: any) match decides how the
 * answer comes:
 *
 *     delayMs, jitterMs   the answer waits this long, plus up to this much
 *     dropFirst           the first n transmissions of a query stay unanswered,
 *                         as if lost; libc asks again after 5 s
 *     times               the rule holds for its first n queries only
 *     answer              "none" (silence), "NXDOMAIN", "SERVFAIL" or "REFUSED"
 */
import dgram from "node:dgram";
import { readFileSync } from "node:fs";
import net from "node:net";
import { readQuery, writeAnswer } from "./dns-message.mjs";

const SOA = "ns.example.net hostmaster.example.net 1 3600 600 86400 300";
const UDP_LIMIT = 512;
const { records = [], rules = [] } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const transmissions = new Map();

/** Answers `{message, delayMs}`, or undefined where silence is the answer. */
function respond(bytes, peer) {
  const query = readQuery(bytes);
  if (!query) return undefined;
  const rule = rules.find((candidate) => matches(candidate, query)) ?? {};
  if (rule.answer === "none") return undefined;
  if (rule.dropFirst && countTransmission(query, peer) <= rule.dropFirst) return undefined;
  const delayMs = (rule.delayMs ?? 0) + Math.random() * (rule.jitterMs ?? 0);
  const message = rule.answer ? writeAnswer(query, rule.answer) : lookUp(query);
  return { message, delayMs };
}

function matches(rule, query) {
  if (rule.times === 0 || (rule.type && rule.type !== query.type)) return false;
  const pattern = rule.name.split("*").map((part) => part.replaceAll(".", "\\."));
  const isMatch = new RegExp(`^${pattern.join(".*")}$`).test(query.name);
  if (isMatch && rule.times) rule.times--;
  return isMatch;
}

/** A repeated query has the same id and comes from the same socket. */
function countTransmission(query, peer) {
  const key = `${peer} ${query.id} ${query.name} ${query.type}`;
  const count = (transmissions.get(key) ?? 0) + 1;
  transmissions.set(key, count);
  return count;
}

function lookUp(query) {
  const found = recordsOf(query.name, query.type);
  if (found.length > 0) return writeAnswer(query, "NOERROR", found);
  const exists = records.some(({ name }) => name === query.name || name.endsWith(`.${query.name}`));
  const zone = query.name.split(".").slice(-2).join(".");
  return writeAnswer(query, exists ? "NOERROR" : "NXDOMAIN", [], [{ name: zone, type: "SOA", data: SOA }]);
}

/** An alias is answered together with what it leads to. */
function recordsOf(name, type) {
  const own = records.filter((record) => record.name === name);
  const alias = own.find((record) => record.type === "CNAME");
  if (alias && type !== "CNAME") return [alias, ...recordsOf(alias.data, type)];
  return own.filter((record) => record.type === type);
}

function serveUdp(family) {
  const socket = dgram.createSocket({ type: family, ipv6Only: family === "udp6" });
  socket.on("message", (bytes, { address, port }) => {
    const response = respond(bytes, `${address}#${port}`);
    if (!response) return;
    let { message } = response;
    if (message.length > UDP_LIMIT) {
      // Truncated: the header with TC set, and the question, sent again over TCP.
      message = Buffer.from(writeAnswer(readQuery(bytes), "NOERROR"));
      message[2] |= 0x02;
    }
    setTimeout(() => socket.send(message, port, address), response.delayMs);
  });
  return new Promise((ready) => socket.bind(53, ready));
}

function serveTcp() {
  const server = net.createServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const length = pending.readUInt16BE(0);
        const response = respond(
          pending.subarray(2, 2 + length),
          `tcp ${socket.remoteAddress}#${socket.remotePort}`,
        );
        pending = pending.subarray(2 + length);
        if (response) setTimeout(() => writeFramed(socket, response.message), response.delayMs);
      }
    });
  });
  return new Promise((ready) => server.listen(53, "::", ready));
}

function writeFramed(socket, message) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  if (socket.writable) socket.write(Buffer.concat([length, message]));
}

await Promise.all([serveUdp("udp4"), serveUdp("udp6"), serveTcp()]);
console.log("ready");
