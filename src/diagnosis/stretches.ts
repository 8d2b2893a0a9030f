import { BANNER } from "../spine/phase.ts";
import { AT_ONCE_US, MAX_DELAYED_ACK_US, MIN_PAUSE_US, type Packets, wasHeld } from "./dialogue-packets.ts";
import type { DraftReply } from "./draft.ts";
import { type Errand, PROMPT_SHARE, PROMPT_US } from "./errands.ts";
import type { Spent, Stretch } from "./facts.ts";

/**
 * Cuts the waiting for one reply into stretches, each put down to what packets show it was spent on;
 * the rest is the server's silence.
 *
 * From the front: a command that was lost or held until the server acknowledged it; then lookups and
 * ident calls; at the end the part in which the reply was under way by the server's clock, and the part
 * after its first byte. Lookups that ended long before a greeting that had begun explain nothing.
 */

/** Shorter delays on the way (µs) are a queue's, not somebody's. */
const MIN_HELD_US = 30_000;
/** Pieces of a reply, with pauses between them, that make it a stutter. */
const MIN_STUTTER = 4;

export interface Cut {
  readonly stretches: Stretch[];
  readonly silenceUs: number;
  readonly arrived: boolean | null;
  readonly clockKnown: boolean;
}

const SILENCE: Spent = { kind: "silence" };
const PATH: Spent = { kind: "path" };

/** The stretches of a reply, which add up to its wait. */
export function cutReply(reply: DraftReply, packets: Packets | null, errands: readonly Errand[]): Cut {
  const toUs = reply.lastAtUs;
  const fromUs = toUs - reply.waitedUs;
  const firstUs = Math.min(Math.max(reply.firstAtUs, fromUs), toUs);
  const stretches: Stretch[] = [];
  const frame = reply.firstFrame;
  const say: Say = (spent, lengthUs, at = frame, name = "") => {
    if (lengthUs > 0) stretches.push({ spent, lengthUs, frame: at, name });
  };
  let silenceUs = 0;
  if (toUs - firstUs >= MIN_PAUSE_US) dribbled(reply, packets, errands, firstUs, toUs, say);
  else silenceUs += toUs - firstUs;
  const path = Math.min(packets?.roundTripUs ?? 0, firstUs - fromUs);
  say(PATH, path);
  const endUs = firstUs - path;
  const { excessUs, underWayUs, isLost } = underWay(frame, packets, fromUs, endUs);
  // On a long path some packets take longer than others; nobody holds them.
  const isPath = !isLost && underWayUs < path;
  say(isPath ? PATH : { kind: isLost ? "lost" : "held", what: "reply" }, underWayUs);
  const sentUs = endUs - underWayUs;
  const { arrivedUs, arrived, onTheWay } = command(reply, packets, fromUs, firstUs);
  const startUs = onTheWay === null ? fromUs : Math.min(Math.max(arrivedUs - path, fromUs), sentUs);
  if (onTheWay !== null) say(onTheWay.spent, startUs - fromUs, onTheWay.frame);
  silenceUs += fill(startUs, sentUs, errands, say);
  say(SILENCE, silenceUs);
  return { stretches, silenceUs, arrived, clockKnown: excessUs !== null };
}

type Say = (spent: Spent, lengthUs: number, frame?: number, name?: string) => void;

/**
 * How long the reply was on its way. By the server's clock: it was held. Where a packet came before it
 * that the server had sent after it, by its sequence numbers, while its own clock is fresh: it was lost
 * and sent again.
 */
function underWay(
  frame: number,
  packets: Packets | null,
  fromUs: number,
  endUs: number,
): { excessUs: number | null; underWayUs: number; isLost: boolean } {
  const at = packets?.at(frame) ?? -1;
  if (packets === null || at < 0) return { excessUs: null, underWayUs: 0, isLost: false };
  const excessUs = packets.serverClock?.excessUs(at) ?? null;
  const wholeUs = endUs - fromUs;
  if (excessUs !== null && excessUs >= MIN_HELD_US + 2 * packets.serverClock!.tickUs)
    return { excessUs, underWayUs: Math.min(excessUs, wholeUs), isLost: false };
  const isLost = wholeUs >= MIN_HELD_US && packets.overtaken(at, fromUs);
  return { excessUs, underWayUs: isLost ? wholeUs : 0, isLost };
}

