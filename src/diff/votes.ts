import { NO_TIME } from "../spine/wire.ts";
import { type Clock, median } from "./clock.ts";
import { near } from "./near.ts";
import type { RecordedDialogue } from "./recorded.ts";

/**
 * The difference of two clocks where no dialogue bears a mark of its own: five hundred identical senders. Every
 * possible pair votes for the offset at which it would be one. First only by its rhythm, the times between what was
 * said, which differ by chance from dialogue to dialogue; else by when it began. The right offset gets a vote of
 * nearly every dialogue, a wrong one of a few. Where two offsets get about as many, there is no telling.
 */

/** Clocks are off by up to half a minute, and a connection may have been held besides. */
const MAX_OFFSET_US = 60e6;
/** Dialogues that are asked, and how many of the other side each may choose from. */
const MAX_ASKED = 256;
const MAX_CHOICES = 1_024;
/** How closely votes have to agree: a path of one hop, one with a proxy, one with a slow proxy. */
const WIDTHS_US = [1_000, 10_000, 100_000];
/** The winner has to have so many times the votes of any other, of so many of those who were asked. */
const LEAD = 1.5;
const MIN_VOTES = 2;
const QUORUM = 0.4;

export function guessOffset(a: readonly RecordedDialogue[], b: readonly RecordedDialogue[]): Clock | null {
  const timed = b.filter(({ startAt }) => startAt !== NO_TIME).sort((x, y) => x.startAt - y.startAt);
  const asked = evenly(
    a.filter(({ startAt }) => startAt !== NO_TIME),
    MAX_ASKED,
  );
  if (asked.length === 0 || timed.length === 0) return null;
  const rhythm: number[] = [];
  const start: number[] = [];
  for (const dialogue of asked) {
    const choices = [...near(timed, dialogue.startAt, MAX_OFFSET_US, MAX_CHOICES)].filter((other) =>
      isAlike(dialogue, other),
    );
    for (const other of choices) start.push(dialogue.startAt - other.startAt);
    const vote = byRhythm(dialogue, choices);
    if (vote !== null) rhythm.push(vote);
  }
  const atUs = asked[asked.length >> 1]!.startAt;
  for (const votes of [rhythm, start]) {
    for (const widthUs of WIDTHS_US) {
      const won = winner(votes, widthUs, QUORUM * Math.min(asked.length, timed.length));
      if (won === null) continue;
      const { middle, count } = won;
      return {
        offsetUs: middle,
        uncertaintyUs: widthUs,
        driftPpm: 0,
        atUs,
        agreeing: count,
        asked: asked.length,
      };
    }
  }
  return null;
}

function evenly<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]!);
}

/** The same was said by the client, as far as that can be seen at a glance. */
function isAlike(a: RecordedDialogue, b: RecordedDialogue): boolean {
  if (a.turns.length !== b.turns.length) return false;
  let same = 0;
  a.turns.forEach((turn, i) => {
    if (turn.verb === b.turns[i]!.verb) same++;
  });
  return same >= a.turns.length * 0.6;
}

/** The offset at which the one choice of the same rhythm would be the same dialogue; null where several have it. */
function byRhythm(dialogue: RecordedDialogue, choices: readonly RecordedDialogue[]): number | null {
  const beats = beatsOf(dialogue);
  if (beats.length < MIN_BEATS) return null;
  let best: { spreadUs: number; offset: number } | null = null;
  let secondUs = Number.POSITIVE_INFINITY;
  for (const other of choices) {
    const theirs = beatsOf(other);
    if (theirs.length !== beats.length) continue;
    const apart = beats.map((at, i) => at - theirs[i]!);
    const offset = median(apart)!;
    const spreadUs = median(apart.map((each) => Math.abs(each - offset)))!;
    if (best === null || spreadUs < best.spreadUs) {
      secondUs = best?.spreadUs ?? secondUs;
      best = { spreadUs, offset };
    } else if (spreadUs < secondUs) secondUs = spreadUs;
  }
  return best !== null && secondUs > 3 * best.spreadUs + MIN_RHYTHM_US ? best.offset : null;
}

/** Fewer have no rhythm. */
const MIN_BEATS = 4;
/** Rhythms that differ by less are the same. */
const MIN_RHYTHM_US = 300;

function beatsOf({ startAt, turns }: RecordedDialogue): number[] {
  const beats = [startAt];
  for (const { askedLast, answeredFirst } of turns) {
    if (askedLast !== NO_TIME) beats.push(askedLast);
    if (answeredFirst !== NO_TIME) beats.push(answeredFirst);
  }
  return beats;
}

/** The place with the most votes within `widthUs`, if it has enough and no other comes near. */
function winner(
  votes: readonly number[],
  widthUs: number,
  quorum: number,
): { middle: number; count: number } | null {
  const sorted = Float64Array.from(votes).sort();
  const best = densest(sorted, widthUs, Number.NaN);
  if (best === null || best.count < Math.max(MIN_VOTES, quorum)) return null;
  const second = densest(sorted, widthUs, best.middle);
  return second === null || best.count >= LEAD * second.count ? best : null;
}

/** @param except places as near to this as two widths do not count */
function densest(
  sorted: Float64Array,
  widthUs: number,
  except: number,
): { middle: number; count: number } | null {
  let best: { middle: number; count: number } | null = null;
  for (let low = 0, high = 0; low < sorted.length; low++) {
    while (high < sorted.length && sorted[high]! - sorted[low]! <= widthUs) high++;
    const middle = sorted[(low + high - 1) >> 1]!;
    if (Math.abs(middle - except) <= 2 * widthUs) continue;
    if (high - low > (best?.count ?? 0)) best = { middle, count: high - low };
  }
  return best;
}
