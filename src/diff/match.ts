import { NO_TIME } from "../spine/wire.ts";
import {
  type Clock,
  type Differences,
  differencesOf,
  estimateClock,
  type Interval,
  intervalOf,
  median,
  type Nearer,
  Orientation,
  offsetAt,
} from "./clock.ts";
import { Habits } from "./habits.ts";
import { evidentPairs, type Pair } from "./marks.ts";
import { near } from "./near.ts";
import type { RecordedDialogue } from "./recorded.ts";
import { guessOffset } from "./votes.ts";

/**
 * Which dialogue of one capture is which of the other.
 *
 * First by marks that one dialogue alone bears on each side (marks.ts); they also tell the clocks apart. A pair
 * that contradicts the clocks is given up. Then the rest by time: with the clocks known, what the client
 * says must have passed both points in that order, and what the server says in the other. Where two dialogues
 * could be it, neither is taken: they are ambiguous.
 */

export type MatchedBy = "sequence" | "timestamps" | "contents" | "time";

interface Match {
  readonly a: RecordedDialogue;
  readonly b: RecordedDialogue;
  readonly by: MatchedBy;
}

export interface Matching {
  readonly matches: readonly Match[];
  readonly clock: Clock | null;
  readonly orientation: Orientation;
  /** With a partner that cannot be told from others. */
  readonly ambiguousA: readonly RecordedDialogue[];
  readonly ambiguousB: readonly RecordedDialogue[];
  readonly onlyA: readonly RecordedDialogue[];
  readonly onlyB: readonly RecordedDialogue[];
}

export function match(a: readonly RecordedDialogue[], b: readonly RecordedDialogue[]): Matching {
  const matches: Match[] = [];
  const evident = evidentPairs(a, b);
  let orientation = new Orientation(evident);
  let clock = clockOf(evident, orientation);
  for (const pair of evident) if (isBelievable(pair, clock, orientation)) matches.push(pair);
  let [restA, restB] = [without(a, matches, "a"), without(b, matches, "b")];
  if (clock === null && restA.length > 0 && restB.length > 0) {
    // Nothing tells them apart but when they were: the offset that fits most of them, if one stands out.
    const guess = guessOffset(restA, restB);
    if (guess !== null) {
      const first = byTime(restA, restB, guess, orientation, true, new Habits([])).matches;
      orientation = new Orientation(first);
      clock = clockOf(withDifferences(first), orientation);
    }
  }
  if (clock === null)
    return { matches, clock, orientation, ambiguousA: [], ambiguousB: [], onlyA: restA, onlyB: restB };
  const timed = byTime(restA, restB, clock, orientation, false, new Habits(matches));
  for (const each of timed.matches) matches.push(each);
  [restA, restB] = [without(restA, timed.matches, "a"), without(restB, timed.matches, "b")];
  const whole = new Orientation(matches);
  const isAmbiguous = (side: ReadonlySet<RecordedDialogue>) => (d: RecordedDialogue) => side.has(d);
  return {
    matches: matches.sort((x, y) => x.a.startAt - y.a.startAt),
    clock: clockOf(withDifferences(matches), whole) ?? clock,
    orientation: whole,
    ambiguousA: restA.filter(isAmbiguous(timed.ambiguousA)),
    ambiguousB: restB.filter(isAmbiguous(timed.ambiguousB)),
    onlyA: restA.filter((d) => !timed.ambiguousA.has(d)),
    onlyB: restB.filter((d) => !timed.ambiguousB.has(d)),
  };
}

function without(
  all: readonly RecordedDialogue[],
  matches: readonly Match[],
  side: "a" | "b",
): RecordedDialogue[] {
  const taken = new Set(matches.map((each) => each[side]));
  return all.filter((dialogue) => !taken.has(dialogue));
}

function withDifferences(matches: readonly Match[]): Pair[] {
  return matches.map((each) => ({ ...each, differences: differencesOf(each.a, each.b) }));
}

function clockOf(pairs: readonly Pair[], orientation: Orientation): Clock | null {
  const intervals: Interval[] = [];
  for (const { a, b, differences } of pairs) {
    const interval =
      a.startAt === NO_TIME ? null : intervalOf(differences, orientation.nearer(a, b), a.startAt);
    if (interval !== null) intervals.push(interval);
  }
  return estimateClock(intervals);
}

/** No two captures of the same traffic have clocks as far apart as this. */
const MAX_OFFSET_US = 600e6;

/** Its marks may be those of two dialogues whose fellows are missing; then the times do not fit. */
function isBelievable(pair: Pair, clock: Clock | null, orientation: Orientation): boolean {
  if (pair.by === "sequence") return true;
  const { a, b, differences } = pair;
  const nearer = orientation.nearer(a, b);
  if (clock !== null) return !contradicts(differences, clock, nearer, a.startAt);
  const all = [...differences.client, ...differences.server];
  const offsetUs = median(all);
  if (offsetUs === null || Math.abs(offsetUs) > MAX_OFFSET_US) return false;
  const own = { offsetUs, uncertaintyUs: 0, driftPpm: 0, atUs: 0, agreeing: 1, asked: 1 };
  return !contradicts(differences, own, nearer, 0);
}

