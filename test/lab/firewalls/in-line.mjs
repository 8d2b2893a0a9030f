/**
 * An inspecting firewall, in line: packets pass through this program, which overwrites what it dislikes
 * and never changes a length. `node in-line.mjs CONFIG`, in the firewall's namespace:
 *
 *     {
 *       "rules": "asa" | "pix",           see inspection.mjs
 *       "source": "192.0.2.200",          behind it all clients have this address, and other ports (NAT)
 *       "newSequences": true,             both sides' sequence numbers are chosen anew, as an ASA does
 *       "log": path                       a JSON line for every changed line
 *     }
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { openTun } from "../tun-device.mjs";
import { Inspection } from "./inspection.mjs";

const MAIL_PORTS = [25, 465, 587];
const [SYN, ACK] = [0x02, 0x10];
const SACK_PERMITTED = 4;
const NOP = 1;

const config = JSON.parse(process.argv[2]);
const device = openTun();
/** By the client's address and port as the client knows them, and as the server does. */
const byClient = new Map();
const byServer = new Map();
let nextPort = 20_000;
writeFileSync(config.log, "");

function decode(packet) {
  const ip = (packet[0] & 15) * 4;
  const from = MAIL_PORTS.includes(packet.readUInt16BE(ip)) ? "server" : "client";
  return { packet, ip, from, payloadAt: ip + (packet[ip + 12] >> 4) * 4, end: packet.readUInt16BE(2) };
}

function connectionOf({ packet, ip, from }) {
  const [address, port] = from === "client" ? [12, ip] : [16, ip + 2];
  const key = `${packet.readUInt32BE(address)}:${packet.readUInt16BE(port)}`;
  if (from === "server") return byServer.get(key);
  if ((packet[ip + 13] & (SYN | ACK)) === SYN && !byClient.get(key)?.fresh) {
    const connection = newConnection(packet, ip);
    byClient.set(key, connection);
    byServer.set(`${connection.source}:${connection.port}`, connection);
  }
  return byClient.get(key);
}

function newConnection(packet, ip) {
  const own = [packet.readUInt32BE(12), packet.readUInt16BE(ip)];
  const [source, port] = config.source === undefined ? own : [addressOf(config.source), nextPort++];
  const shift = () => (config.newSequences ? Math.floor(Math.random() * 2 ** 32) : 0);
  const log = (from, before, after) =>
    appendFileSync(config.log, `${JSON.stringify({ client: own.join(":"), from, before, after })}\n`);
  return {
    own,
    source,
    port,
    shift: { client: shift(), server: shift() },
    inspection: new Inspection(config.rules, log),
    /** Sequence number that the next new byte of a side has, and what has been made of bytes before. */
    next: { client: undefined, server: undefined },
    passed: new Map(),
    fresh: true,
  };
}

function addressOf(text) {
  return Buffer.from(text.split(".").map(Number)).readUInt32BE(0);
}

function onPacket(lent) {
  const packet = Buffer.from(lent);
  const segment = decode(packet);
  const connection = connectionOf(segment);
  if (connection !== undefined) {
    inspect(segment, connection);
    translate(segment, connection);
    sum(packet, segment.ip, segment.end);
  }
  device.send(packet);
}

/** A segment that comes again gets the same text again. */
function inspect({ packet, ip, from, payloadAt, end }, connection) {
  if (payloadAt === end) return;
  connection.fresh = false;
  const sequence = packet.readUInt32BE(ip + 4);
  const key = `${from} ${sequence} ${end - payloadAt}`;
  let after = connection.passed.get(key);
  if (after === undefined) {
    after = connection.inspection.pass(from, packet.toString("latin1", payloadAt, end));
    connection.passed.set(key, after);
  }
  packet.write(after, payloadAt, "latin1");
}

function translate({ packet, ip, from, payloadAt }, { own, source, port, shift }) {
  const to = from === "client" ? "server" : "client";
  const [address, at] = from === "client" ? [12, ip] : [16, ip + 2];
  const [newAddress, newPort] = from === "client" ? [source, port] : own;
  packet.writeUInt32BE(newAddress, address);
  packet.writeUInt16BE(newPort, at);
  const add = (place, by) =>
    packet.writeUInt32BE((packet.readUInt32BE(place) + by + 2 ** 32) % 2 ** 32, place);
  add(ip + 4, shift[from]);
  if (packet[ip + 13] & ACK) add(ip + 8, -shift[to]);
  // Selective acknowledgements would name numbers of the other side of the translation.
  if (!config.newSequences || !(packet[ip + 13] & SYN)) return;
  for (let option = ip + 20; option < payloadAt && packet[option] > 0; ) {
    if (packet[option] === SACK_PERMITTED) packet.fill(NOP, option, option + 2);
    option += packet[option] === NOP ? 1 : Math.max(2, packet[option + 1]);
  }
}

/** Checksums of IP and TCP (RFC 1071). */
function sum(packet, ip, end) {
  packet.writeUInt16BE(0, 10);
  packet.writeUInt16BE(ones(packet, 0, ip, 0), 10);
  packet.writeUInt16BE(0, ip + 16);
  const pseudo = 6 + (end - ip);
  packet.writeUInt16BE(ones(packet, ip, end, pseudo + words(packet, 12, 20)), ip + 16);
}

function words(packet, from, to) {
  let total = 0;
  for (let at = from; at < to; at += 2) total += at + 1 < to ? packet.readUInt16BE(at) : packet[at] << 8;
  return total;
}

function ones(packet, from, to, start) {
  let total = start + words(packet, from, to);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return ~total & 0xffff;
}

device.start(onPacket);
console.log("ready");
