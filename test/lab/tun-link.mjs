/**
 * The device in between: SMTP packets pass through this program, which may delay, hold or
 * lose them. `node tun-link.mjs CONFIG`, in the firewall's namespace; it takes the place of netem,
 * which some kernels lack, and of a firewall that looks into packets.
 *
 *     {
 *       "delayMs": 120, "jitterMs": 10,      one way, both ways
 *       "loss": 0.05, "seed": 7,             share of all segments that get lost
 *       "drop": [{"what": "syn", "times": 1, "connections": [0, 2]}],
 *       "hold": [{"what": "banner", "ms": 2000, "jitterMs": 0}]
 *     }
 *
 * `what` is "syn", "syn-ack", "handshake-ack", or a message: "banner", "reply" (any after the
 * banner), "command" (what the client says in one go), or "reply:3",
 * "command:2" for one of them, counted from 1. `connections` counts from 0, in
 * the order of the SYNs; absent: all. A drop hits the first `times`
 * transmissions. A hold stops the flow of data, retransmissions too, until its
 * time is over; acknowledgements without data pass.
 */
import { openTun } from "./tun-device.mjs";

const [SYN, ACK] = [0x02, 0x10];
const MAIL_PORTS = [25, 465, 587];

const config = JSON.parse(process.argv[2]);
const { start, send } = openTun();
const connections = new Map();
let random = config.seed ?? 1;

function decode(packet) {
  const ip = (packet[0] & 15) * 4;
  const [from, to] = [packet.readUInt16BE(ip), packet.readUInt16BE(ip + 2)];
  const side = MAIL_PORTS.includes(from) ? "server" : "client";
  const [address, port] = side === "client" ? [packet.readUInt32BE(12), from] : [packet.readUInt32BE(16), to];
  const payloadBytes = packet.readUInt16BE(2) - ip - (packet[ip + 12] >> 4) * 4;
  return { packet, ip, side, key: `${address}:${port}`, seq: packet.readUInt32BE(ip + 4), payloadBytes };
}

function connectionOf({ key, packet, ip }) {
  const opening = (packet[ip + 13] & (SYN | ACK)) === SYN;
  let connection = connections.get(key);
  if (!connection || (opening && connection.client.data > 0)) {
    const flow = () => ({
      data: 0,
      messages: 0,
      end: undefined,
      speaking: false,
      heldMessage: 0,
      freeAt: 0,
      queue: [],
    });
    connection = { index: connections.size, client: flow(), server: flow(), drops: new Map() };
    connections.set(key, connection);
  }
  return connection;
}

/** Names a segment as rules do. */
function nameOf(segment, connection) {
  const flags = segment.packet[segment.ip + 13] & (SYN | ACK);
  if (flags === SYN) return ["syn"];
  if (flags === (SYN | ACK)) return ["syn-ack"];
  if (segment.payloadBytes === 0) return isHandshake(segment, connection) ? ["handshake-ack"] : [];
  const mine = connection[segment.side];
  const isNew = mine.end === undefined || ((segment.seq - mine.end) | 0) >= 0;
  if (isNew) {
    if (!mine.speaking) mine.messages++;
    mine.speaking = true;
    connection[segment.side === "client" ? "server" : "client"].speaking = false;
    mine.end = (segment.seq + segment.payloadBytes) >>> 0;
    mine.data++;
  }
  return isNew ? namesOfMessage(segment.side, mine.messages) : ["again"];
}

function isHandshake({ side }, { client, server }) {
  return side === "client" && client.data === 0 && server.data === 0;
}

function namesOfMessage(side, number) {
  if (side === "client") return ["command", `command:${number}`];
  return number === 1 ? ["banner"] : ["reply", `reply:${number - 1}`];
}

function applies(rule, names, connection) {
  return names.includes(rule.what) && (!rule.connections || rule.connections.includes(connection.index));
}

function isDropped(segment, names, connection) {
  if (config.loss && nextRandom() < config.loss) return true;
  if (names.length === 0) return false;
  const key = `${segment.side} ${segment.seq} ${segment.payloadBytes > 0}`;
  if (!connection.drops.has(key)) {
    const rule = (config.drop ?? []).find((candidate) => applies(candidate, names, connection));
    if (rule) connection.drops.set(key, rule.times ?? 1);
  }
  const left = connection.drops.get(key) ?? 0;
  if (left > 0) connection.drops.set(key, left - 1);
  return left > 0;
}

function onPacket(packet) {
  const segment = decode(packet);
  const connection = connectionOf(segment);
  const names = nameOf(segment, connection);
  const flow = connection[segment.side];
  if (isDropped(segment, names, connection)) return;
  const now = performance.now();
  if (segment.payloadBytes > 0) {
    const rule = (config.hold ?? []).find((candidate) => applies(candidate, names, connection));
    if (rule && flow.heldMessage !== flow.messages) {
      flow.heldMessage = flow.messages;
      flow.freeAt = now + rule.ms + nextRandom() * (rule.jitterMs ?? 0);
    }
    if (flow.freeAt > now) return later(flow, packet, flow.freeAt);
  }
  const pathMs = (config.delayMs ?? 0) + nextRandom() * (config.jitterMs ?? 0);
  if (pathMs === 0) send(packet);
  else later(flow, packet, now + pathMs);
}

/** One queue for each flow, since nothing overtakes on one path. */
function later(flow, packet, dueAt) {
  const last = flow.queue.at(-1)?.dueAt ?? 0;
  flow.queue.push({ packet: Buffer.from(packet), dueAt: Math.max(dueAt, last) });
  if (flow.queue.length === 1) awaitHead(flow);
}

function awaitHead(flow) {
  setTimeout(() => {
    while (flow.queue.length > 0 && flow.queue[0].dueAt <= performance.now()) send(flow.queue.shift().packet);
    if (flow.queue.length > 0) awaitHead(flow);
  }, flow.queue[0].dueAt - performance.now());
}

/** A small generator with a seed (mulberry32), so that a run loses the same share as the last. */
function nextRandom() {
  random = (random + 0x6d2b79f5) | 0;
  let mixed = Math.imul(random ^ (random >>> 15), 1 | random);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

start(onPacket);
console.log("ready");
