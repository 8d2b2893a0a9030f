import { readFileSync, writeFileSync } from "node:fs";
import { FORMATS, plain } from "../reports/index.ts";
import { compareReplies } from "../rewriting/compare/reply.ts";
import { showDifference } from "../rewriting/compare/show.ts";
import type { Export, ScreenHost } from "../screens/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { KeptDialogue } from "../spine/kept.ts";
import type { Report } from "../spine/report.ts";
import { Reading, type ReadRequest } from "./reading.ts";
import { assemble } from "./report.ts";

/** What every screen asks of the program, wherever its numbers come from. */

/** Writes what was asked for. @param captured how a dialogue comes to be a capture */
export function saveExport(
  path: string,
  what: Export,
  captured: (dialogue: KeptDialogue) => Promise<void>,
): void | Promise<void> {
  switch (what.kind) {
    case "text":
      return writeNew(path, what.text);
    case "report":
      return writeNew(path, FORMATS[what.format](what.report, plain));
    case "capture":
      return captured(what.dialogue);
  }
}

/** Nothing is overwritten: a name on the screen is quickly given twice. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "EEXIST" ? "it exists; choose another name" : message;
    throw new SmtpscopeError("output", `cannot write ${path}: ${why}`);
  }
}

export const differences: ScreenHost["differences"] = (before, after, toEhlo) =>
  compareReplies(before, after, toEhlo).map((difference) => {
    const shown = showDifference(difference.before, difference.after);
    return {
      changes: difference.changes,
      before: difference.before === null ? null : shown.before,
      beforeMarks: shown.beforeMarks,
      after: difference.after === null ? null : shown.after,
      afterMarks: shown.afterMarks,
    };
  });

/** A report that was written as JSON, or that of a capture. */
export async function readBaseline(path: string, request: ReadRequest, signal: AbortSignal): Promise<Report> {
  const report = readReport(path);
  if (report !== null) return report;
  const reading = new Reading(
    { ...request, asItGoes: "nothing" },
    { signal, onProgress: () => {}, write: () => {} },
  );
  await reading.group([path]);
  const part = await reading.finish(reading.servers);
  const failure = part.failures[0];
  if (failure !== undefined) throw new SmtpscopeError(failure.code, failure.message);
  return assemble([part], request, [path]);
}

/** A report that was written as JSON; null when the file is something else. */
function readReport(path: string): Report | null {
  try {
    const head = readFileSync(path, { flag: "r" });
    if (head[0] !== 0x7b) return null;
    const report = JSON.parse(head.toString("utf8")) as Partial<Report>;
    return report.kind === "report" && report.schema === 1 && Array.isArray(report.phases)
      ? (report as Report)
      : null;
  } catch {
    return null;
  }
}
