import type { Phase } from "./phase.ts";

/** What `smtpscope diff --before-after A B` says. Times are integer µs; texts from the wire are escaped. */
export interface BeforeAfter {
  readonly kind: "before-after";
  readonly schema: 1;
  readonly tool: { readonly name: "smtpscope"; readonly version: string };
  readonly before: { readonly dialogues: number };
  readonly after: { readonly dialogues: number };
  /** A phase is different when one of its p is not above this. */
  readonly level: number;
  /** In the order of a dialogue. */
  readonly phases: readonly PhaseChange[];
  /** Null where a side is a saved report, which does not have them. */
  readonly banners: readonly TextChange[] | null;
  readonly keywords: readonly TextChange[] | null;
}

/** `different`: neither longer nor shorter as a whole, but otherwise distributed. */
export type Verdict =
  | "slower"
  | "faster"
  | "different"
  | "same"
  | "too few samples"
  | "only before"
  | "only after";

export interface PhaseChange {
  readonly phase: Phase;
  readonly before: PhaseTimesView | null;
  readonly after: PhaseTimesView | null;
  /** After less before; null where it is there on one side only. */
  readonly change: Omit<PhaseTimesView, "n"> | null;
  readonly verdict: Verdict;
  /** The smaller of Mann–Whitney's and Kolmogorov–Smirnov's; null where nothing was tested. */
  readonly p: number | null;
  /** Single times, or the bars of a saved report, which show only large differences. */
  readonly basis: "samples" | "histogram" | null;
}

/** A percentile is null where there are too few times for it. */
interface PhaseTimesView {
  readonly n: number;
  readonly p50Us: number | null;
  readonly p95Us: number | null;
  readonly p99Us: number | null;
}

/** Seen in this share of dialogues (banners) or replies to EHLO (keywords): 0 … 1. */
export interface TextChange {
  readonly text: string;
  readonly before: number;
  readonly after: number;
}
