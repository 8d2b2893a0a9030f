import { writeFileSync } from "node:fs";
import { compareProfiles } from "../diff/before-after.ts";
import { type Period, periodOf, periodOfTimes } from "../diff/period.ts";
import { FORMATS, plain } from "../reports/index.ts";
import { compareReplies } from "../rewriting/compare/reply.ts";
import { showDifference } from "../rewriting/compare/show.ts";
import type { Export, ScreenHost } from "../screens/index.ts";
import type { BeforeAfter } from "../spine/before-after.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { KeptDialogue } from "../spine/kept.ts";
import { Reading, type ReadPart, type ReadRequest } from "./reading.ts";
import { looksLikeJson, savedReport } from "./saved-report.ts";
import { VERSION } from "./version.ts";

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

/** What is compared with: a saved report, or the times of a capture. */
export class Baseline {
  #before: Period | null = null;

  /** @param request what of a capture counts, as of what is shown */
  async read(path: string, request: ReadRequest): Promise<void> {
    this.#before = looksLikeJson(path) ? periodOf(savedReport(path)) : await periodOfCapture(path, request);
  }

  /** How what is shown differs from it; null while there is none. */
  against({ analysis }: ReadPart): BeforeAfter | null {
    if (this.#before === null) return null;
    const { phases, counts } = analysis;
    return compareProfiles(this.#before, periodOfTimes(phases, counts.dialogues), VERSION);
  }
}

async function periodOfCapture(path: string, request: ReadRequest): Promise<Period> {
  const { signal } = new AbortController();
  const hooks = { signal, onProgress: () => {}, write: () => {} };
  const reading = new Reading({ ...request, asItGoes: "nothing" }, hooks);
  await reading.group([path]);
  const { analysis, failures } = await reading.finish(reading.servers);
  const failure = failures[0];
  if (failure !== undefined) throw new SmtpscopeError(failure.code, failure.message);
  return periodOfTimes(analysis.phases, analysis.counts.dialogues);
}
