/**
 * Packets and captures by hand: IPv4 in raw-IP pcap records, each packet with its own time. Checksums stay zero;
 * readers of captures do not verify them.
 */
import type { Side } from "../../src/spine/wire.ts";

export interface Packet {
  readonly atUs: number;
  readonly bytes: Buffer;
}

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;

/** 2026-01-02 03:04:05 UTC */
export const EPOCH_US = 1_767_323_045_000_000;

/** Address and port. */
export type End = readonly [address: string, port: number];

/** What a header says, where it is not the usual. */
export interface Header {
  readonly window?: number;
  /** A multiple of four octets. */
  readonly options?: readonly number[];
  /** Time to live. */
  readonly hops?: number;
  /** In place of the next sequence number, or that of the peer. */
  readonly sequence?: number;
  readonly acknowledgement?: number;
}

/** One TCP connection: whoever sends goes on from where it stopped. */
export class Wire {
  readonly packets: Packet[] = [];
  readonly #ends: Readonly<Record<Side, End>>;
  readonly #next: Record<Side, number>;

  constructor(ends: Readonly<Record<Side, End>>, sequences: Readonly<Record<Side, number>>) {
    this.#ends = ends;
    this.#next = { ...sequences };
  }

  put(atUs: number, from: Side, flags: number, payload: Uint8Array, header: Header = {}): void {
    const to = from === "client" ? "server" : "client";
    const { window = 64_000, options = [], sequence = this.#next[from] } = header;
    const { acknowledgement = (flags & ACK) === 0 ? 0 : this.#next[to] } = header;
    const tcp = Buffer.alloc(20 + options.length + payload.length);
    tcp.writeUInt16BE(this.#ends[from][1], 0);
    tcp.writeUInt16BE(this.#ends[to][1], 2);
    tcp.writeUInt32BE(sequence, 4);
    tcp.writeUInt32BE(acknowledgement, 8);
    tcp[12] = (5 + options.length / 4) << 4;
    tcp[13] = flags;
    tcp.writeUInt16BE(window, 14);
    tcp.set(options, 20);
    tcp.set(payload, 20 + options.length);
    const bytes = ipv4(this.#ends[from][0], this.#ends[to][0], 6, tcp, header.hops);
    this.packets.push({ atUs, bytes });
    const takes = flags & (SYN | FIN) ? 1 : 0;
    this.#next[from] = (this.#next[from] + payload.length + takes) % 2 ** 32;
  }
}

export function datagram(atUs: number, from: End, to: End, payload: Uint8Array): Packet {
  const udp = Buffer.alloc(8 + payload.length);
  udp.writeUInt16BE(from[1], 0);
  udp.writeUInt16BE(to[1], 2);
  udp.writeUInt16BE(udp.length, 4);
  udp.set(payload, 8);
  return { atUs, bytes: ipv4(from[0], to[0], 17, udp) };
}

function ipv4(source: string, destination: string, protocol: number, payload: Buffer, hops = 64): Buffer {
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(20 + payload.length, 2);
  ip[8] = hops;
  ip[9] = protocol;
  ip.set(source.split(".").map(Number), 12);
  ip.set(destination.split(".").map(Number), 16);
  return Buffer.concat([ip, payload]);
}

// ---- pcap, little-endian, µs, raw IP (101)

export function captureOf(packets: readonly Packet[]): Buffer {
  const records = packets.flatMap(({ atUs, bytes }) => [recordHeader(atUs, bytes.length), bytes]);
  return Buffer.concat([captureHeader(), ...records]);
}

export function captureHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(101, 20);
  return header;
}

export function recordHeader(atUs: number, length: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(atUs / 1_000_000), 0);
  header.writeUInt32LE(atUs % 1_000_000, 4);
  header.writeUInt32LE(length, 8);
  header.writeUInt32LE(length, 12);
  return header;
}

/** Any number of 32 bits, the same for the same seed. */
export function scrambled(seed: number): number {
  let x = (seed + 0x9e3779b9) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
