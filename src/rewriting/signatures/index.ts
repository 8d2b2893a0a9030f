import type { Explanation } from "../../spine/finding.ts";
import type { Signature } from "../signature.ts";
import { bannerMasked } from "./banner-masked.ts";

/**
 * What is recognised. To add a signature: a file here that exports a `Signature` (`detect` looks at what
 * was said, `claim` puts all sightings into one sentence, `explanation` is its page for
 * `smtpscope explain`), one line below, and in test/rewriting a table of texts that must match and of
 * look-alikes that must not.
 */
export const SIGNATURES: readonly Signature[] = [bannerMasked];

/** The pages of `smtpscope explain`. */
export const REWRITING_EXPLANATIONS: readonly Explanation[] = SIGNATURES.map(({ id, explanation }) => ({
  id,
  ...explanation,
}));
