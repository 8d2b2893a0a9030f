import type { RecordedDialogue } from "./recorded.ts";
import { alignedTurns } from "./turns.ts";

/**
 * Where the path is known to change what is said: a pair that fits by its times alone and differs elsewhere (in a
 * queue id) is rather two dialogues whose fellows are missing.
 */

/** So many sure pairs have to show a place unchanged before it counts as one that the path leaves alone. */
const SURE = 10;

export class Habits {
  readonly #changed = new Set<string>();
  readonly #isSure: boolean;

  constructor(pairs: readonly { readonly a: RecordedDialogue; readonly b: RecordedDialogue }[]) {
    for (const { a, b } of pairs) for (const place of differingPlaces(a, b)) this.#changed.add(place);
    this.#isSure = pairs.length >= SURE;
  }

  /** @param isFirst the pair stands out by itself; otherwise others had to be ruled out first */
  allow(a: RecordedDialogue, b: RecordedDialogue, isFirst: boolean): boolean {
    if (isFirst && !this.#isSure) return true;
    for (const place of differingPlaces(a, b)) if (!this.#changed.has(place)) return false;
    return true;
  }
}

function* differingPlaces(a: RecordedDialogue, b: RecordedDialogue): Generator<string> {
  for (const [x, y] of alignedTurns(a, b)) {
    if (x === null || y === null) yield `alone ${(x ?? y)!.verb}`;
    else if (!x.hasGap && !y.hasGap) {
      if (x.command !== y.command) yield `command ${x.phase}`;
      if (x.reply !== y.reply && x.reply !== "" && y.reply !== "") yield `reply ${x.phase}`;
      if (x.unkept?.digest !== y.unkept?.digest) yield `unkept ${x.phase}`;
    }
  }
}
