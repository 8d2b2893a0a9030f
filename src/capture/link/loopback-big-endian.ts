/** OpenBSD loopback (LOOP): an address family, always in network byte order. */

import { short } from "../network/dissection.ts";
import type { LinkLayer } from "./layer.ts";
import { openFamily } from "./loopback.ts";

const HEADER_BYTES = 4;

export const loopbackBigEndian: LinkLayer = {
  name: "OpenBSD loopback",
  linkTypes: [108],
  open(dissection, buffer, at, end, wireEnd) {
    const payloadAt = at + HEADER_BYTES;
    if (payloadAt > end) return short(payloadAt, wireEnd);
    const family = (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
    return openFamily(dissection, family, buffer, payloadAt, end, wireEnd);
  },
};
