import { thresholdSentence } from "../reports/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { Severity } from "../spine/finding.ts";
import { plural } from "../spine/format.ts";
import type { Report } from "../spine/report.ts";
import { complain } from "./complain.ts";
import { EXIT } from "./exit.ts";

/** `--fail-on`: what of a report makes the exit status 1. */
export interface FailOn {
  readonly slo: boolean;
  /** Findings at least as bad as this; null: none. */
  readonly severity: Severity | null;
}

/** The worse, the later. */
const SEVERITIES: readonly Severity[] = ["info", "warning", "critical"];

/** @param thresholds how many were asked for */
export function failOnOf(texts: readonly string[], thresholds: number): FailOn {
  let slo = false;
  let least = SEVERITIES.length;
  for (const word of texts.flatMap((text) => text.split(",")).map((text) => text.trim())) {
    const at = SEVERITIES.indexOf(word as Severity);
    if (word === "slo") slo = true;
    else if (at >= 0) least = Math.min(least, at);
    else throw new SmtpscopeError("usage", `--fail-on takes slo, ${SEVERITIES.join(", ")}; not "${word}"`);
  }
  if (slo && thresholds === 0)
    throw new SmtpscopeError("usage", "--fail-on slo needs a limit: add e.g. --slo 'rcpt.p95<500ms'");
  return { slo, severity: SEVERITIES[least] ?? null };
}

/** Says what of the report was not to be. @returns the exit status */
export function statusOf(report: Report, { slo, severity }: FailOn): number {
  const violated = slo ? report.thresholds.filter(({ verdict }) => verdict === "violated") : [];
  for (const threshold of violated) complain(thresholdSentence(threshold));
  const least = severity === null ? SEVERITIES.length : SEVERITIES.indexOf(severity);
  const found = report.findings.filter((finding) => SEVERITIES.indexOf(finding.severity) >= least);
  for (const { id, severity: how, dialogues } of found)
    complain(`${id} (${how}) in ${plural(dialogues, "dialogue")}`);
  return violated.length + found.length > 0 ? EXIT.found : EXIT.done;
}
