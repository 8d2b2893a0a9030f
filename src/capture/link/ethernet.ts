/** Ethernet II and IEEE 802.3: two addresses, then an EtherType or a length. */

import { type Dissection, type Outcome, short } from "../network/dissection.ts";
import type { LinkLayer } from "./layer.ts";

/** The LINKTYPE_ by which tunnels name a frame inside them. */
export const ETHERNET = 1;

const HEADER_BYTES = 14;
const IPV4 = 0x0800;

export function openEthernet(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  const payloadAt = at + HEADER_BYTES;
  if (payloadAt > end) return short(payloadAt, wireEnd);
  const type = (buffer[at + 12]! << 8) | buffer[at + 13]!;
  // Nearly every packet of nearly every capture: one call less.
  if (type === IPV4) return dissection.ip(buffer, payloadAt, end, wireEnd);
  return dissection.etherType(type, buffer, payloadAt, end, wireEnd);
}

export const ethernet: LinkLayer = {
  name: "Ethernet",
  linkTypes: [ETHERNET],
  open: openEthernet,
};
