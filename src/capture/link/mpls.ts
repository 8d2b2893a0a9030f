/**
 * MPLS label stack (RFC 3032), and the Ethernet pseudowire (RFC 4448).
 *
 * No field says what follows the last label; routers agree on it when they hand labels out. All that
 * is left to an observer is the first four bits: an IP version, or 0 for a pseudowire's control word
 * (RFC 4385 reserves 0 for just this), or 1 for its management channel. But an Ethernet address may
 * begin with 0 as well, so when there is a control word and when not is decided by where a known
 * EtherType shows up.
 */

import { type Dissection, type Outcome, short } from "../network/dissection.ts";
import { ETHERNET } from "./ethernet.ts";

const LABEL_BYTES = 4;
const CONTROL_WORD_BYTES = 4;
const BOTTOM_OF_STACK = 0x01;
const TYPE_OFFSET = 12;

export function openMpls(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  let payloadAt = at;
  let isLast = false;
  while (!isLast) {
    payloadAt += LABEL_BYTES;
    if (payloadAt >= end) return short(payloadAt + 1, wireEnd);
    isLast = (buffer[payloadAt - 2]! & BOTTOM_OF_STACK) !== 0;
  }
  switch (buffer[payloadAt]! >> 4) {
    case 4:
    case 6:
      return dissection.ip(buffer, payloadAt, end, wireEnd);
    case 1:
      return "unsupported";
    case 0:
      if (!isEthernet(buffer, payloadAt, end)) payloadAt += CONTROL_WORD_BYTES;
      break;
  }
  return dissection.link(ETHERNET, buffer, payloadAt, end, wireEnd);
}

/** Whether the type field of an Ethernet header here would hold a type that is common below a label. */
function isEthernet(buffer: Uint8Array, at: number, end: number): boolean {
  if (at + TYPE_OFFSET + 2 > end) return false;
  switch ((buffer[at + TYPE_OFFSET]! << 8) | buffer[at + TYPE_OFFSET + 1]!) {
    case 0x0800:
    case 0x0806:
    case 0x8100:
    case 0x86dd:
    case 0x8847:
    case 0x8863:
    case 0x8864:
    case 0x88a8:
      return true;
  }
  return false;
}
