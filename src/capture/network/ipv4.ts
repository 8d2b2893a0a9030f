/**
 * IPv4 (RFC 791).
 *
 * Checksums are not verified: offloading leaves them wrong in every capture taken at the sender.
 */

import { type Dissection, type Outcome, short } from "./dissection.ts";

const MIN_HEADER_BYTES = 20;
/** Flag "more fragments" and the fragment offset; "don't fragment" and the reserved bit left out. */
const FRAGMENT_MASK = 0x3fff;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

const OPTION_END = 0;
const OPTION_NOTHING = 1;
const OPTION_LOOSE_ROUTE = 131;
const OPTION_STRICT_ROUTE = 137;

export function openIpv4(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  if (at + MIN_HEADER_BYTES > end) return short(at + MIN_HEADER_BYTES, wireEnd);
  const headerBytes = (buffer[at]! & 0x0f) << 2;
  const payloadAt = at + headerBytes;
  let totalBytes = (buffer[at + 2]! << 8) | buffer[at + 3]!;
  // Captured before a network card with segmentation offload filled it in: all of the packet, then.
  if (totalBytes === 0) totalBytes = wireEnd - at;
  if (headerBytes < MIN_HEADER_BYTES || totalBytes < headerBytes) {
    return "malformed";
  }
  if (payloadAt > end) return short(payloadAt, wireEnd);
  const sourceAt = at + 12;
  const destinationAt = headerBytes === MIN_HEADER_BYTES ? at + 16 : finalDestination(buffer, at, payloadAt);
  const protocol = buffer[at + 9]!;
  const packetEnd = at + totalBytes;
  const capturedEnd = Math.min(packetEnd, end);
  const fragment = ((buffer[at + 6]! << 8) | buffer[at + 7]!) & FRAGMENT_MASK;
  if (fragment !== 0) {
    return dissection.fragment(
      (((buffer[at + 4]! << 8) | buffer[at + 5]!) << 8) | protocol,
      protocol,
      (fragment & OFFSET_MASK) << 3,
      (fragment & MORE_FRAGMENTS) !== 0,
      buffer,
      payloadAt,
      capturedEnd,
      packetEnd,
      4,
      sourceAt,
      destinationAt,
    );
  }
  return dissection.protocol(
    protocol,
    buffer,
    payloadAt,
    capturedEnd,
    Math.min(packetEnd, wireEnd),
    4,
    sourceAt,
    destinationAt,
  );
}

/**
 * While a source route has stops left, the header's destination is only the next of them; the
 * connection is with the last (RFC 791 §3.1).
 */
function finalDestination(buffer: Uint8Array, at: number, optionsEnd: number): number {
  let option = at + MIN_HEADER_BYTES;
  while (option + 2 < optionsEnd && buffer[option] !== OPTION_END) {
    const type = buffer[option]!;
    if (type === OPTION_NOTHING) {
      option++;
      continue;
    }
    const lengthBytes = buffer[option + 1]!;
    if (lengthBytes < 2 || option + lengthBytes > optionsEnd) break;
    const isRoute = type === OPTION_LOOSE_ROUTE || type === OPTION_STRICT_ROUTE;
    if (isRoute && lengthBytes >= 7 && buffer[option + 2]! + 3 <= lengthBytes) {
      return option + lengthBytes - 4;
    }
    option += lengthBytes;
  }
  return at + 16;
}
