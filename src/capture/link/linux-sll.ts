/** Linux "cooked" capture, version 1: what `tcpdump -i any` wrote for decades. */

import { type Dissection, type Outcome, short } from "../network/dissection.ts";
import { openGreProtocol } from "../network/gre.ts";
import type { LinkLayer } from "./layer.ts";
import { openLlc } from "./llc.ts";

const HEADER_BYTES = 16;
const HARDWARE_OFFSET = 2;
const PROTOCOL_OFFSET = 14;

const HARDWARE_GRE = 778;
const HARDWARE_NETLINK = 824;
/** Not EtherTypes: Linux's own numbers for frames without one. */
const MAX_LINUX_PROTOCOL = 1500;
const LINUX_LLC = 4;

/** What a cooked header announces; both versions of it have these two fields. */
export function openCooked(
  dissection: Dissection,
  hardware: number,
  protocol: number,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  if (hardware === HARDWARE_NETLINK) return "unsupported";
  if (hardware === HARDWARE_GRE) {
    return openGreProtocol(dissection, protocol, false, buffer, at, end, wireEnd);
  }
  if (protocol > MAX_LINUX_PROTOCOL) {
    return dissection.etherType(protocol, buffer, at, end, wireEnd);
  }
  if (protocol === LINUX_LLC) return openLlc(dissection, buffer, at, end, wireEnd);
  return "unsupported";
}

export const linuxSll: LinkLayer = {
  name: "Linux cooked",
  linkTypes: [113],
  open(dissection, buffer, at, end, wireEnd) {
    const payloadAt = at + HEADER_BYTES;
    if (payloadAt > end) return short(payloadAt, wireEnd);
    const hardware = (buffer[at + HARDWARE_OFFSET]! << 8) | buffer[at + HARDWARE_OFFSET + 1]!;
    const protocol = (buffer[at + PROTOCOL_OFFSET]! << 8) | buffer[at + PROTOCOL_OFFSET + 1]!;
    return openCooked(dissection, hardware, protocol, buffer, payloadAt, end, wireEnd);
  },
};
