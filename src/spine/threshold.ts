import type { Phase } from "./phase.ts";

/** What is measured of a phase's times, or (`err`, `n`) of its exchanges. */
export type Measure = "percentile" | "max" | "min" | "mean" | "n" | "err";

/** A limit that was asked for, such as `rcpt.p95<500ms`. */
export interface Threshold {
  /** As asked for, without blanks. */
  readonly text: string;
  /** Null: all exchanges. */
  readonly phase: Phase | null;
  readonly measure: Measure;
  /** Of a percentile: above 0, up to 100. */
  readonly percentile: number | null;
  readonly operator: "<" | "<=" | ">" | ">=";
  /** µs; for `err` a share, 0 … 1; for `n` a count. */
  readonly limit: number;
}

/** A threshold and what was measured. */
export interface ThresholdView extends Threshold {
  /** `too-few`: there are not enough samples to say that it is met. */
  readonly verdict: "met" | "violated" | "too-few";
  /** In the unit of the limit; null without samples. */
  readonly measured: number | null;
  readonly samples: number;
  /** How many samples it takes to say that it is met. */
  readonly needed: number;
}

/** What thresholds are judged by. */
export interface Measured {
  /** Exchanges (connections, bodies); of these, those with 4xx, 5xx or no reply at all. */
  readonly seen: number;
  readonly failed: number;
  /** Their times in µs; percentiles by nearest rank. Null where they have none in common. */
  readonly times: {
    readonly n: number;
    readonly minUs: number;
    readonly maxUs: number;
    readonly sumUs: number;
    percentileUs(percentile: number): number;
  } | null;
}
