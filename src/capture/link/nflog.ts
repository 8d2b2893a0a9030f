/**
 * Linux netfilter log: what a firewall rule with target NFLOG saw.
 *
 * A header (address family, version, resource), then attributes: length, type, value, padded to four
 * bytes. Lengths and types are in the byte order of the machine that captured, which no field
 * states; the little one is tried first, and the other when it leads to no packet.
 */

import { short } from "../network/dissection.ts";
import type { LinkLayer } from "./layer.ts";

const HEADER_BYTES = 4;
const ATTRIBUTE_HEADER_BYTES = 4;
/** NFULA_PAYLOAD. The two top bits of a type are flags. */
const PAYLOAD = 9;
const TYPE_MASK = 0x3fff;
const FAMILY_IPV4 = 2;
const FAMILY_IPV6 = 10;

export const nflog: LinkLayer = {
  name: "Linux netfilter log",
  linkTypes: [239],
  open(dissection, buffer, at, end, wireEnd) {
    if (at + HEADER_BYTES > end) return short(at + HEADER_BYTES, wireEnd);
    const family = buffer[at]!;
    if (family !== FAMILY_IPV4 && family !== FAMILY_IPV6) return "unsupported";
    let attributeAt = findPayload(buffer, at + HEADER_BYTES, end, 0);
    let low = 0;
    if (attributeAt < 0) {
      low = 1;
      attributeAt = findPayload(buffer, at + HEADER_BYTES, end, low);
    }
    if (attributeAt < 0) return "unsupported";
    const attributeEnd = attributeAt + half(buffer, attributeAt, low);
    const payloadAt = attributeAt + ATTRIBUTE_HEADER_BYTES;
    const payloadEnd = Math.min(end, attributeEnd);
    const payloadWireEnd = Math.min(wireEnd, attributeEnd);
    if (family === FAMILY_IPV4) return dissection.ip(buffer, payloadAt, payloadEnd, payloadWireEnd);
    return dissection.ipv6(buffer, payloadAt, payloadEnd, payloadWireEnd);
  },
};

/** A 16-bit number whose low byte comes first (`low` 0) or second (1). */
const half = (buffer: Uint8Array, at: number, low: number): number =>
  (buffer[at + 1 - low]! << 8) | buffer[at + low]!;

/** Where the payload's attribute starts, or -1. */
function findPayload(buffer: Uint8Array, first: number, end: number, low: number): number {
  for (let at = first; at + ATTRIBUTE_HEADER_BYTES <= end; ) {
    const lengthBytes = half(buffer, at, low);
    if (lengthBytes < ATTRIBUTE_HEADER_BYTES) return -1;
    if ((half(buffer, at + 2, low) & TYPE_MASK) === PAYLOAD) return at;
    at += (lengthBytes + 3) & ~3;
  }
  return -1;
}
