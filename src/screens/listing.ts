import type { KeptDialogue, KeptDialogues } from "../spine/kept.ts";
import type { CompiledFilter } from "./model.ts";

/** What the list of dialogues can be sorted by, in the order in which `s` goes through them. */
export const SORTS = {
  start: (d: KeptDialogue) => d.startAtUs ?? 0,
  length: (d: KeptDialogue) => lengthUs(d) ?? 0,
  waited: (d: KeptDialogue) => d.waitedUs,
  slowest: (d: KeptDialogue) => d.slowest?.waitedUs ?? 0,
  code: (d: KeptDialogue) => d.outcome.code ?? 0,
  client: (d: KeptDialogue) => d.client,
  server: (d: KeptDialogue) => d.server,
} as const satisfies Record<string, (dialogue: KeptDialogue) => number | string>;

export type SortKey = keyof typeof SORTS;

export function lengthUs({ startAtUs, lastAtUs }: KeptDialogue): number | null {
  return startAtUs === null || lastAtUs === null ? null : Math.max(0, lastAtUs - startAtUs);
}

/** The exchanges that are there to be looked at: of a condensed dialogue the slowest. */
function exchangesOf({ exchanges, slowest }: KeptDialogue) {
  return exchanges ?? (slowest === null ? [] : [slowest]);
}

/**
 * The list as it is filtered and sorted. 100,000 dialogues take a while, so what was worked out is kept
 * until something it depends on is another.
 */
export class Listing {
  #kept: KeptDialogues | null = null;
  #filter: CompiledFilter | null = null;
  #sort: SortKey = "start";
  #descending = false;
  #rows: readonly KeptDialogue[] = [];
  #places: Map<number, number> | null = null;
  /** Whether a dialogue matches, by the object: a dialogue that is over is the same one in every snapshot. */
  #matched = new WeakMap<KeptDialogue, boolean>();

  rows(
    kept: KeptDialogues,
    filter: CompiledFilter | null,
    sort: SortKey,
    descending: boolean,
  ): readonly KeptDialogue[] {
    if (filter !== this.#filter) this.#matched = new WeakMap();
    else if (kept === this.#kept && sort === this.#sort && descending === this.#descending) return this.#rows;
    this.#kept = kept;
    this.#filter = filter;
    this.#sort = sort;
    this.#descending = descending;
    this.#rows = this.#sorted(
      filter === null ? [...kept.dialogues] : kept.dialogues.filter((d) => this.#matches(d, filter)),
    );
    this.#places = null;
    return this.#rows;
  }

  /** A dialogue's place in the rows asked for last; -1 when it is not among them. */
  place(id: number | null): number {
    if (id === null) return -1;
    if (this.#places === null) {
      this.#places = new Map();
      for (let i = 0; i < this.#rows.length; i++) this.#places.set(this.#rows[i]!.id, i);
    }
    return this.#places.get(id) ?? -1;
  }

  #matches(dialogue: KeptDialogue, filter: CompiledFilter): boolean {
    let matches = this.#matched.get(dialogue);
    if (matches === undefined) {
      matches = filter.ok && exchangesOf(dialogue).some((exchange) => filter.matches(exchange, dialogue));
      this.#matched.set(dialogue, matches);
    }
    return matches;
  }

  #sorted(rows: KeptDialogue[]): KeptDialogue[] {
    const keyOf: (dialogue: KeptDialogue) => number | string = SORTS[this.#sort];
    const direction = this.#descending ? -1 : 1;
    return rows.sort((a, b) => {
      const [x, y] = [keyOf(a), keyOf(b)];
      return x < y ? -direction : x > y ? direction : a.id - b.id;
    });
  }
}
