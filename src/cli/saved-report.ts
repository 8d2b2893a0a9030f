import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { SmtpscopeError } from "../spine/errors.ts";
import { PHASES } from "../spine/phase.ts";
import type { Report } from "../spine/report.ts";

/** Reports that `replay -o json` or `ndjson` saved, to be compared with. */

/** A report of a day with everything listed has a few MB. */
const MAX_REPORT_BYTES = 64 << 20;

export function looksLikeJson(file: string): boolean {
  try {
    const fd = openSync(file, "r");
    try {
      const start = Buffer.alloc(16);
      return /^\s*\{/.test(start.toString("latin1", 0, readSync(fd, start, 0, start.length, 0)));
    } finally {
      closeSync(fd);
    }
  } catch {
    // Whatever is wrong with it is said when it is read.
    return false;
  }
}

export function savedReport(file: string): Report {
  if (statSync(file).size > MAX_REPORT_BYTES)
    throw new SmtpscopeError("unreadable", `${file} is too large for a report of smtpscope replay -o json`);
  const text = readFileSync(file, "utf8").trim();
  // Of -o ndjson the last line is the report.
  const report = parsed(text) ?? parsed(text.slice(text.lastIndexOf("\n") + 1));
  if (!isReport(report))
    throw new SmtpscopeError(
      "unreadable",
      `${file} is neither a capture nor a report of smtpscope replay -o json`,
    );
  return report;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** As far as a comparison looks at it: anybody may have edited it. */
function isReport(value: unknown): value is Report {
  if (typeof value !== "object" || value === null) return false;
  const { kind, schema, totals, phases } = value as Record<string, unknown>;
  if ((kind !== "report" && kind !== "summary") || schema !== 1) return false;
  return (
    isCount((totals as Record<string, unknown> | undefined)?.dialogues) &&
    Array.isArray(phases) &&
    phases.every(isPhase)
  );
}

function isPhase(value: unknown): boolean {
  const { phase, service, histogram } = (value ?? {}) as Record<string, unknown>;
  const { n, percentilesUs } = (service ?? {}) as Record<string, unknown>;
  return (
    PHASES.some((known) => known === phase) &&
    isCount(n) &&
    typeof percentilesUs === "object" &&
    percentilesUs !== null &&
    Object.values(percentilesUs).every(isCount) &&
    Array.isArray(histogram) &&
    histogram.every((bar) => isCount(bar?.fromUs) && isCount(bar?.count))
  );
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