/** Puts what errands cover down to them. @returns the rest */
function fill(fromUs: number, toUs: number, errands: readonly Errand[], say: Say): number {
  let atUs = fromUs;
  let silenceUs = 0;
  for (const errand of errands) {
    const start = Math.max(errand.fromUs, atUs);
    const end = Math.min(errand.toUs, toUs);
    if (end <= start) continue;
    silenceUs += start - atUs;
    say(errand.spent, end - start, errand.frame, errand.name);
    atUs = end;
  }
  return silenceUs + Math.max(0, toUs - atUs);
}

interface OnTheWay {
  readonly arrivedUs: number;
  readonly arrived: boolean | null;
  readonly onTheWay: { readonly spent: Spent; readonly frame: number } | null;
}

/** When the server got the command, by its acknowledgement. A greeting has none. */
function command(reply: DraftReply, packets: Packets | null, fromUs: number, firstUs: number): OnTheWay {
  const nothing = { arrivedUs: fromUs, arrived: null, onTheWay: null };
  if (packets === null || reply.phase === BANNER) return nothing;
  const frame = reply.askedFrame;
  const to = reply.askedTo;
  const by = packets.acknowledgement(true, frame, to);
  if (by < 0) return nothing;
  const { table } = packets;
  const atUs = Math.min(table.atUs[by]!, firstUs);
  const copies = packets.copies(true, frame, reply.askedAtUs, to, by);
  const arrived = atUs < firstUs - PROMPT_US ? true : null;
  if (copies.length === 0 || atUs - fromUs < MIN_HELD_US)
    return { arrivedUs: fromUs, arrived, onTheWay: null };
  const sent = [...(packets.at(frame) < 0 ? [] : [packets.at(frame)]), ...copies];
  const held = wasHeld(table, by, sent, atUs - fromUs);
  const spent: Spent = { kind: held ? "held" : "lost", what: "command" };
  return { arrivedUs: atUs, arrived: true, onTheWay: { spent, frame: table.frame[copies[0]!]! } };
}

/** The part of a reply after its first byte. */
function dribbled(
  reply: DraftReply,
  packets: Packets | null,
  errands: readonly Errand[],
  firstUs: number,
  toUs: number,
  say: Say,
): void {
  const lengthUs = toUs - firstUs;
  const frame = reply.lastFrame;
  const how = dribbleOf(reply, packets, firstUs, toUs);
  // After a teaser somebody else may take over and look names up: what he waits for ends with the reply.
  const promptUs = Math.max(PROMPT_US, lengthUs * PROMPT_SHARE);
  let cutUs = toUs;
  for (let k = errands.length - 1; k >= 0 && how !== "ack"; k--) {
    const { fromUs: start, toUs: end } = errands[k]!;
    if (start >= cutUs || end <= firstUs || cutUs - end > promptUs || start < firstUs) continue;
    cutUs = start;
  }
  if (cutUs < toUs)
    fill(
      cutUs,
      toUs,
      errands.filter((errand) => errand.fromUs >= cutUs),
      say,
    );
  say({ kind: "dribble", how }, cutUs - firstUs, frame);
}

function dribbleOf(
  reply: DraftReply,
  packets: Packets | null,
  firstUs: number,
  toUs: number,
): "teaser" | "stutter" | "ack" | "other" {
  if (packets !== null) {
    const { table } = packets;
    let pieces = 0;
    let ackUs = -1;
    for (let k = table.first; k < table.end; k++) {
      const atUs = table.atUs[k]!;
      if (atUs < firstUs || atUs > toUs) continue;
      if (table.fromClient[k] === 0) pieces += table.lengthBytes[k]! > 0 ? 1 : 0;
      else if (table.lengthBytes[k] === 0) ackUs = atUs;
    }
    if (pieces >= MIN_STUTTER) return "stutter";
    // The rest was sent when the acknowledgement had come: Nagle's algorithm waits for a delayed ACK.
    const answered = toUs - ackUs <= packets.roundTripUs + AT_ONCE_US;
    if (ackUs > firstUs && answered && ackUs - firstUs <= MAX_DELAYED_ACK_US) return "ack";
  }
  const lineUs = reply.lineAtUs;
  return lineUs < toUs && lineUs - firstUs < (toUs - firstUs) / 10 ? "teaser" : "other";
}
