import type { SlowReply } from "../spine/report.ts";

/** The `limit` longest of many, kept without keeping the others. Equal ones: the earlier seen wins. */
export class Top {
  readonly #limit: number;
  readonly #kept: SlowReply[] = [];
  #threshold: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#threshold = limit === 0 ? Number.POSITIVE_INFINITY : -1;
  }

  /** Worth building the entry for? Asked of every reply, so it must cost nothing. */
  wants(durationUs: number): boolean {
    return durationUs > this.#threshold;
  }

  add(entry: SlowReply): void {
    const kept = this.#kept;
    let at = kept.length;
    while (at > 0 && kept[at - 1]!.waitedUs < entry.waitedUs) at--;
    kept.splice(at, 0, entry);
    if (kept.length > this.#limit) kept.pop();
    if (kept.length === this.#limit) this.#threshold = kept[kept.length - 1]!.waitedUs;
  }

  get entries(): readonly SlowReply[] {
    return this.#kept;
  }
}
