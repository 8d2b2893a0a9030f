import type { Phase } from "./phase.ts";

/**
 * Reply times over time and by length, in counts: what a trend, a histogram and a heat map are drawn
 * from. Times fall into bins of equal ratio, 40 a decade (each 5.9 % wide) from 1 µs to 10,000 s.
 */
export const BINS_A_DECADE = 40;
export const BINS = 10 * BINS_A_DECADE;
/** A heat map has coarser ones: 4 a decade. */
export const HEAT_BINS_A_DECADE = 4;
export const HEAT_BINS = 10 * HEAT_BINS_A_DECADE;

/** The bin of a time of 1 µs or more; what is shorter counts as 1 µs, what is longer as the longest. */
export function binOf(valueUs: number, aDecade: number): number {
  if (valueUs < 1) return 0;
  return Math.min(10 * aDecade - 1, Math.floor(Math.log10(valueUs) * aDecade + 1e-9));
}

/** Where a bin begins, µs. */
export function binStartUs(bin: number, aDecade: number): number {
  return 10 ** (bin / aDecade);
}

export interface PhaseTimeline {
  readonly phase: Phase;
  /** Replies by length, over all time: BINS counts. */
  readonly lengths: Uint32Array;
  /** Replies by when they began and by length: HEAT_BINS counts a column. */
  readonly heat: Uint32Array;
}

export interface Timeline {
  /** Start of the first column; null before the first reply. */
  readonly startAtUs: number | null;
  readonly columnUs: number;
  readonly columns: number;
  readonly phases: readonly PhaseTimeline[];
  /** Reply codes and how often each came. */
  readonly codes: readonly (readonly [code: number, count: number])[];
}
