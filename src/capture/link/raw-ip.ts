/**
 * No link layer at all: the record starts with an IP header.
 *
 * Old Linux drivers handed over their PPP framing under the same number, hence the one look at it.
 */

import type { LinkLayer } from "./layer.ts";
import { openPpp } from "./ppp.ts";

const PPP_ADDRESS = 0xff;

export const rawIp: LinkLayer = {
  name: "raw IP",
  // 12 and 14 are what different BSDs numbered it; 228 promises IPv4 only.
  linkTypes: [12, 14, 101, 228],
  open(dissection, buffer, at, end, wireEnd) {
    if (at < end && buffer[at] === PPP_ADDRESS) return openPpp(dissection, buffer, at, end, wireEnd);
    return dissection.ip(buffer, at, end, wireEnd);
  },
};

export const rawIpv6: LinkLayer = {
  name: "raw IPv6",
  linkTypes: [229],
  open(dissection, buffer, at, end, wireEnd) {
    return dissection.ipv6(buffer, at, end, wireEnd);
  },
};
