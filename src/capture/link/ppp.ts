/**
 * PPP (RFC 1661), bare or in HDLC-like framing (RFC 1662), and Cisco's HDLC, which shares its links.
 *
 * Deliberately absent: Van Jacobson's header compression and multilink. Both need the state of the
 * link from its beginning on.
 */

import { type Dissection, type Outcome, short } from "../network/dissection.ts";
import type { LinkLayer } from "./layer.ts";
import { openMpls } from "./mpls.ts";

/** The LINKTYPE_ by which tunnels name a frame inside them. */
export const PPP = 9;
const PPP_HDLC = 50;

/** The only address there is, and no protocol. Links may agree to leave it out with the control byte. */
const ALL_STATIONS = 0xff;
const ADDRESS_AND_CONTROL_BYTES = 2;
const CISCO_UNICAST = 0x0f;
const CISCO_BROADCAST = 0x8f;
/** Assigned protocol numbers end in an odd byte whose predecessor is even: an odd first byte is a compressed field. */
const IS_LAST_BYTE = 0x01;

export function openPpp(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  if (at + 2 > end) return short(at + 2, wireEnd);
  const address = buffer[at]!;
  if (address === CISCO_UNICAST || address === CISCO_BROADCAST) {
    if (at + 4 > end) return short(at + 4, wireEnd);
    const type = (buffer[at + 2]! << 8) | buffer[at + 3]!;
    return dissection.etherType(type, buffer, at + 4, end, wireEnd);
  }
  const payloadAt = address === ALL_STATIONS ? at + ADDRESS_AND_CONTROL_BYTES : at;
  return openPppProtocol(dissection, buffer, payloadAt, end, wireEnd);
}

/** A PPP packet from its protocol field on. */
export function openPppProtocol(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  if (at >= end) return short(at + 1, wireEnd);
  let protocol = buffer[at]!;
  let payloadAt = at + 1;
  if ((protocol & IS_LAST_BYTE) === 0) {
    if (payloadAt >= end) return short(payloadAt + 1, wireEnd);
    protocol = (protocol << 8) | buffer[payloadAt++]!;
  }
  switch (protocol) {
    case 0x0021:
      return dissection.ip(buffer, payloadAt, end, wireEnd);
    case 0x0057:
      return dissection.ipv6(buffer, payloadAt, end, wireEnd);
    case 0x0281:
    case 0x0283:
      return openMpls(dissection, buffer, payloadAt, end, wireEnd);
  }
  return "unsupported";
}

export const ppp: LinkLayer = { name: "PPP", linkTypes: [PPP, PPP_HDLC], open: openPpp };
