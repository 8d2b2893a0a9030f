import type { Report } from "../spine/report.ts";

/** The whole report, for programs; its shape is Report's, versioned by `schema`. */
export function renderJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
