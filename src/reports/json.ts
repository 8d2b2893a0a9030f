import type { Report } from "../spine/report.ts";

/** The whole report, for programs; its shape is Report's, versioned by `schema`. */
export function renderJson(report: Report): string {
  return `${jsonText(report, 2)}\n`;
}

/** What JSON may hold raw although it acts on a terminal: C1, bidi controls, zero widths, tags. */
const ACTS =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** JSON in which nothing acts on a terminal; a program that parses it gets the same strings. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(ACTS, (text) =>
    Array.from(
      { length: text.length },
      (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
