import type { Explanation, RewritingFinding, Severity } from "../spine/finding.ts";
import type { DialogueView } from "./view.ts";

export type RewritingId = RewritingFinding["id"];

/** When a signature looks: behind the banner, behind the reply to EHLO or HELO. */
export type Stage = "banner" | "hello";

/** A signature was recognised in a dialogue. */
export interface Sighting {
  /** What tells one appearance from another, as it came over the wire: the masked banner, the keyword. */
  readonly variant: string;
  /** 0 … 1 */
  readonly confidence: number;
  /** What the evidence shows, as it came over the wire. */
  readonly text: string;
}

/** All sightings of one signature: what the claim is made of. */
export interface Sum {
  readonly dialogues: number;
  /** Distinct servers; with `manyServers` at least so many. */
  readonly servers: readonly string[];
  readonly manyServers: boolean;
  /** Commonest first. */
  readonly variants: readonly { readonly variant: string; readonly dialogues: number }[];
}

export interface Signature {
  readonly id: RewritingId;
  readonly severity: Severity;
  readonly remedy: string;
  readonly source: string;
  readonly stage: Stage;
  /** Must depend on what is said alone: what was found is remembered for a dialogue that says the same. */
  detect(view: DialogueView): Sighting | null;
  /** One sentence; texts of the wire in it escaped. */
  claim(sum: Sum): string;
  readonly explanation: Omit<Explanation, "id">;
}
