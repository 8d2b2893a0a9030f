/** Linux "cooked" capture, version 2: the same with the interface in it, and reordered. */

import { short } from "../network/dissection.ts";
import type { LinkLayer } from "./layer.ts";
import { openCooked } from "./linux-sll.ts";

const HEADER_BYTES = 20;
const HARDWARE_OFFSET = 8;

export const linuxSll2: LinkLayer = {
  name: "Linux cooked v2",
  linkTypes: [276],
  open(dissection, buffer, at, end, wireEnd) {
    const payloadAt = at + HEADER_BYTES;
    if (payloadAt > end) return short(payloadAt, wireEnd);
    const protocol = (buffer[at]! << 8) | buffer[at + 1]!;
    const hardware = (buffer[at + HARDWARE_OFFSET]! << 8) | buffer[at + HARDWARE_OFFSET + 1]!;
    return openCooked(dissection, hardware, protocol, buffer, payloadAt, end, wireEnd);
  },
};
