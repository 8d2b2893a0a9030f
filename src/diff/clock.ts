import { lineChanges } from "../rewriting/compare/line.ts";
import { NO_TIME } from "../spine/wire.ts";
import type { RecordedDialogue, RecordedTurn } from "./recorded.ts";
import { alignedTurns, type TurnPair } from "./turns.ts";

/**
 * By how much the clocks of two captures differ, from both directions of the traffic.
 *
 * Of what a client says the side nearer to it sees the first, of what the server says the other side. With
 * d > 0 for the way between, the stamps of the same bytes differ by offset + d in one direction and by
 * offset − d in the other: each dialogue confines the offset to an interval, as NTP does. The offset is where
 * most intervals overlap (Marzullo 1984); dialogues that say otherwise are no pairs. A device that
 * answers by itself breaks the rule, so only what was passed on (equal, or changed in place) counts.
 */

/** Stamps that differ for the same bytes, A's less B's, µs. */
export interface Differences {
  readonly client: number[];
  readonly server: number[];
}

/** Which side's capture is nearer to the client. */
export type Nearer = "a" | "b";

export interface Clock {
  /** A's stamps less B's, at `atUs` by A's clock. */
  readonly offsetUs: number;
  readonly uncertaintyUs: number;
  /** µs a second by which A's clock is faster. */
  readonly driftPpm: number;
  readonly atUs: number;
  readonly agreeing: number;
  readonly asked: number;
}

export function offsetAt(clock: Clock, atUs: number): number {
  return clock.offsetUs + ((atUs - clock.atUs) * clock.driftPpm) / 1e6;
}

export function differencesOf(a: RecordedDialogue, b: RecordedDialogue): Differences {
  const turns = alignedTurns(a, b);
  const sure = turns.filter(([x, y]) => !(x?.hasGap ?? false) && !(y?.hasGap ?? false));
  const differences = differencesIn(a, b, sure);
  const { client, server } = differences;
  // Where nothing else is left, doubtful times are better than none.
  return sure.length === turns.length || (client.length > 0 && server.length > 0)
    ? differences
    : differencesIn(a, b, turns);
}

function differencesIn(a: RecordedDialogue, b: RecordedDialogue, turns: readonly TurnPair[]): Differences {
  const client: number[] = [];
  const server: number[] = [];
  const note = (list: number[], x: number, y: number) => {
    if (x !== NO_TIME && y !== NO_TIME) list.push(x - y);
  };
  const sameServer = a.serverSequence !== null && a.serverSequence === b.serverSequence;
  note(client, a.synAt, b.synAt);
  if (sameServer) note(server, a.synAckAt, b.synAckAt);
  const sameTls = a.encrypted.client?.digest === b.encrypted.client?.digest;
  for (const [x, y] of turns) {
    if (x === null || y === null || (isEncrypted(x) && !sameTls)) continue;
    if (wasPassedOn(x.command, y.command)) {
      note(client, x.askedFirst, y.askedFirst);
      note(client, x.askedLast, y.askedLast);
    }
    if (wasPassedOn(x.reply, y.reply)) {
      note(server, x.answeredFirst, y.answeredFirst);
      note(server, x.answeredLast, y.answeredLast);
    }
  }
  return { client, server };
}

/** The same bytes, or the same bytes overwritten; a banner has no command, what is encrypted no text. */
function wasPassedOn(x: string | null, y: string | null): boolean {
  if (x === y) return true;
  return x !== null && y !== null && lineChanges(x, y)[0] === "masked";
}

function isEncrypted({ phase }: RecordedTurn): boolean {
  return phase === "tls" || phase === "encrypted";
}

/**
 * On which side the client of a dialogue is: the side on which replies take longer. It needs no clock. All dialogues of
 * a server lie the same way; those of another may lie the other way (mail goes out as well as in).
 */
export class Orientation {
  readonly #byServer = new Map<string, number>();
  #all = 0;

  constructor(pairs: readonly { readonly a: RecordedDialogue; readonly b: RecordedDialogue }[]) {
    for (const { a, b } of pairs) {
      const longer = longerInB(a, b);
      this.#byServer.set(a.server, (this.#byServer.get(a.server) ?? 0) + longer);
      this.#all += longer;
    }
  }

