/** Geneve (RFC 8926): a header with options of any length, then what its EtherType says. */

import { type Dissection, type Outcome, short } from "./dissection.ts";

const HEADER_BYTES = 8;
/** Length of the options in words; the two bits above are the version. */
const OPTIONS_MASK = 0x3f;

export function openGeneve(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  if (at + HEADER_BYTES > end) return short(at + HEADER_BYTES, wireEnd);
  const payloadAt = at + HEADER_BYTES + ((buffer[at]! & OPTIONS_MASK) << 2);
  if (payloadAt > end) return short(payloadAt, wireEnd);
  const type = (buffer[at + 2]! << 8) | buffer[at + 3]!;
  return dissection.etherType(type, buffer, payloadAt, end, wireEnd);
}
