import { type Differences, differencesOf } from "./clock.ts";
import type { MatchedBy } from "./match.ts";
import type { RecordedDialogue } from "./recorded.ts";

/**
 * Pairs by what one dialogue alone bears on each side: the numbers its TCP streams begin with (32 bits by chance,
 * kept by address translation), the time stamps of SYN and SYN-ACK, a message's or an encrypted stream's digest, a queue id in a reply, a sender.
 */

export interface Pair {
  readonly a: RecordedDialogue;
  readonly b: RecordedDialogue;
  readonly by: MatchedBy;
  readonly differences: Differences;
}

/** What a mark is worth: a text may be alone in a capture only because its fellow is missing there. */
const SEQUENCE = 1_000_000;
/** By chance on most systems, but counted from the host's start on others. */
const CLOCK = 1_000;
const DIGEST = 4;
const TEXT = 1;
/** One text in common is nothing, unless it is one of its kind among many. */
const MIN_WORTH = 2;
const MANY = 8;

export function evidentPairs(a: readonly RecordedDialogue[], b: readonly RecordedDialogue[]): Pair[] {
  const [inA, inB] = [bearers(a), bearers(b)];
  const votes = new Votes();
  for (const [mark, { dialogue, worth }] of inA) {
    const other = inB.get(mark);
    if (dialogue !== null && other !== undefined && other.dialogue !== null)
      votes.add(dialogue, other.dialogue, worth);
  }
  const least = Math.min(a.length, b.length) < MANY ? MIN_WORTH : TEXT;
  return votes.winners(least).map(([x, y, worth]) => ({
    a: x,
    b: y,
    by: worth >= SEQUENCE ? "sequence" : worth >= CLOCK ? "timestamps" : "contents",
    differences: differencesOf(x, y),
  }));
}

interface Bearer {
  /** Null where several bear it. */
  dialogue: RecordedDialogue | null;
  readonly worth: number;
}

function bearers(dialogues: readonly RecordedDialogue[]): Map<string, Bearer> {
  const all = new Map<string, Bearer>();
  for (const dialogue of dialogues) {
    for (const [mark, worth] of marksOf(dialogue)) {
      const known = all.get(mark);
      if (known === undefined) all.set(mark, { dialogue, worth });
      else if (known.dialogue !== dialogue) known.dialogue = null;
    }
  }
  return all;
}

function* marksOf(d: RecordedDialogue): Generator<[string, number]> {
  if (d.clientSequence !== null) yield [`c${d.clientSequence}`, SEQUENCE];
  if (d.serverSequence !== null) yield [`s${d.serverSequence}`, SEQUENCE];
  if (d.clientClock !== null) yield [`k${d.clientClock}`, CLOCK];
  if (d.serverClock !== null) yield [`l${d.serverClock}`, CLOCK];
  for (const side of ["client", "server"] as const) {
    const digest = d.encrypted[side]?.digest;
    if (digest !== undefined && digest !== null) yield [`e${side}${digest}`, DIGEST];
  }
  for (const { verb, command, reply, unkept } of d.turns) {
    if (unkept !== null && unkept.digest !== null) yield [`d${unkept.digest}`, DIGEST];
    if (command !== null) yield [`q${command}`, TEXT];
    if (reply !== null && reply !== "") yield [`r${verb} ${reply}`, TEXT];
  }
}

class Votes {
  readonly #byA = new Map<RecordedDialogue, Map<RecordedDialogue, number>>();
  readonly #byB = new Map<RecordedDialogue, Map<RecordedDialogue, number>>();

  add(a: RecordedDialogue, b: RecordedDialogue, worth: number): void {
    count(this.#byA, a, b, worth);
    count(this.#byB, b, a, worth);
  }

  /** Pairs of which each is the other's clear choice. */
  winners(least: number): [RecordedDialogue, RecordedDialogue, number][] {
    const pairs: [RecordedDialogue, RecordedDialogue, number][] = [];
    for (const [a, votes] of this.#byA) {
      const choice = clear(votes);
      if (choice === null || choice[1] < least) continue;
      if (clear(this.#byB.get(choice[0])!)?.[0] === a) pairs.push([a, ...choice]);
    }
    return pairs;
  }
}

type Tally = Map<RecordedDialogue, Map<RecordedDialogue, number>>;

function count(tally: Tally, from: RecordedDialogue, to: RecordedDialogue, worth: number): void {
  const votes = tally.get(from);
  if (votes === undefined) tally.set(from, new Map([[to, worth]]));
  else votes.set(to, (votes.get(to) ?? 0) + worth);
}

function clear(votes: ReadonlyMap<RecordedDialogue, number>): [RecordedDialogue, number] | null {
  let best: [RecordedDialogue, number] | null = null;
  let second = 0;
  for (const [dialogue, worth] of votes) {
    if (worth > (best?.[1] ?? 0)) {
      second = best?.[1] ?? 0;
      best = [dialogue, worth];
    } else second = Math.max(second, worth);
  }
  return best !== null && best[1] >= 2 * second ? best : null;
}
