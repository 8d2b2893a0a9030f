/**
 * ICMP (RFC 792) and ICMPv6 (RFC 4443) errors: both quote the start of the packet that caused them
 * after eight bytes of their own.
 *
 * Deliberately absent: redirects. They quote as well, but the packet was delivered.
 */

import { type Dissection, type Outcome, short } from "./dissection.ts";

const HEADER_BYTES = 8;

export function openIcmp(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  if (at + HEADER_BYTES > end) return short(at + HEADER_BYTES, wireEnd);
  switch (buffer[at]) {
    case 3: // destination unreachable
    case 4: // source quench
    case 11: // time exceeded
    case 12: // parameter problem
      return dissection.quote(buffer, at + HEADER_BYTES, end, wireEnd);
  }
  return "unsupported";
}

export function openIcmpv6(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  if (at + HEADER_BYTES > end) return short(at + HEADER_BYTES, wireEnd);
  switch (buffer[at]) {
    case 1: // destination unreachable
    case 2: // packet too big
    case 3: // time exceeded
    case 4: // parameter problem
      return dissection.quote(buffer, at + HEADER_BYTES, end, wireEnd);
  }
  return "unsupported";
}
