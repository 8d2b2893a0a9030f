/** IEEE 802.1Q tag: priority and VLAN, then the EtherType of what is tagged. Tags stack (QinQ). */

import { type Dissection, type Outcome, short } from "../network/dissection.ts";

const TAG_BYTES = 4;

export function openVlan(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  const payloadAt = at + TAG_BYTES;
  if (payloadAt > end) return short(payloadAt, wireEnd);
  const type = (buffer[at + 2]! << 8) | buffer[at + 3]!;
  return dissection.etherType(type, buffer, payloadAt, end, wireEnd);
}
