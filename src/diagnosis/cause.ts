import type { CauseFinding, Explanation, Severity } from "../spine/finding.ts";
import type { Bundle } from "./bundles.ts";
import type { Pattern } from "./pattern.ts";

type CauseId = CauseFinding["id"];

/** How well a cause fits what was seen. */
export interface Weight {
  /** 0 … 1: how far what was seen is what this cause looks like. Those that are about as good are tied. */
  readonly score: number;
  /** What speaks for it, and against it, in one clause each. */
  readonly why: string;
  readonly against?: string;
}

/** A cause of waiting. */
export interface Cause {
  readonly id: CauseId;
  /** Somebody wants it so. */
  readonly deliberate: boolean;
  readonly severity: Severity;
  /** What the account of waiting calls it: "PTR lookups". */
  readonly noun: string;
  /** Null where it cannot look like this. */
  weigh(bundle: Bundle, pattern: Pattern): Weight | null;
  /** The next step, in one sentence. */
  readonly remedy: string;
  readonly source: string;
  /** Its page for `smtpscope explain`. */
  readonly explanation: Omit<Explanation, "id">;
}
