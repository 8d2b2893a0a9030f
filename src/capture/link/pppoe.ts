/** PPP over Ethernet, session stage (RFC 2516 §4). The discovery stage carries no packets. */

import { type Dissection, type Outcome, short } from "../network/dissection.ts";
import { openPppProtocol } from "./ppp.ts";

const HEADER_BYTES = 6;

export function openPppoe(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  const payloadAt = at + HEADER_BYTES;
  if (payloadAt > end) return short(payloadAt, wireEnd);
  const frameEnd = payloadAt + ((buffer[at + 4]! << 8) | buffer[at + 5]!);
  return openPppProtocol(dissection, buffer, payloadAt, Math.min(end, frameEnd), Math.min(wireEnd, frameEnd));
}
