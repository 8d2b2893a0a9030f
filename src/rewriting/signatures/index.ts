import type { Explanation } from "../../spine/finding.ts";
import type { Signature } from "../signature.ts";
import { answeredTooSoon } from "./answered-too-soon.ts";
import { bannerMasked } from "./banner-masked.ts";
import { certificateDiffers } from "./certificate-differs.ts";
import { certificateMismatch } from "./certificate-mismatch.ts";
import { chunkingStripped } from "./chunking-stripped.ts";
import { commandMasked } from "./command-masked.ts";
import { commandNoop } from "./command-noop.ts";
import { commandRefused } from "./command-refused.ts";
import { COMPARED } from "./compared.ts";
import { ehloBare } from "./ehlo-bare.ts";
import { endOfDataHeld } from "./end-of-data-held.ts";
import { hostMismatch } from "./host-mismatch.ts";
import { keywordMasked } from "./keyword-masked.ts";
import { lineTooLongDropped } from "./line-too-long-dropped.ts";
import { mailShield } from "./mail-shield.ts";
import { otherStack } from "./other-stack.ts";
import { rcptLimitDropped } from "./rcpt-limit-dropped.ts";
import { sharedBanner } from "./shared-banner.ts";
import { starttlsMasked } from "./starttls-masked.ts";
import { starttlsRefused } from "./starttls-refused.ts";
import { tcpOptionsChanged } from "./tcp-options-changed.ts";

/**
 * What is recognised. To add a signature: a file here that exports a `Signature` (`detect` looks at what
 * was said, `claim` puts all sightings into one sentence, `explanation` is its page for
 * `smtpscope explain`), one line below, and in test/rewriting a table of texts that must match and of
 * look-alikes that must not.
 */
export const SIGNATURES: readonly Signature[] = [
  bannerMasked,
  keywordMasked,
  starttlsMasked,
  starttlsRefused,
  chunkingStripped,
  ehloBare,
  commandMasked,
  commandNoop,
  commandRefused,
  hostMismatch,
  mailShield,
  endOfDataHeld,
  lineTooLongDropped,
  rcptLimitDropped,
  sharedBanner,
  answeredTooSoon,
  otherStack,
  tcpOptionsChanged,
  certificateDiffers,
  certificateMismatch,
  ...COMPARED,
];

/** The pages of `smtpscope explain`. */
export const REWRITING_EXPLANATIONS: readonly Explanation[] = SIGNATURES.flatMap((signature) =>
  signature.stage === "compared" ? [] : [{ id: signature.id, ...signature.explanation }],
);