  nearer(a: RecordedDialogue, b: RecordedDialogue): Nearer {
    const known = this.#byServer.get(a.server) ?? 0;
    const longer = known === 0 ? longerInB(a, b) : known;
    return (longer === 0 ? this.#all : longer) >= 0 ? "b" : "a";
  }
}

/** In how many more turns the reply took longer in `b`. */
function longerInB(a: RecordedDialogue, b: RecordedDialogue): number {
  let longer = 0;
  for (const [x, y] of alignedTurns(a, b)) {
    if (x === null || y === null || x.hasGap || y.hasGap) continue;
    const [inA, inB] = [thinkUs(x), thinkUs(y)];
    if (inA !== null && inB !== null) longer += Math.sign(inB - inA);
  }
  return longer;
}

/** From the command's last byte to the reply's first. */
export function thinkUs(turn: RecordedTurn): number | null {
  const { askedLast, answeredFirst } = turn;
  if (askedLast === NO_TIME || answeredFirst === NO_TIME || answeredFirst < askedLast) return null;
  return answeredFirst - askedLast;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
  readonly atUs: number;
}

/** Stamps are floored to µs, and two of the same kernel may be out of order by this. */
const STAMP_SLACK_US = 20;

/** What one pair says about the offset; null where it was not seen in both directions. */
export function intervalOf({ client, server }: Differences, nearer: Nearer, atUs: number): Interval | null {
  if (client.length === 0 || server.length === 0) return null;
  const [later, sooner] = nearer === "b" ? [client, server] : [server, client];
  return { low: Math.max(...sooner) - STAMP_SLACK_US, high: Math.min(...later) + STAMP_SLACK_US, atUs };
}

/** Captures of less than this say nothing about drift: 100 ppm are 3 ms of it. */
const MIN_DRIFT_SPAN_US = 30e6;
/** Quartz is off by less. */
const MAX_DRIFT_PPM = 500;
/** A constant offset that so many agree on needs no drift. */
const ENOUGH = 0.9;

export function estimateClock(intervals: readonly Interval[]): Clock | null {
  if (intervals.length === 0) return null;
  // No spreading: there are as many as dialogues, and a call takes some hundred thousand arguments.
  const first = intervals.reduce((least, { atUs }) => Math.min(least, atUs), Number.POSITIVE_INFINITY);
  const last = intervals.reduce((most, { atUs }) => Math.max(most, atUs), Number.NEGATIVE_INFINITY);
  const atUs = Math.round((first + last) / 2);
  const still = overlap(intervals);
  const best = (best: Overlap, driftPpm: number): Clock => ({
    offsetUs: (best.low + best.high) / 2,
    uncertaintyUs: (best.high - best.low) / 2,
    driftPpm,
    atUs,
    agreeing: best.count,
    asked: intervals.length,
  });
  if (still === null) return null;
  if (still.count >= ENOUGH * intervals.length || last - first < MIN_DRIFT_SPAN_US) return best(still, 0);
  const driftPpm = slope(intervals);
  if (Math.abs(driftPpm) > MAX_DRIFT_PPM) return best(still, 0);
  const level = intervals.map(({ low, high, atUs: t }) => {
    const drifted = ((t - atUs) * driftPpm) / 1e6;
    return { low: low - drifted, high: high - drifted, atUs: t };
  });
  const moving = overlap(level);
  return moving !== null && moving.count > still.count ? best(moving, driftPpm) : best(still, 0);
}

interface Overlap {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** The stretch in which the most intervals overlap. */
function overlap(intervals: readonly Interval[]): Overlap | null {
  const edges = intervals.flatMap(({ low, high }) =>
    low <= high ? [[low, 1] as const, [high, -1] as const] : [],
  );
  edges.sort(([a, x], [b, y]) => a - b || y - x);
  let count = 0;
  let found: Overlap | null = null;
  edges.forEach(([at, step], i) => {
    count += step;
    if (step > 0 && count > (found?.count ?? 0)) found = { low: at, high: edges[i + 1]![0], count };
  });
  return found;
}

/** Median of the slopes between far-apart intervals' middles (Theil–Sen, thinned). */
const MAX_SLOPES = 2_000;

function slope(intervals: readonly Interval[]): number {
  const points = intervals
    .map(({ low, high, atUs }) => ({ t: atUs, middle: (low + high) / 2 }))
    .sort((a, b) => a.t - b.t);
  const half = points.length >> 1;
  const slopes: number[] = [];
  const step = Math.max(1, Math.floor(half / MAX_SLOPES));
  for (let i = 0; i + half < points.length; i += step) {
    const [a, b] = [points[i]!, points[i + half]!];
    if (b.t > a.t) slopes.push(((b.middle - a.middle) / (b.t - a.t)) * 1e6);
  }
  return median(slopes) ?? 0;
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
