import type { Exchange } from "../spine/exchange.ts";
import { PHASES, type PhaseIndex } from "../spine/phase.ts";
import {
  BINS,
  BINS_A_DECADE,
  binOf,
  HEAT_BINS,
  HEAT_BINS_A_DECADE,
  type PhaseTimeline,
  type Timeline,
} from "../spine/timeline.ts";

/** Columns of time, more than a wide terminal shows; when the time is longer, two become one. */
const COLUMNS = 512;
const FIRST_COLUMN_US = 1_000_000;

/** Counts reply times over time, in memory that does not grow: about 100 KB a phase. */
export class Timelines {
  #startAtUs: number | null = null;
  #columnUs = FIRST_COLUMN_US;
  #used = 0;
  readonly #lengths: (Uint32Array | undefined)[] = [];
  readonly #heat: (Uint32Array | undefined)[] = [];
  readonly #codes = new Map<number, number>();

  exchange(exchange: Exchange): void {
    const { code, taint, serviceUs, phaseIndex } = exchange;
    if (code !== null) this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    if (taint !== null || serviceUs === null) return;
    this.record(phaseIndex, serviceUs, exchange.answeredFirstAtUs);
  }

  /** A reply, or a connection, that took so long and was there at that time. */
  record(phase: PhaseIndex, durationUs: number, atUs: number | null): void {
    this.#lengths[phase] ??= new Uint32Array(BINS);
    this.#lengths[phase][binOf(durationUs, BINS_A_DECADE)]!++;
    if (atUs === null) return;
    const column = this.#column(atUs);
    this.#heat[phase] ??= new Uint32Array(COLUMNS * HEAT_BINS);
    this.#heat[phase][column * HEAT_BINS + binOf(durationUs, HEAT_BINS_A_DECADE)]!++;
    if (column >= this.#used) this.#used = column + 1;
  }

  #column(atUs: number): number {
    this.#startAtUs ??= Math.floor(atUs / FIRST_COLUMN_US) * FIRST_COLUMN_US;
    // Replies settle late and files may overlap: what is earlier than the start counts there.
    const sinceUs = Math.max(0, atUs - this.#startAtUs);
    while (sinceUs >= this.#columnUs * COLUMNS) this.#halve();
    return Math.floor(sinceUs / this.#columnUs);
  }

  #halve(): void {
    this.#columnUs *= 2;
    this.#used = Math.ceil(this.#used / 2);
    for (const heat of this.#heat) {
      if (heat === undefined) continue;
      for (let column = 0; column < COLUMNS / 2; column++) {
        for (let bin = 0; bin < HEAT_BINS; bin++) {
          const from = 2 * column * HEAT_BINS + bin;
          heat[column * HEAT_BINS + bin] = heat[from]! + heat[from + HEAT_BINS]!;
        }
      }
      heat.fill(0, (COLUMNS / 2) * HEAT_BINS);
    }
  }

  /** A copy: nothing in it changes any more. */
  snapshot(): Timeline {
    const phases: PhaseTimeline[] = [];
    PHASES.forEach((phase, index) => {
      const lengths = this.#lengths[index];
      if (lengths === undefined) return;
      const heat = this.#heat[index]?.slice(0, this.#used * HEAT_BINS);
      phases.push({ phase, lengths: lengths.slice(), heat: heat ?? new Uint32Array(this.#used * HEAT_BINS) });
    });
    return {
      startAtUs: this.#startAtUs,
      columnUs: this.#columnUs,
      columns: this.#used,
      phases,
      codes: [...this.#codes].sort((a, b) => b[1] - a[1] || a[0] - b[0]),
    };
  }
}
