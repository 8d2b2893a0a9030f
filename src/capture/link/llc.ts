/**
 * IEEE 802.2 LLC, and the SNAP extension that carries an EtherType.
 *
 * Deliberately absent: Novell's raw 802.3 and every service access point but IP's and SNAP's.
 */

import { type Dissection, type Outcome, short } from "../network/dissection.ts";

const LLC_BYTES = 3;
const SNAP_BYTES = 8;
const SAP_IP = 0x06;
const SAP_SNAP = 0xaa;
const UNNUMBERED_INFORMATION = 0x03;
/** Organisations under whose code the protocol field is an EtherType: none, and bridged (RFC 1042, IEEE 802.1H). */
const ENCAPSULATED_ETHERNET = 0x000000;
const BRIDGE_TUNNEL = 0x0000f8;

export function openLlc(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  if (at + LLC_BYTES > end) return short(at + LLC_BYTES, wireEnd);
  const destination = buffer[at]!;
  const source = buffer[at + 1]!;
  if (buffer[at + 2] !== UNNUMBERED_INFORMATION) return "unsupported";
  if (destination === SAP_IP && source === SAP_IP) {
    return dissection.ip(buffer, at + LLC_BYTES, end, wireEnd);
  }
  if (destination !== SAP_SNAP || source !== SAP_SNAP) return "unsupported";
  const payloadAt = at + SNAP_BYTES;
  if (payloadAt > end) return short(payloadAt, wireEnd);
  const organisation = (buffer[at + 3]! << 16) | (buffer[at + 4]! << 8) | buffer[at + 5]!;
  if (organisation !== ENCAPSULATED_ETHERNET && organisation !== BRIDGE_TUNNEL) {
    return "unsupported";
  }
  const type = (buffer[at + 6]! << 8) | buffer[at + 7]!;
  return dissection.etherType(type, buffer, payloadAt, end, wireEnd);
}
