import type { KeptDialogue, KeptDialogues, KeptExchange } from "../spine/kept.ts";
import { SLOW_US } from "./marks.ts";
import type { CompiledFilter } from "./model.ts";

/** What the list of dialogues can be sorted by, in the order in which `s` goes through them. */
export const SORTS = {
  /** Those whose clients wait now by how long; before them all others, by their start. */
  now: (d: KeptDialogue) =>
    waitsLong(d) ? d.pending!.waitedUs : (d.startAtUs ?? 0) - Number.MAX_SAFE_INTEGER,
  start: (d: KeptDialogue) => d.startAtUs ?? 0,
  length: (d: KeptDialogue) => lengthUs(d) ?? 0,
  waited: (d: KeptDialogue) => d.waitedUs + (d.pending?.waitedUs ?? 0),
  slowest: longestUs,
  code: (d: KeptDialogue) => d.outcome.code ?? 0,
  client: (d: KeptDialogue) => d.client,
  server: (d: KeptDialogue) => d.server,
} as const satisfies Record<string, (dialogue: KeptDialogue) => number | string>;

export type SortKey = keyof typeof SORTS;

export function lengthUs({ startAtUs, lastAtUs, pending }: KeptDialogue): number | null {
  const endUs = pending === null ? lastAtUs : Math.max(lastAtUs ?? 0, pending.sinceUs + pending.waitedUs);
  return startAtUs === null || endUs === null ? null : Math.max(0, endUs - startAtUs);
}

/** µs of its longest wait, the one that goes on included. */
export function longestUs({ slowest, pending }: KeptDialogue): number {
  return Math.max(slowest?.waitedUs ?? 0, pending?.waitedUs ?? 0);
}

/** Replies under way are on their way all the time: only long waits are news. */
export function waitsLong({ pending }: KeptDialogue): boolean {
  return pending !== null && pending.waitedUs >= SLOW_US;
}

/** The exchanges that are there to be looked at: of a condensed dialogue the slowest. */
function exchangesOf(dialogue: KeptDialogue): readonly KeptExchange[] {
  const { exchanges, slowest, pending } = dialogue;
  if (exchanges === null) return slowest === null ? [] : [slowest];
  return exchanges.length > 0 || pending === null ? exchanges : [bannerToCome(dialogue)];
}

/** What a filter looks at where nothing has been answered yet: the banner, as late as it is by now. */
function bannerToCome({ pending, file, tcpStream }: KeptDialogue): KeptExchange {
  return {
    phase: "banner",
    verb: "(connect)",
    command: null,
    code: null,
    lines: [],
    commandOctets: null,
    replyOctets: null,
    askedFirstAtUs: pending!.sinceUs,
    askedLastAtUs: pending!.sinceUs,
    answeredFirstAtUs: null,
    answeredLineAtUs: null,
    answeredLastAtUs: null,
    thinkUs: pending!.waitedUs,
    serviceUs: pending!.waitedUs,
    waitedUs: pending!.waitedUs,
    pipelinedBehind: 0,
    retransmits: 0,
    askedFrames: null,
    answeredFrames: null,
    file,
    tcpStream,
    taint: "unanswered",
  };
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
  /** Where the chosen one was last. */
  #place = 0;
  /** The dialogues that were asked about last, and which of them match. */
  #asked: readonly KeptDialogue[] = [];
  #answers = new Uint8Array(0);

  rows(
    kept: KeptDialogues,
    filter: CompiledFilter | null,
    sort: SortKey,
    descending: boolean,
  ): readonly KeptDialogue[] {
    const isSame = kept === this.#kept && filter === this.#filter && sort === this.#sort;
    if (isSame && descending === this.#descending) return this.#rows;
    if (filter !== this.#filter) this.#asked = [];
    this.#kept = kept;
    this.#filter = filter;
    this.#sort = sort;
    this.#descending = descending;
    if (isSame) this.#rows = this.#rows.toReversed();
    else {
      const rows = sorted(filter === null ? kept.dialogues : this.#matching(kept.dialogues, filter), sort);
      this.#rows = descending ? rows.reverse() : rows;
    }
    return this.#rows;
  }

  /** A dialogue's place in the rows asked for last; -1 when it is not among them. */
  place(id: number | null): number {
    if (id === null) return -1;
    if (this.#rows[this.#place]?.id !== id) this.#place = this.#rows.findIndex((row) => row.id === id);
    return this.#place;
  }

  /**
   * Those that match. A dialogue that is over is the same object in every snapshot, and they come in the order
   * of their ids: most answers are still known.
   */
  #matching(dialogues: readonly KeptDialogue[], filter: CompiledFilter): KeptDialogue[] {
    const answers = new Uint8Array(dialogues.length);
    let before = 0;
    const rows = dialogues.filter((dialogue, i) => {
      while (before < this.#asked.length && this.#asked[before]!.id < dialogue.id) before++;
      const isKnown = this.#asked[before] === dialogue;
      const matches = isKnown ? this.#answers[before] === 1 : matchesAny(filter, dialogue);
      answers[i] = matches ? 1 : 0;
      return matches;
    });
    this.#asked = dialogues;
    this.#answers = answers;
    return rows;
  }
}

function matchesAny(filter: CompiledFilter, dialogue: KeptDialogue): boolean {
  return filter.ok && exchangesOf(dialogue).some((exchange) => filter.matches(exchange, dialogue));
}

/** Ascending; what is equal stays in order. Sorted by numbers in an array of their own: that is several times as fast. */
function sorted(dialogues: readonly KeptDialogue[], sort: SortKey): KeptDialogue[] {
  const keyOf: (dialogue: KeptDialogue) => number | string = SORTS[sort];
  const values = dialogues.map(keyOf);
  const keys = Float64Array.from(
    typeof values[0] === "string" ? ranksOf(values as string[]) : (values as number[]),
  );
  const order = Array.from(keys, (_, i) => i);
  return order.sort((a, b) => keys[a]! - keys[b]! || a - b).map((i) => dialogues[i]!);
}

/** Texts by their place among all different ones. */
function ranksOf(texts: readonly string[]): number[] {
  const ranks = new Map([...new Set(texts)].sort().map((text, rank) => [text, rank]));
  return texts.map((text) => ranks.get(text)!);
}
