/**
 * The TCP header (RFC 9293 §3.1). What its options say is for the stream layer, once a connection.
 *
 * Checksums are not verified: offloading leaves them wrong in every capture taken at the sender.
 */

import { NO_TIME } from "../../spine/wire.ts";
import type { Segment } from "../packet.ts";
import type { Refusal } from "./dissection.ts";

const MIN_HEADER_BYTES = 20;
/** Up to and with the window: all that is used. The checksum and the urgent pointer may be cut. */
const NEEDED_BYTES = 16;
/** Ports and sequence number: what an ICMP error must quote at least (RFC 792). */
const QUOTED_BYTES = 8;

/** A segment to be filled again and again. */
export const emptySegment = (): Segment => ({
  atUs: NO_TIME,
  frame: 0,
  buffer: new Uint8Array(0),
  addressBytes: 4,
  sourceAt: 0,
  destinationAt: 0,
  sourcePort: 0,
  destinationPort: 0,
  sequence: 0,
  acknowledgement: 0,
  flags: 0,
  window: 0,
  optionsAt: 0,
  payloadAt: 0,
  isCut: false,
  payloadLength: 0,
  capturedEnd: 0,
});

/** Fills `segment` from the header at `at`, except for the addresses. */
export function decodeTcp(
  segment: Segment,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Refusal | null {
  if (at + NEEDED_BYTES > end) return at + NEEDED_BYTES > wireEnd ? "malformed" : "truncated";
  const headerBytes = (buffer[at + 12]! >> 4) << 2;
  const payloadAt = at + headerBytes;
  if (headerBytes < MIN_HEADER_BYTES || payloadAt > wireEnd) return "malformed";
  decodeStart(segment, buffer, at);
  segment.acknowledgement =
    (buffer[at + 8]! << 24) | (buffer[at + 9]! << 16) | (buffer[at + 10]! << 8) | buffer[at + 11]!;
  segment.flags = buffer[at + 13]!;
  segment.window = (buffer[at + 14]! << 8) | buffer[at + 15]!;
  segment.payloadLength = wireEnd - payloadAt;
  segment.capturedEnd = end;
  // A header that was cut ends where it was cut, lest anyone reads options that are not there.
  segment.payloadAt = Math.min(payloadAt, end);
  segment.isCut = payloadAt > end;
  segment.optionsAt = Math.min(at + MIN_HEADER_BYTES, end);
  return null;
}

/**
 * Fills `segment` from as much of a header as an ICMP error quotes, except for the addresses.
 * Without the whole of the fields, flags are 0.
 */
export function decodeQuotedTcp(
  segment: Segment,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Refusal | null {
  if (at + QUOTED_BYTES > end) return at + QUOTED_BYTES > wireEnd ? "malformed" : "truncated";
  decodeStart(segment, buffer, at);
  const isWhole = at + NEEDED_BYTES <= end;
  segment.acknowledgement = isWhole
    ? (buffer[at + 8]! << 24) | (buffer[at + 9]! << 16) | (buffer[at + 10]! << 8) | buffer[at + 11]!
    : 0;
  segment.flags = isWhole ? buffer[at + 13]! : 0;
  segment.window = isWhole ? (buffer[at + 14]! << 8) | buffer[at + 15]! : 0;
  segment.optionsAt = end;
  segment.payloadAt = end;
  segment.isCut = true;
  segment.payloadLength = 0;
  segment.capturedEnd = end;
  return null;
}

function decodeStart(segment: Segment, buffer: Uint8Array, at: number): void {
  segment.buffer = buffer;
  segment.sourcePort = (buffer[at]! << 8) | buffer[at + 1]!;
  segment.destinationPort = (buffer[at + 2]! << 8) | buffer[at + 3]!;
  segment.sequence =
    (buffer[at + 4]! << 24) | (buffer[at + 5]! << 16) | (buffer[at + 6]! << 8) | buffer[at + 7]!;
}
