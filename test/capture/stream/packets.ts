/**
 * TCP conversations by hand: each packet is named by its sender and the place in that sender's stream,
 * so that a test reads as what was said. Offset 0 is the first byte; the SYN stands at −1.
 *
 * Shares nothing with the product's decoders. Checksums are left zero.
 */
import type { Side } from "../../../src/spine/wire.ts";

export interface Host {
  /** Four or sixteen bytes. */
  address: readonly number[];
  port: number;
}

/** Two ends, and where their sequence numbers begin. */
export interface Link {
  client: Host;
  server: Host;
  clientIsn: number;
  serverIsn: number;
}

export interface Packet {
  link: Link;
  from: Side;
  /** Stream offset of the first payload byte. */
  seq: number;
  /** Stream offset that the sender expects next of its peer; null: the ACK flag is not set. */
  ack: number | null;
  /** Any of S, F, R, P. */
  flags: string;
  data: Uint8Array;
  /** µs since BASE_US; by default one millisecond a packet. */
  atUs?: number;
  /** Payload bytes that the snap length cut. */
  cutBytes?: number;
  windowBytes?: number;
  /** An ICMP error (type, code) sent by a router about this packet, instead of the packet. */
  icmp?: readonly [number, number];
}

export interface Record {
  atUs: number;
  bytes: Uint8Array;
  wireLength: number;
}

/** 2024-01-01 00:00:00 UTC. */
export const BASE_US = 1_704_067_200_000_000;

const NOTHING = new Uint8Array(0);

const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === "string" ? new TextEncoder().encode(text) : text;

export const ip4 = (last: number, port: number): Host => ({ address: [192, 0, 2, last], port });
export const ip6 = (last: number, port: number): Host => ({
  address: [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last],
  port,
});

const link = (changes: Partial<Link> = {}): Link => ({
  client: ip4(1, 40_000),
  server: ip4(25, 25),
  clientIsn: 1_000,
  serverIsn: 5_000,
  ...changes,
});

type More = Partial<Pick<Packet, "flags" | "atUs" | "cutBytes" | "windowBytes" | "icmp">> & {
  ack?: number | null;
};

/** What two ends of one link may send. */
export class Talk {
  readonly link: Link;

  constructor(changes: Partial<Link> = {}) {
    this.link = link(changes);
  }

  client(seq: number, data: string | Uint8Array, more: More = {}): Packet {
    return { link: this.link, from: "client", seq, ack: 0, flags: "", data: bytesOf(data), ...more };
  }
  server(seq: number, data: string | Uint8Array, more: More = {}): Packet {
    return { link: this.link, from: "server", seq, ack: 0, flags: "", data: bytesOf(data), ...more };
  }
  syn(more: More = {}): Packet {
    return this.client(-1, NOTHING, { flags: "S", ack: null, ...more });
  }
  synAck(more: More = {}): Packet {
    return this.server(-1, NOTHING, { flags: "S", ...more });
  }
  handshake(): Packet[] {
    return [this.syn(), this.synAck(), this.client(0, NOTHING)];
  }
}

const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255];
const u32 = (value: number): number[] => [
  (value >>> 24) & 255,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];
const FLAGS: { readonly [letter: string]: number } = { F: 1, S: 2, R: 4, P: 8 };

function segment(packet: Packet): Uint8Array {
  const fromClient = packet.from === "client";
  const { client, server, clientIsn, serverIsn } = packet.link;
  const [source, destination] = fromClient ? [client, server] : [server, client];
  const [isn, peerIsn] = fromClient ? [clientIsn, serverIsn] : [serverIsn, clientIsn];
  let flags = packet.ack === null ? 0 : 0x10;
  for (const letter of packet.flags) flags |= FLAGS[letter]!;
  // A SYN stands one before its payload.
  const sequence = isn + 1 + packet.seq;
  const header = [
    ...u16(source.port),
    ...u16(destination.port),
    ...u32(sequence),
    ...u32(packet.ack === null ? 0 : peerIsn + 1 + packet.ack),
    0x50,
    flags,
    ...u16(packet.windowBytes ?? 64_000),
    ...u32(0),
  ];
  return concat(Uint8Array.from(header), packet.data);
}

function ip(source: Host, destination: Host, protocol: number, payload: Uint8Array): Uint8Array {
  const header =
    source.address.length === 4
      ? [0x45, 0, ...u16(20 + payload.length), 0, 1, 0x40, 0, 64, protocol, 0, 0]
      : [0x60, 0, 0, 0, ...u16(payload.length), protocol, 64];
  return concat(Uint8Array.from([...header, ...source.address, ...destination.address]), payload);
}

/** The packet in an Ethernet frame. */
function encodeFrame(packet: Packet): Uint8Array {
  const { client, server } = packet.link;
  const [source, destination] = packet.from === "client" ? [client, server] : [server, client];
  const v4 = source.address.length === 4;
  let datagram = ip(source, destination, 6, segment(packet));
  if (packet.icmp !== undefined) {
    const [type, code] = packet.icmp;
    const quote = datagram.subarray(0, (v4 ? 20 : 40) + 20);
    const error = concat(Uint8Array.from([type, code, 0, 0, 0, 0, 0, 0]), quote);
    datagram = ip(destination, source, v4 ? 1 : 58, error);
  }
  const ethernet = Uint8Array.from([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...(v4 ? [8, 0] : [0x86, 0xdd])]);
  return concat(ethernet, datagram);
}

/** Packets as a capture would hold them, in this order. */
export function recordsOf(packets: readonly Packet[]): Record[] {
  return packets.map((packet, index) => {
    const whole = encodeFrame(packet);
    return {
      atUs: BASE_US + (packet.atUs ?? (index + 1) * 1_000),
      bytes: whole.subarray(0, whole.length - (packet.cutBytes ?? 0)),
      wireLength: whole.length,
    };
  });
}

const PCAP_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** A classic little-endian pcap file with µs and Ethernet. */
export function encodePcap(records: readonly Record[]): Buffer {
  const size = records.reduce(
    (sum, { bytes }) => sum + RECORD_HEADER_BYTES + bytes.length,
    PCAP_HEADER_BYTES,
  );
  const file = Buffer.alloc(size);
  file.writeUInt32LE(0xa1b2c3d4, 0);
  file.writeUInt16LE(2, 4);
  file.writeUInt16LE(4, 6);
  file.writeUInt32LE(262_144, 16);
  file.writeUInt32LE(1, 20);
  let at = PCAP_HEADER_BYTES;
  for (const { atUs, bytes, wireLength } of records) {
    file.writeUInt32LE(Math.floor(atUs / 1e6), at);
    file.writeUInt32LE(atUs % 1e6, at + 4);
    file.writeUInt32LE(bytes.length, at + 8);
    file.writeUInt32LE(wireLength, at + 12);
    file.set(bytes, at + RECORD_HEADER_BYTES);
    at += RECORD_HEADER_BYTES + bytes.length;
  }
  return file;
}

export const pcapOf = (packets: readonly Packet[]): Buffer => encodePcap(recordsOf(packets));

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
