/**
 * What an EtherType announces (IEEE 802 numbers), shared by all link layers and tunnels that use them.
 *
 * To add one: one `case` here, and a packet of it in the table in `test/capture/link/ether-types.test.ts`.
 */

import type { Dissection, Outcome } from "../network/dissection.ts";
import { ETHERNET } from "./ethernet.ts";
import { openLlc } from "./llc.ts";
import { openMpls } from "./mpls.ts";
import { openPppoe } from "./pppoe.ts";
import { openVlan } from "./vlan.ts";

/** Up to here the field is not a type but the length of an IEEE 802.3 frame. */
const MAX_LENGTH = 1500;

export function openEtherType(
  dissection: Dissection,
  type: number,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  switch (type) {
    case 0x0800:
      return dissection.ip(buffer, at, end, wireEnd);
    case 0x86dd:
      return dissection.ipv6(buffer, at, end, wireEnd);
    case 0x6558: // transparent Ethernet bridging, of tunnels
      return dissection.link(ETHERNET, buffer, at, end, wireEnd);
    case 0x8100: // IEEE 802.1Q
    case 0x88a8: // IEEE 802.1ad, the provider's tag
    case 0x9100: // the same before it was a standard
      return openVlan(dissection, buffer, at, end, wireEnd);
    case 0x8847:
    case 0x8848:
      return openMpls(dissection, buffer, at, end, wireEnd);
    case 0x8864:
      return openPppoe(dissection, buffer, at, end, wireEnd);
  }
  if (type > MAX_LENGTH) return "unsupported";
  const frameEnd = at + type;
  return openLlc(dissection, buffer, at, Math.min(end, frameEnd), Math.min(wireEnd, frameEnd));
}