/** Stamps of the same bytes on a path without delay may differ by this, either way. */
const JITTER_US = 500;
/** Of a device that holds or answers some of it itself, the rest still has to fit. */
const FITTING_SHARE = 0.7;

function contradicts(differences: Differences, clock: Clock, nearer: Nearer, atUs: number): boolean {
  return fitting(differences, clock, nearer, atUs) < FITTING_SHARE;
}

/** How much of what was passed on was so in the right order: 0 … 1. */
function fitting({ client, server }: Differences, clock: Clock, nearer: Nearer, atUs: number): number {
  const offset = offsetAt(clock, atUs);
  const slack = clock.uncertaintyUs + JITTER_US;
  const [later, sooner] = nearer === "b" ? [client, server] : [server, client];
  let fits = 0;
  for (const each of later) if (each >= offset - slack) fits++;
  for (const each of sooner) if (each <= offset + slack) fits++;
  const all = client.length + server.length;
  return all === 0 ? 1 : fits / all;
}

// ---- By time

/** A device may hold a connection's start for so long. */
const MAX_HELD_US = 10e6;
/** Candidates looked at for one dialogue: so many begin within MAX_HELD_US on a busy server. */
const MAX_CANDIDATES = 256;
/** The best has to be better than the next by this factor, and by JITTER_US besides. */
const MARGIN = 3;

interface Candidate {
  readonly a: RecordedDialogue;
  readonly b: RecordedDialogue;
  readonly costUs: number;
}

function byTime(
  a: readonly RecordedDialogue[],
  b: readonly RecordedDialogue[],
  clock: Clock,
  orientation: Orientation,
  isGuess: boolean,
  habits: Habits,
): { matches: Match[]; ambiguousA: Set<RecordedDialogue>; ambiguousB: Set<RecordedDialogue> } {
  const candidates = candidatesOf(a, b, clock, orientation, isGuess).sort((x, y) => x.costUs - y.costUs);
  const matches: Match[] = [];
  const taken = new Set<RecordedDialogue>();
  // What is left when others have been taken is a conclusion, and must not need another change on the way.
  for (let [found, isFirst] = [true, true]; found; isFirst = false) {
    found = false;
    const open = candidates.filter((each) => !taken.has(each.a) && !taken.has(each.b));
    const best = new Map<RecordedDialogue, [Candidate, Candidate | null]>();
    for (const each of open) {
      for (const dialogue of [each.a, each.b]) {
        const known = best.get(dialogue);
        if (known === undefined) best.set(dialogue, [each, null]);
        else known[1] ??= each;
      }
    }
    for (const each of open) {
      if (!isClearly(each, best.get(each.a)!) || !isClearly(each, best.get(each.b)!)) continue;
      if (!habits.allow(each.a, each.b, isFirst)) continue;
      matches.push({ a: each.a, b: each.b, by: "time" });
      taken.add(each.a).add(each.b);
      found = true;
    }
  }
  const left = candidates.filter((each) => !taken.has(each.a) && !taken.has(each.b));
  return {
    matches,
    ambiguousA: new Set(left.map((each) => each.a)),
    ambiguousB: new Set(left.map((each) => each.b)),
  };
}

function isClearly(candidate: Candidate, [first, second]: [Candidate, Candidate | null]): boolean {
  if (first !== candidate) return false;
  return second === null || second.costUs > candidate.costUs * MARGIN + JITTER_US;
}

function candidatesOf(
  a: readonly RecordedDialogue[],
  b: readonly RecordedDialogue[],
  clock: Clock,
  orientation: Orientation,
  isGuess: boolean,
): Candidate[] {
  const sorted = b.filter((each) => each.startAt !== NO_TIME).sort((x, y) => x.startAt - y.startAt);
  const candidates: Candidate[] = [];
  for (const each of a) {
    if (each.startAt === NO_TIME) continue;
    const at = each.startAt - offsetAt(clock, each.startAt);
    for (const other of near(sorted, at, MAX_HELD_US, MAX_CANDIDATES)) {
      const costUs = costOf(each, other, clock, orientation, isGuess);
      if (costUs !== null) candidates.push({ a: each, b: other, costUs });
    }
  }
  return candidates;
}

/** How far the stamps are apart beyond the clocks, typically; null when it cannot be the same dialogue. */
function costOf(
  a: RecordedDialogue,
  b: RecordedDialogue,
  clock: Clock,
  orientation: Orientation,
  isGuess: boolean,
): number | null {
  const offset = offsetAt(clock, a.startAt);
  const slack = clock.uncertaintyUs + (isGuess ? 0 : JITTER_US);
  const apart = a.startAt - b.startAt - offset;
  // Most are ruled out at once: a connection begins where the client is.
  const nearer = isGuess ? "b" : orientation.nearer(a, b);
  if (isGuess ? Math.abs(apart) > slack : (nearer === "b" ? apart : -apart) < -slack) return null;
  const differences = differencesOf(a, b);
  const all = [...differences.client, ...differences.server];
  const turns = Math.max(a.turns.length, b.turns.length);
  if (all.length < turns) return null;
  const costUs = median(all.map((each) => Math.abs(each - offset)))!;
  if (isGuess) return costUs <= slack ? costUs : null;
  return contradicts(differences, clock, nearer, a.startAt) ? null : costUs;
}
