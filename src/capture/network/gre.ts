/**
 * GRE (RFC 2784, with key and sequence of RFC 2890; RFC 2637's version 1, as PPTP uses it).
 *
 * Deliberately absent: RFC 1701's source routes, which nobody has sent for decades.
 */

import { ETHERNET } from "../link/ethernet.ts";
import { openMpls } from "../link/mpls.ts";
import { PPP } from "../link/ppp.ts";
import { type Dissection, type Outcome, short } from "./dissection.ts";
import { openErspan, openErspan3 } from "./erspan.ts";

const HEADER_BYTES = 4;
/** Each optional field is one word. */
const FIELD_BYTES = 4;
const HAS_CHECKSUM = 0x8000;
const HAS_ROUTING = 0x4000;
const HAS_KEY = 0x2000;
const HAS_SEQUENCE = 0x1000;
/** Only in version 1. */
const HAS_ACKNOWLEDGEMENT = 0x0080;

export function openGre(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  if (at + HEADER_BYTES > end) return short(at + HEADER_BYTES, wireEnd);
  const flags = (buffer[at]! << 8) | buffer[at + 1]!;
  if ((flags & HAS_ROUTING) !== 0) return "unsupported";
  let payloadAt = at + HEADER_BYTES;
  if ((flags & HAS_CHECKSUM) !== 0) payloadAt += FIELD_BYTES;
  if ((flags & HAS_KEY) !== 0) payloadAt += FIELD_BYTES;
  if ((flags & HAS_SEQUENCE) !== 0) payloadAt += FIELD_BYTES;
  if ((flags & HAS_ACKNOWLEDGEMENT) !== 0) payloadAt += FIELD_BYTES;
  if (payloadAt > end) return short(payloadAt, wireEnd);
  const protocol = (buffer[at + 2]! << 8) | buffer[at + 3]!;
  const hasSequence = (flags & HAS_SEQUENCE) !== 0;
  return openGreProtocol(dissection, protocol, hasSequence, buffer, payloadAt, end, wireEnd);
}

/** What a GRE protocol number announces. Most are EtherTypes, but not all EtherTypes may be here. */
export function openGreProtocol(
  dissection: Dissection,
  protocol: number,
  hasSequence: boolean,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  switch (protocol) {
    case 0x0800:
      return dissection.ip(buffer, at, end, wireEnd);
    case 0x86dd:
      return dissection.ipv6(buffer, at, end, wireEnd);
    case 0x6558: // transparent Ethernet bridging
      return dissection.link(ETHERNET, buffer, at, end, wireEnd);
    case 0x8847:
    case 0x8848:
      return openMpls(dissection, buffer, at, end, wireEnd);
    case 0x880b:
      return dissection.link(PPP, buffer, at, end, wireEnd);
    case 0x88be:
      return openErspan(dissection, hasSequence, buffer, at, end, wireEnd);
    case 0x22eb:
      return openErspan3(dissection, buffer, at, end, wireEnd);
  }
  return "unsupported";
}
