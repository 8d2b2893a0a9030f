/**
 * BSD loopback (NULL): an address family in the byte order of the machine that captured, which no
 * field states. All families are small, so the half that is not zero gives the order away.
 */

import { type Dissection, type Outcome, short } from "../network/dissection.ts";
import type { LinkLayer } from "./layer.ts";
import { openPpp } from "./ppp.ts";

const HEADER_BYTES = 4;
/** Some systems put an EtherType where the family belongs; families are smaller than any. */
const MAX_FAMILY = 1500;
const PPP_FRAMING = 0xff03;

/** The number each system gave IPv6; they agree on IPv4. */
export function openFamily(
  dissection: Dissection,
  family: number,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  switch (family) {
    case 2:
      return dissection.ip(buffer, at, end, wireEnd);
    case 10: // Linux
    case 24: // NetBSD, OpenBSD
    case 28: // FreeBSD
    case 30: // macOS
      return dissection.ipv6(buffer, at, end, wireEnd);
  }
  return "unsupported";
}

export const loopback: LinkLayer = {
  name: "BSD loopback",
  linkTypes: [0],
  open(dissection, buffer, at, end, wireEnd) {
    const payloadAt = at + HEADER_BYTES;
    if (payloadAt > end) return short(payloadAt, wireEnd);
    if (((buffer[at]! << 8) | buffer[at + 1]!) === PPP_FRAMING) {
      return openPpp(dissection, buffer, at, end, wireEnd);
    }
    const little = (buffer[at + 1]! << 8) | buffer[at]!;
    const big = (buffer[at + 2]! << 8) | buffer[at + 3]!;
    if (little !== 0 && big !== 0) return "malformed";
    const family = little === 0 ? big : little;
    if (family > MAX_FAMILY) return dissection.etherType(family, buffer, payloadAt, end, wireEnd);
    return openFamily(dissection, family, buffer, payloadAt, end, wireEnd);
  },
};
