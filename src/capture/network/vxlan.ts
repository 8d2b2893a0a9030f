/** VXLAN (RFC 7348): eight bytes about the network, then an Ethernet frame. */

import { ETHERNET } from "../link/ethernet.ts";
import type { Dissection, Outcome } from "./dissection.ts";

const HEADER_BYTES = 8;

export function openVxlan(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  return dissection.link(ETHERNET, buffer, at + HEADER_BYTES, end, wireEnd);
}
