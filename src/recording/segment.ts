/**
 * TCP segments as they would have been on the wire, behind IPv4 (RFC 791) or IPv6 (RFC 8200), with
 * checksums that hold.
 */
import type { Side } from "../spine/wire.ts";

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;

/** What fits behind the headers of an IPv4 packet, 65,535 octets long; taken for IPv6 as well. */
export const MAX_SEGMENT_BYTES = 65_495;

/** A shift of 8: windows of 16 MiB, so that no recorded segment lies outside its receiver's window. */
const WINDOW_SCALE = 8;
/** Not the SYN's: a segment that says nothing else is then a window update, not a repeated ACK. */
const WINDOW = 0xfffe;
const SYN_WINDOW = 0xffff;
const TCP_BYTES = 20;
/** On a SYN: maximum segment size, no-operation, window scale. */
const SYN_OPTIONS = [2, 4, MAX_SEGMENT_BYTES >> 8, MAX_SEGMENT_BYTES & 0xff, 1, 3, 3, WINDOW_SCALE];
const TTL = 64;
const TCP = 6;

/** The two ends of a connection, both of one address family. */
export interface Ends {
  readonly client: { readonly address: Uint8Array; readonly port: number };
  readonly server: { readonly address: Uint8Array; readonly port: number };
}

export interface Segment {
  readonly from: Side;
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly payloadBytes: number;
}

/** Of both headers together. */
export function headerBytes(ends: Ends, flags: number): number {
  return ipBytes(ends) + TCP_BYTES + (flags & SYN ? SYN_OPTIONS.length : 0);
}

function ipBytes({ client }: Ends): number {
  return client.address.length === 4 ? 20 : 40;
}

/** Writes the headers; the TCP checksum is left for `seal`, when the payload is there. */
export function writeHeaders(into: Buffer, at: number, ends: Ends, segment: Segment): void {
  const { from, flags } = segment;
  const source = from === "client" ? ends.client : ends.server;
  const destination = from === "client" ? ends.server : ends.client;
  const tcpAt = at + ipBytes(ends);
  const tcpLength = headerBytes(ends, flags) - ipBytes(ends) + segment.payloadBytes;
  if (source.address.length === 4) {
    into.writeUInt16BE(0x4500, at);
    into.writeUInt16BE(20 + tcpLength, at + 2);
    into.writeUInt16BE(0x4000, at + 6); // not to be fragmented
    into[at + 8] = TTL;
    into[at + 9] = TCP;
    into.set(source.address, at + 12);
    into.set(destination.address, at + 16);
    into.writeUInt16BE(complement(sum(into, at, at + 20)), at + 10);
  } else {
    into[at] = 0x60;
    into.writeUInt16BE(tcpLength, at + 4);
    into[at + 6] = TCP;
    into[at + 7] = TTL;
    into.set(source.address, at + 8);
    into.set(destination.address, at + 24);
  }
  into.writeUInt16BE(source.port, tcpAt);
  into.writeUInt16BE(destination.port, tcpAt + 2);
  into.writeUInt32BE(segment.sequence >>> 0, tcpAt + 4);
  into.writeUInt32BE(segment.acknowledgement >>> 0, tcpAt + 8);
  const words = (TCP_BYTES + (flags & SYN ? SYN_OPTIONS.length : 0)) / 4;
  into[tcpAt + 12] = words << 4;
  into[tcpAt + 13] = flags;
  into.writeUInt16BE(flags & SYN ? SYN_WINDOW : WINDOW, tcpAt + 14);
  if (flags & SYN) into.set(SYN_OPTIONS, tcpAt + TCP_BYTES);
}

/** Computes the TCP checksum of the packet `[at, end)`, whose payload is final. */
export function seal(packet: Buffer, at: number, end: number): void {
  const isV4 = packet[at]! >> 4 === 4;
  const tcpAt = at + (isV4 ? 20 : 40);
  const addresses = isV4 ? sum(packet, at + 12, at + 20) : sum(packet, at + 8, at + 40);
  packet.writeUInt16BE(0, tcpAt + 16);
  const all = addresses + TCP + (end - tcpAt) + sum(packet, tcpAt, end);
  packet.writeUInt16BE(complement(all), tcpAt + 16);
}

/** At most 2^15 words of 2^16: exact. */
function sum(bytes: Uint8Array, start: number, end: number): number {
  let total = 0;
  const even = end - ((end - start) & 1);
  for (let i = start; i < even; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  return even < end ? total + (bytes[even]! << 8) : total;
}

function complement(total: number): number {
  let folded = total;
  while (folded > 0xffff) folded = (folded % 0x1_0000) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}
