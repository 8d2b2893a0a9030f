import type { DiffReport } from "../spine/diff-report.ts";
import type { Report } from "../spine/report.ts";
import { renderDiffLines } from "./diff-lines.ts";
import { renderDiffText } from "./diff-text.ts";
import { jsonText, renderJson } from "./json.ts";
import { type Paint, renderText } from "./text.ts";

export { DialogueLines } from "./dialogue-line.ts";
export { findingLine } from "./findings.ts";
export { conversationLine, exchangeLine, summaryLine } from "./ndjson.ts";
export { NDJSON_SCHEMA } from "./schema.ts";
export { type Paint, plain } from "./text.ts";

/**
 * Output formats. To add one: a file here with a render function, one line below; the command line
 * takes `-o` from this table. `ndjson` writes as it goes, so it has no render of the whole.
 */
export const FORMATS = {
  text: renderText,
  json: (report: Report, _paint: Paint) => renderJson(report),
  ndjson: null,
} as const;

export type FormatName = keyof typeof FORMATS;

/** The same for `smtpscope diff`. */
export const DIFF_FORMATS = {
  text: renderDiffText,
  json: (report: DiffReport, _paint: Paint) => `${jsonText(report, 2)}\n`,
  ndjson: (report: DiffReport, _paint: Paint) => renderDiffLines(report),
} as const;

export type DiffFormatName = keyof typeof DIFF_FORMATS;
