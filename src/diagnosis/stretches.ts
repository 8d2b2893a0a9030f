import { ACK_FLAG, type PacketTable, RST_FLAG, SYN_FLAG } from "../spine/packets.ts";
import { BANNER } from "../spine/phase.ts";
import { clockOf, type PeerClock } from "./clock.ts";
import type { Draft } from "./draft.ts";
import type { Spent, Stretch } from "./facts.ts";
import type { Caused } from "./lookup-book.ts";

/**
 * Cuts the waiting for one reply into stretches, each put down to what packets show it was spent on;
 * the rest is the server's silence.
 *
 * From the front: a command that was lost or held until the server acknowledged it; then lookups and
 * ident calls; at the end the part in which the reply was under way by the server's clock, and the part
 * after its first byte. Lookups that ended long before a greeting that had begun explain nothing.
 */

/** No retransmission timer is shorter (µs). */
const MIN_COPY_US = 3_000;

/** Shorter delays on the way (µs) are a queue's, not somebody's. */
const MIN_HELD_US = 30_000;
/** A rest that comes within this (µs) of the reply's first byte is how segments fall. */
const MIN_DRIBBLE_US = 20_000;
/** Pieces of a reply, with pauses between them, that make it a stutter. */
const MIN_STUTTER = 4;
/** What follows an answer within this (µs), or this share of the wait, was held up by it. */
const PROMPT_US = 100_000;
const PROMPT_SHARE = 0.1;
/** Delayed ACKs come after 40 ms (Linux) to 500 ms (RFC 1122 §4.2.3.2). */
const MAX_DELAYED_ACK_US = 510_000;

/** A time in which the server was seen to wait for something else. */
export interface Errand {
  readonly fromUs: number;
  readonly toUs: number;
  readonly spent: Spent;
  readonly frame: number;
  readonly name: string;
}

/** A dialogue's packets, read once for all of its replies. */
export class Packets {
  readonly table: PacketTable;
  readonly serverClock: PeerClock | null;
  readonly roundTripUs: number;
  /** Packet number of the first packet of a file, to be added to numbers within it. */
  constructor(table: PacketTable, roundTripUs: number) {
    this.table = table;
    this.serverClock = clockOf(table, false);
    this.roundTripUs = roundTripUs;
  }

  /** Index of a packet by its number, −1 if the log does not have it. */
  at(frame: number): number {
    const { table } = this;
    let low = table.first;
    let high = table.end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (table.frame[middle]! < frame) low = middle + 1;
      else high = middle;
    }
    return low < table.end && table.frame[low] === frame ? low : -1;
  }

  /** Since then the server has sent something that comes after packet `at` in sequence, and it was here first. */
  overtaken(at: number, sinceUs: number): boolean {
    const { table } = this;
    for (let i = at - 1; i >= table.first && table.atUs[i]! >= sinceUs; i--) {
      if (table.fromClient[i] === 0 && table.offset[i]! > table.offset[at]!) return true;
    }
    return false;
  }

  /** How long the rest of a command waited for the server to acknowledge its beginning; 0 where it didn't. */
  piecesUs(fromUs: number, toUs: number): number {
    const lengthUs = toUs - fromUs;
    if (fromUs < 0 || lengthUs < MIN_DRIBBLE_US || lengthUs > MAX_DELAYED_ACK_US) return 0;
    const { table } = this;
    for (let i = table.first; i < table.end; i++) {
      if (table.fromClient[i] === 1 || table.lengthBytes[i]! > 0) continue;
      const ackUs = table.atUs[i]!;
      if (ackUs > fromUs && ackUs <= toUs && toUs - ackUs <= MIN_DRIBBLE_US / 4) return lengthUs;
    }
    return 0;
  }

  /** The peer's first packet after `frame` that acknowledges stream offset `to`; −1 without one. */
  acknowledgement(ofClient: boolean, frame: number, to: number): number {
    const { table } = this;
    for (let i = table.first; i < table.end; i++) {
      if (table.frame[i]! <= frame || (table.fromClient[i] === 1) === ofClient) continue;
      if ((table.flags[i]! & ACK_FLAG) !== 0 && table.acknowledged[i]! >= to) return i;
    }
    return -1;
  }

  /** Copies of the bytes before stream offset `to` that were sent in packet `frame`, again, before packet index `until`. */
  copies(ofClient: boolean, frame: number, sentUs: number, to: number, until: number): number[] {
    const { table } = this;
    const found: number[] = [];
    const end = until < 0 ? table.end : until;
    for (let i = table.first; i < end; i++) {
      if (table.frame[i]! <= frame || (table.fromClient[i] === 1) !== ofClient) continue;
      if (table.lengthBytes[i]! === 0 || table.flags[i]! & SYN_FLAG) continue;
      // The same packet, captured at two places.
      if (table.atUs[i]! - sentUs < MIN_COPY_US) continue;
      if (table.offset[i]! < to && table.offset[i]! + table.lengthBytes[i]! >= to) found.push(i);
    }
    return found;
  }
}

