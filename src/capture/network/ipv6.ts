/**
 * IPv6 and its extension headers (RFC 8200; routing headers of RFC 5095, 6275, 8754; AH of RFC 4302).
 *
 * Deliberately absent: ESP, even unencrypted. Nothing in it says that it is.
 */

import { type Dissection, type Outcome, short } from "./dissection.ts";

const HEADER_BYTES = 40;
const ADDRESS_BYTES = 16;
/** Every extension header is at least this long. */
const MIN_EXTENSION_BYTES = 8;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const SHIM6 = 140;

const ROUTE_SOURCE = 0;
const ROUTE_MOBILE = 2;
const ROUTE_SEGMENTS = 4;

export function openIpv6(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  const payloadAt = at + HEADER_BYTES;
  if (at < end && buffer[at]! >> 4 !== 6) return "malformed";
  if (payloadAt > end) return short(payloadAt, wireEnd);
  const payloadBytes = (buffer[at + 4]! << 8) | buffer[at + 5]!;
  // 0: a jumbogram (RFC 2675), or captured before segmentation offload. All of the packet, then.
  const packetEnd = payloadBytes === 0 ? wireEnd : payloadAt + payloadBytes;
  return openExtensions(
    dissection,
    buffer[at + 6]!,
    buffer,
    payloadAt,
    Math.min(packetEnd, end),
    packetEnd,
    Math.min(packetEnd, wireEnd),
    at + 8,
    at + 24,
  );
}

/**
 * Walks extension headers up to the first header that is none.
 * @param statedEnd end by the packet's own length, which for a fragment is all there is to go by
 */
export function openExtensions(
  dissection: Dissection,
  firstHeader: number,
  buffer: Uint8Array,
  firstAt: number,
  end: number,
  statedEnd: number,
  wireEnd: number,
  sourceAt: number,
  packetDestinationAt: number,
): Outcome {
  let header = firstHeader;
  let at = firstAt;
  let destinationAt = packetDestinationAt;
  while (isExtension(header)) {
    if (at + MIN_EXTENSION_BYTES > end) {
      return short(at + MIN_EXTENSION_BYTES, wireEnd);
    }
    const following = buffer[at]!;
    if (header === FRAGMENT) {
      const field = (buffer[at + 2]! << 8) | buffer[at + 3]!;
      const offset = field & 0xfff8;
      const more = (field & 1) !== 0;
      // Neither first of several nor a later one: an "atomic" fragment is whole (RFC 6946).
      if (offset !== 0 || more) {
        return dissection.fragment(
          (buffer[at + 4]! << 24) | (buffer[at + 5]! << 16) | (buffer[at + 6]! << 8) | buffer[at + 7]!,
          following,
          offset,
          more,
          buffer,
          at + MIN_EXTENSION_BYTES,
          end,
          statedEnd,
          ADDRESS_BYTES,
          sourceAt,
          destinationAt,
        );
      }
      at += MIN_EXTENSION_BYTES;
    } else {
      const lengthBytes = extensionBytes(header, buffer[at + 1]!);
      if (at + lengthBytes > end) return short(at + lengthBytes, wireEnd);
      if (header === ROUTING) {
        destinationAt = finalDestination(buffer, at, lengthBytes, destinationAt);
      }
      at += lengthBytes;
    }
    header = following;
  }
  return dissection.protocol(header, buffer, at, end, wireEnd, ADDRESS_BYTES, sourceAt, destinationAt);
}

const isExtension = (header: number): boolean =>
  header === HOP_BY_HOP ||
  header === ROUTING ||
  header === FRAGMENT ||
  header === AUTHENTICATION ||
  header === DESTINATION_OPTIONS ||
  header === SHIM6;

/** AH came from IPv4 and counts its length otherwise than all others. */
const extensionBytes = (header: number, length: number): number =>
  header === AUTHENTICATION ? (length + 2) << 2 : (length + 1) << 3;

/**
 * While a route has stops left, the header's destination is only the next of them; the connection is
 * with the last. Segment routing lists them backwards.
 */
function finalDestination(
  buffer: Uint8Array,
  at: number,
  lengthBytes: number,
  destinationAt: number,
): number {
  const type = buffer[at + 2]!;
  const isRouted = buffer[at + 3]! > 0 && lengthBytes >= 8 + ADDRESS_BYTES;
  if (!isRouted) return destinationAt;
  if (type === ROUTE_SEGMENTS) return at + 8;
  if (type !== ROUTE_SOURCE && type !== ROUTE_MOBILE) return destinationAt;
  const addresses = (lengthBytes - 8) >> 4;
  return at + 8 + (addresses - 1) * ADDRESS_BYTES;
}
