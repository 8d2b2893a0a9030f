import type { BeforeAfter } from "../spine/before-after.ts";
import type { DiffReport } from "../spine/diff-report.ts";
import { jsonText } from "./json.ts";

/** Comparisons as one JSON object a line: each part of the result, and the rest as a summary. */

/** Each change, each phase's delay, each finding. */
export function renderDiffLines({ changes, delays, findings, kind: _, ...rest }: DiffReport): string {
  return linesOf([
    ...changes.map((change) => ({ kind: "change", ...change })),
    ...delays.map((delay) => ({ kind: "delay", ...delay })),
    ...findings,
    { kind: "diff-summary", ...rest },
  ]);
}

/** Each phase, each banner and keyword. */
export function renderBeforeAfterLines({ phases, banners, keywords, kind: _, ...rest }: BeforeAfter): string {
  return linesOf([
    ...phases.map((phase) => ({ kind: "phase-change", ...phase })),
    ...(banners ?? []).map((banner) => ({ kind: "banner-change", ...banner })),
    ...(keywords ?? []).map((keyword) => ({ kind: "keyword-change", ...keyword })),
    { kind: "before-after-summary", ...rest },
  ]);
}

function linesOf(values: readonly object[]): string {
  return values.map((value) => `${jsonText(value)}\n`).join("");
}
