/**
 * The link layers, by the number a capture file gives them.
 *
 * To add a link layer: write `<name>.ts` beside this file, exporting a LinkLayer whose `open` skips
 * the header and calls one method of Dissection with what it found; add it to the array below; add a
 * packet of it to the table in `test/capture/link/link-layers.test.ts`.
 *
 * Deliberately absent: radio (802.11), USB, Bluetooth and whatever else mail does not cross.
 */

import { ethernet } from "./ethernet.ts";
import type { LinkLayer } from "./layer.ts";
import { linuxSll } from "./linux-sll.ts";
import { linuxSll2 } from "./linux-sll2.ts";
import { loopback } from "./loopback.ts";
import { loopbackBigEndian } from "./loopback-big-endian.ts";
import { nflog } from "./nflog.ts";
import { ppp } from "./ppp.ts";
import { rawIp, rawIpv6 } from "./raw-ip.ts";

export const LINK_LAYERS: readonly LinkLayer[] = [
  ethernet,
  linuxSll,
  linuxSll2,
  loopback,
  loopbackBigEndian,
  nflog,
  ppp,
  rawIp,
  rawIpv6,
];
