import type { BeforeAfter } from "../spine/before-after.ts";
import type { DiffReport } from "../spine/diff-report.ts";
import type { Report } from "../spine/report.ts";
import { renderBeforeAfterText } from "./before-after-text.ts";
import { renderBeforeAfterLines, renderDiffLines } from "./diff-lines.ts";
import { renderDiffText } from "./diff-text.ts";
import { jsonText, renderJson } from "./json.ts";
import { type Paint, renderText } from "./text.ts";

export { DialogueLines } from "./dialogue-line.ts";
export { closingLines, conversationLine, exchangeLine } from "./ndjson.ts";
export { NDJSON_SCHEMA } from "./schema.ts";
export { type Paint, plain } from "./text.ts";
export { thresholdSentence } from "./threshold-text.ts";

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

/** The same for `smtpscope diff`, of both kinds. */
export const DIFF_FORMATS = {
  text: (report: DiffReport | BeforeAfter, paint: Paint) =>
    report.kind === "diff" ? renderDiffText(report, paint) : renderBeforeAfterText(report, paint),
  json: (report: DiffReport | BeforeAfter, _paint: Paint) => `${jsonText(report, 2)}\n`,
  ndjson: (report: DiffReport | BeforeAfter, _paint: Paint) =>
    report.kind === "diff" ? renderDiffLines(report) : renderBeforeAfterLines(report),
} as const;

export type DiffFormatName = keyof typeof DIFF_FORMATS;