export interface Cut {
  readonly stretches: Stretch[];
  readonly silenceUs: number;
  readonly arrived: boolean | null;
  readonly clockKnown: boolean;
}

const SILENCE: Spent = { kind: "silence" };
const PATH: Spent = { kind: "path" };

/** The stretches of reply `i`, which add up to its wait. */
export function cutReply(draft: Draft, i: number, packets: Packets | null, errands: readonly Errand[]): Cut {
  const toUs = draft.replies[i]!.lastAtUs;
  const fromUs = toUs - draft.replies[i]!.waitedUs;
  const firstUs = Math.min(Math.max(draft.replies[i]!.firstAtUs, fromUs), toUs);
  const stretches: Stretch[] = [];
  const frame = draft.replies[i]!.firstFrame;
  const say: Say = (spent, lengthUs, at = frame, name = "") => {
    if (lengthUs > 0) stretches.push({ spent, lengthUs, frame: at, name });
  };
  let silenceUs = 0;
  if (toUs - firstUs >= MIN_DRIBBLE_US) dribbled(draft, i, packets, errands, firstUs, toUs, say);
  else silenceUs += toUs - firstUs;
  const path = Math.min(packets?.roundTripUs ?? 0, firstUs - fromUs);
  say(PATH, path);
  const endUs = firstUs - path;
  const { excessUs, underWayUs, isLost } = underWay(frame, packets, fromUs, endUs);
  say({ kind: isLost ? "lost" : "held", what: "reply" }, underWayUs);
  const sentUs = endUs - underWayUs;
  const { arrivedUs, arrived, onTheWay } = command(draft, i, packets, fromUs, firstUs);
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
function command(
  draft: Draft,
  i: number,
  packets: Packets | null,
  fromUs: number,
  firstUs: number,
): OnTheWay {
  const nothing = { arrivedUs: fromUs, arrived: null, onTheWay: null };
  if (packets === null || draft.replies[i]!.phase === BANNER) return nothing;
  const frame = draft.replies[i]!.askedFrame;
  const to = draft.replies[i]!.askedTo;
  const by = packets.acknowledgement(true, frame, to);
  if (by < 0) return nothing;
  const { table } = packets;
  const atUs = Math.min(table.atUs[by]!, firstUs);
  const copies = packets.copies(true, frame, draft.askedAtUs[i]!, to, by);
  const arrived = atUs < firstUs - PROMPT_US ? true : null;
  if (copies.length === 0 || atUs - fromUs < MIN_HELD_US)
    return { arrivedUs: fromUs, arrived, onTheWay: null };
  const sent = [...(packets.at(frame) < 0 ? [] : [packets.at(frame)]), ...copies];
  const held = wasHeld(table, by, sent, atUs - fromUs);
  const spent: Spent = { kind: held ? "held" : "lost", what: "command" };
  return { arrivedUs: atUs, arrived: true, onTheWay: { spent, frame: table.frame[copies[0]!]! } };
}

/**
 * Held or lost? The acknowledgement echoes the clock of the copy that it is for. If that copy took most of
 * the time itself, it was held; if it was here at once, those before it were lost.
 */
export function wasHeld(
  table: PacketTable,
  acknowledgement: number,
  sent: readonly number[],
  wholeUs: number,
): boolean {
  if (table.hasClock[acknowledgement] === 0) return false;
  const echo = table.echo[acknowledgement]!;
  const named = sent.findLast((i) => table.hasClock[i] === 1 && ((echo - table.clock[i]!) | 0) >= 0);
  if (named !== undefined) return table.atUs[acknowledgement]! - table.atUs[named]! > wholeUs / 2;
  // It names one that was sent before those that are known: the first.
  return sent.some((i) => table.hasClock[i] === 1);
}

/** The part of a reply after its first byte. */
function dribbled(
  draft: Draft,
  i: number,
  packets: Packets | null,
  errands: readonly Errand[],
  firstUs: number,
  toUs: number,
  say: Say,
): void {
  const lengthUs = toUs - firstUs;
  const frame = draft.replies[i]!.lastFrame;
  const how = dribbleOf(draft, i, packets, firstUs, toUs);
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
  draft: Draft,
  i: number,
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
    const answered = toUs - ackUs <= packets.roundTripUs + MIN_DRIBBLE_US / 4;
    if (ackUs > firstUs && answered && ackUs - firstUs <= MAX_DELAYED_ACK_US) return "ack";
  }
  const lineUs = draft.replies[i]!.lineAtUs;
  return lineUs < toUs && lineUs - firstUs < (toUs - firstUs) / 10 ? "teaser" : "other";
}

