import type { DiffReport } from "../spine/diff-report.ts";
import { jsonText } from "./json.ts";

/** A comparison as one JSON object a line: each change, each phase's delay, each finding, and the rest as a summary. */
export function renderDiffLines({ changes, delays, findings, kind: _, ...rest }: DiffReport): string {
  return [
    ...changes.map((change) => ({ kind: "change", ...change })),
    ...delays.map((delay) => ({ kind: "delay", ...delay })),
    ...findings,
    { kind: "diff-summary", ...rest },
  ]
    .map((line) => `${jsonText(line)}\n`)
    .join("");
}
