import { Capture } from "../capture/capture.ts";
import { Dialogues } from "../dialogue/dialogues.ts";
import type { CapturedSide } from "../diff/diff.ts";
import { type Period, PeriodRecorder, periodOf } from "../diff/period.ts";
import { DialogueRecorder } from "../diff/recorder.ts";
import type { DialogueListener } from "../spine/conversation.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { FileFrames } from "../spine/files.ts";
import type { FileView } from "../spine/report.ts";
import type { SourceSink } from "../spine/wire.ts";
import { DASH } from "./dash.ts";
import type { Progress } from "./progress.ts";
import { capturesIn, isFolder } from "./replay.ts";
import { looksLikeJson, savedReport } from "./saved-report.ts";

/** What a comparison reads: captures, each side's files continuing one another, and saved reports. */

export interface DiffReading {
  readonly ports: ReadonlySet<number>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** @throws SmtpscopeError */
export function filesOf(name: string): string[] {
  if (name === DASH) throw new SmtpscopeError("usage", "diff reads files: name two captures, not -");
  return isFolder(name) ? capturesIn(name) : [name];
}

export async function readSide(files: readonly string[], reading: DiffReading): Promise<CapturedSide> {
  let frames = new FileFrames();
  const recorder = new DialogueRecorder(() => frames);
  const { capture, views } = await read(files, reading, recorder, true, (dialogues, made) => {
    frames = made.frames;
    return recorder.tee(dialogues);
  });
  const { dialogues, leftOut } = recorder;
  if (dialogues.length === 0) throw noSmtp(files);
  const { packets, firstAtUs, lastAtUs } = capture.counts;
  return { dialogues, leftOut, frames: capture.frames, files: views, packets, firstAtUs, lastAtUs };
}

/** @returns what became of the files as well; none for a saved report */
export async function readPeriod(
  files: readonly string[],
  reading: DiffReading,
): Promise<{ period: Period; files: readonly FileView[] }> {
  const [first] = files;
  if (files.length === 1 && first !== undefined && looksLikeJson(first))
    return { period: periodOf(savedReport(first)), files: [] };
  const recorder = new PeriodRecorder();
  const { views } = await read(files, reading, recorder, false, (dialogues) => dialogues);
  if (recorder.period.dialogues === 0) throw noSmtp(files);
  return { period: recorder.period, files: views };
}

function noSmtp(files: readonly string[]): SmtpscopeError {
  return new SmtpscopeError("nothing-usable", `no SMTP in ${files.join(", ")}; is it on another port (-p)?`);
}

async function read(
  files: readonly string[],
  { ports, progress, signal }: DiffReading,
  listener: DialogueListener,
  digests: boolean,
  through: (dialogues: SourceSink, capture: { readonly frames: FileFrames }) => SourceSink,
): Promise<{ capture: Capture; views: FileView[] }> {
  const dialogues = new Dialogues(listener, { ports, copiesPossible: true, digests });
  let sink: SourceSink = dialogues;
  const capture = new Capture(
    { open: (transport) => sink.open(transport), tick: (at) => sink.tick(at) },
    ports,
  );
  sink = through(dialogues, capture);
  const views: FileView[] = [];
  for (const file of files) {
    const onProgress = (readBytes: number, totalBytes: number) =>
      progress.update(file, readBytes, totalBytes);
    const outcome = await capture.readFile(file, { onProgress, signal });
    const { format, compression, bytes, damage, nanoseconds } = outcome;
    views.push({ file, format, compression, bytes, damage, nanoseconds, interrupted: signal.aborted });
  }
  capture.end();
  return { capture, views };
}