/** Times in which the client had no room for a reply. */
export function closedWindows(table: PacketTable): Errand[] {
  const closed: Errand[] = [];
  let since = -1;
  for (let i = table.first; i < table.end; i++) {
    const flags = table.flags[i]!;
    if (table.fromClient[i] === 0 || flags & (SYN_FLAG | RST_FLAG) || (flags & ACK_FLAG) === 0) continue;
    if (table.noWindow[i] === 1) since = since < 0 ? i : since;
    else if (since >= 0) {
      const frame = table.frame[since]!;
      const [fromUs, toUs] = [table.atUs[since]!, table.atUs[i]!];
      if (closed.length < MAX_CLOSED)
        closed.push({ fromUs, toUs, spent: { kind: "window" }, frame, name: "" });
      since = -1;
    }
  }
  return closed;
}

/** Closed windows looked at of one dialogue. */
const MAX_CLOSED = 64;

/** The lookups of a dialogue as errands. One without an answer ends when the server went on. */
export function errandsOf(caused: readonly Caused[]): Errand[] {
  return caused.map(({ lookup, subject }, i) => {
    const { askedAtUs, lastAskedAtUs, queries, responses, answeredAtUs, askedFrame, answeredFrame, name } =
      lookup;
    const next = caused.slice(i + 1).find((later) => later.lookup.askedAtUs > lastAskedAtUs + PROMPT_US);
    const toUs = answeredAtUs ?? next?.lookup.askedAtUs ?? Number.POSITIVE_INFINITY;
    const sinceRetry = toUs - lastAskedAtUs;
    const lost =
      queries > 1 && responses < queries && sinceRetry < (lastAskedAtUs - askedAtUs) * PROMPT_SHARE;
    const outcome = answeredAtUs === null ? "silent" : lost ? "lost" : "slow";
    return {
      fromUs: askedAtUs,
      toUs,
      spent: { kind: "lookup", subject, outcome },
      frame: answeredFrame || askedFrame,
      name: `${lookup.type} ${name}`,
    };
  });
}
