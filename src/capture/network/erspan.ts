/**
 * ERSPAN: a switch sends what passes a port to a far capture host, in GRE.
 *
 * Types I and II share a GRE protocol number; type I has no header of its own, and no sequence number
 * in the GRE header tells it apart (draft-foschiano-erspan §4).
 */

import { ETHERNET } from "../link/ethernet.ts";
import { type Dissection, type Outcome, short } from "./dissection.ts";

const TYPE_2_BYTES = 8;
const TYPE_3_BYTES = 12;
/** Follows a type III header that says so in its last bit. */
const PLATFORM_BYTES = 8;
const HAS_PLATFORM = 0x01;
/** In the last but one byte of a type III header: 0 is an Ethernet frame. */
const FRAME_TYPE_MASK = 0x7c;

export function openErspan(
  dissection: Dissection,
  hasSequence: boolean,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  return dissection.link(ETHERNET, buffer, hasSequence ? at + TYPE_2_BYTES : at, end, wireEnd);
}

export function openErspan3(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  let frameAt = at + TYPE_3_BYTES;
  if (frameAt > end) return short(frameAt, wireEnd);
  if ((buffer[frameAt - 2]! & FRAME_TYPE_MASK) !== 0) return "unsupported";
  if ((buffer[frameAt - 1]! & HAS_PLATFORM) !== 0) frameAt += PLATFORM_BYTES;
  return dissection.link(ETHERNET, buffer, frameAt, end, wireEnd);
}
