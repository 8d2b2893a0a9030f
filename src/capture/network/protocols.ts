/**
 * What an IP packet may carry besides TCP that leads to TCP: tunnels, and ICMP errors.
 *
 * To add a protocol: one `case` here (IANA protocol numbers), its decoder in a file beside this one,
 * and a packet of it in the table in `test/capture/network/tunnels.test.ts`.
 *
 * Deliberately absent: IPsec ESP and IPComp (not readable), L2TP and GTP (mail is not captured there).
 */

import { ETHERNET } from "../link/ethernet.ts";
import { openMpls } from "../link/mpls.ts";
import { type Dissection, type Outcome, short } from "./dissection.ts";
import { openGre } from "./gre.ts";
import { openIcmp, openIcmpv6 } from "./icmp.ts";
import { openUdp } from "./udp.ts";

const ETHERIP_HEADER_BYTES = 2;
const MIN_AUTHENTICATION_BYTES = 12;

export function openProtocol(
  dissection: Dissection,
  protocol: number,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  addressBytes: 4 | 16,
  sourceAt: number,
  destinationAt: number,
): Outcome {
  switch (protocol) {
    case 1:
      return openIcmp(dissection, buffer, at, end, wireEnd);
    case 4: // IP in IP (RFC 2003)
      return dissection.ip(buffer, at, end, wireEnd);
    case 17:
      return openUdp(dissection, buffer, at, end, wireEnd, addressBytes, sourceAt, destinationAt);
    case 41: // IPv6 in IP (RFC 4213)
      return dissection.ipv6(buffer, at, end, wireEnd);
    case 47:
      return openGre(dissection, buffer, at, end, wireEnd);
    case 51: {
      // AH in IPv4 (RFC 4302): signed, but in the clear.
      if (at + MIN_AUTHENTICATION_BYTES > end) {
        return short(at + MIN_AUTHENTICATION_BYTES, wireEnd);
      }
      const payloadAt = at + ((buffer[at + 1]! + 2) << 2);
      if (payloadAt > end) return short(payloadAt, wireEnd);
      return dissection.protocol(
        buffer[at]!,
        buffer,
        payloadAt,
        end,
        wireEnd,
        addressBytes,
        sourceAt,
        destinationAt,
      );
    }
    case 58:
      return openIcmpv6(dissection, buffer, at, end, wireEnd);
    case 97: // EtherIP (RFC 3378)
      return dissection.link(ETHERNET, buffer, at + ETHERIP_HEADER_BYTES, end, wireEnd);
    case 137: // MPLS in IP (RFC 4023)
      return openMpls(dissection, buffer, at, end, wireEnd);
  }
  return "unsupported";
}
