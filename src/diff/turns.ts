import { lineChanges } from "../rewriting/compare/line.ts";
import type { RecordedDialogue, RecordedTurn } from "./recorded.ts";

/**
 * Which turn of a dialogue is which on the other side. Most dialogues have the same turns on both; where a
 * device answers a command itself, or says one of its own, they do not.
 */

/** A turn on each side, in the order in which the dialogues were given; null where it is not there. */
export type TurnPair = readonly [RecordedTurn | null, RecordedTurn | null];

export function alignedTurns(a: RecordedDialogue, b: RecordedDialogue): TurnPair[] {
  const [x, y] = [a.turns, b.turns];
  if (x.length === y.length && x.every((turn, i) => cost(turn, y[i]!) < REPLACED)) {
    return x.map((turn, i) => [turn, y[i]!]);
  }
  return aligned(x, y);
}

/**
 * A reply of several lines whose hyphens were overwritten arrives as several replies: those that nobody asked for
 * are put behind the one that they belong to.
 */
export function withTornReplies(turns: readonly TurnPair[]): readonly TurnPair[] {
  if (!turns.some(isUnasked)) return turns;
  const joined: TurnPair[] = [];
  for (const pair of turns) {
    const [s, c] = joined.at(-1) ?? [null, null];
    const reply = `${c?.reply}${pair[1]?.reply}`;
    const belongs = isUnasked(pair) && s !== null && c !== null && linesIn(reply) <= linesIn(s.reply ?? "");
    if (belongs) joined[joined.length - 1] = [s, { ...c, reply }];
    else joined.push(pair);
  }
  return joined;
}

function isUnasked([s, c]: TurnPair): boolean {
  return s === null && c !== null && c.verb === "(unsolicited)" && c.reply !== null;
}

function linesIn(reply: string): number {
  return reply.split("\n").length;
}

/**
 * The turn from which on the client takes each reply for that to a later command: the server was given a command
 * more (a message's bytes, when the command that announced them was overwritten), and replies to it as well. What
 * it says arrives as it was said, one turn late.
 *
 * @returns the number of turns where there is none
 */
export function repliesShiftedFrom(turns: readonly TurnPair[]): number {
  const at = turns.findIndex(([s, c]) => s !== null && c === null && !isPseudo(s.verb));
  if (at < 0) return turns.length;
  const said = (side: 0 | 1) => turns.slice(at).flatMap((pair) => pair[side]?.reply || []);
  const [atServer, atClient] = [said(0), said(1)];
  return atServer.length === atClient.length && atServer.every((reply, i) => reply === atClient[i])
    ? at
    : turns.length;
}

const REPLACED = 1.5;
const APART = 3;

/** What it costs to take one for the other; leaving both without a partner costs 2. */
function cost(a: RecordedTurn, b: RecordedTurn): number {
  if (isPseudo(a.verb) || isPseudo(b.verb)) return a.verb === b.verb ? 0 : APART;
  if (a.verb === b.verb) return a.command === b.command ? 0 : 0.3;
  if (a.command === null || b.command === null) return REPLACED;
  return lineChanges(a.command, b.command)[0] === "replaced" ? REPLACED : 0.4;
}

/** Not (unknown): a command that was overwritten is unknown. */
function isPseudo(verb: string): boolean {
  return verb.startsWith("(") && verb !== "(unknown)";
}

function aligned(a: readonly RecordedTurn[], b: readonly RecordedTurn[]): TurnPair[] {
  const width = b.length + 1;
  const least = new Float32Array((a.length + 1) * width);
  for (let i = a.length; i >= 0; i--) {
    for (let j = b.length; j >= 0; j--) {
      if (i === a.length || j === b.length) least[i * width + j] = a.length - i + (b.length - j);
      else {
        const pair = cost(a[i]!, b[j]!) + least[(i + 1) * width + j + 1]!;
        const alone = 1 + Math.min(least[(i + 1) * width + j]!, least[i * width + j + 1]!);
        least[i * width + j] = Math.min(pair, alone);
      }
    }
  }
  const pairs: TurnPair[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const pair = cost(a[i]!, b[j]!) + least[(i + 1) * width + j + 1]!;
    const left = 1 + least[(i + 1) * width + j]!;
    const right = 1 + least[i * width + j + 1]!;
    if (pair <= left && pair <= right) pairs.push([a[i++]!, b[j++]!]);
    else if (left <= right) pairs.push([a[i++]!, null]);
    else pairs.push([null, b[j++]!]);
  }
  for (; i < a.length; i++) pairs.push([a[i]!, null]);
  for (; j < b.length; j++) pairs.push([null, b[j]!]);
  return pairs;
}
