import type { ArgumentsCamelCase, Argv, InferredOptionTypes } from "yargs";
import { Capture } from "../capture/capture.ts";
import { MAIL_PORTS } from "../capture/stream/streams.ts";
import { Dialogues } from "../dialogue/dialogues.ts";
import { type CapturedSide, diffCaptures } from "../diff/diff.ts";
import { DialogueRecorder } from "../diff/recorder.ts";
import { DIFF_FORMATS, type DiffFormatName } from "../reports/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { FileFrames } from "../spine/files.ts";
import type { FileView } from "../spine/report.ts";
import { paintFor } from "./colour.ts";
import { complain } from "./complain.ts";
import { EXIT } from "./exit.ts";
import { openOutput } from "./output.ts";
import { Progress } from "./progress.ts";
import { redactAddresses } from "./redact.ts";
import { capturesIn, isFolder } from "./replay.ts";
import { portsOf, REPORT_OPTIONS, refuseRepeated } from "./report-options.ts";
import { VERSION } from "./version.ts";

/** `smtpscope diff`: two captures of the same path, or of two times. */

export const DIFF = "diff <inside> <outside>";
export const DIFF_HELP = "Compare two captures: what a firewall between them changed and how long it held it";

const { port, redact, color } = REPORT_OPTIONS;

const OPTIONS = {
  port,
  format: {
    alias: "o",
    choices: Object.keys(DIFF_FORMATS) as DiffFormatName[],
    default: "text" as DiffFormatName,
    requiresArg: true,
    describe: "Result as text, one JSON object, or one JSON object a line",
  },
  output: { alias: "O", type: "string", requiresArg: true, describe: "Write the result to this file" },
  "exit-code": {
    type: "boolean",
    default: false,
    describe: "End with status 1 if something was changed, held or seen on one side only",
  },
  redact,
  color,
  quiet: { alias: "q", type: "boolean", default: false, describe: "No progress bar" },
} as const;

export const DIFF_OPTIONS: readonly string[] = Object.keys(OPTIONS);

type DiffArguments = ArgumentsCamelCase<
  InferredOptionTypes<typeof OPTIONS> & { inside: string; outside: string }
>;

export function diffOptions(argv: Argv) {
  return argv
    .positional("inside", {
      type: "string",
      demandOption: true,
      describe: "Capture behind the firewall, or a folder",
    })
    .positional("outside", { type: "string", demandOption: true, describe: "Capture before it" })
    .options(OPTIONS)
    .example("$0 diff inside.pcap outside.pcap", "What did the firewall change?");
}

/** @returns the exit status */
export async function diff(args: DiffArguments): Promise<number> {
  refuseRepeated(args, OPTIONS);
  const ports = new Set([...MAIL_PORTS, ...portsOf(args.port ?? [])]);
  const named = [filesOf(args.inside), filesOf(args.outside)] as const;
  const output = openOutput(args.output ?? null, named.flat(), false);
  const progress = new Progress(process.stderr.isTTY === true && !args.quiet);
  try {
    const inside = await readSide(named[0], ports, progress);
    const outside = await readSide(named[1], ports, progress);
    progress.clear();
    const report = diffCaptures(inside, outside, {
      version: VERSION,
      redact: args.redact ? redactAddresses : (text) => text,
    });
    await output.write(
      DIFF_FORMATS[args.format](report, paintFor(args.color, output.isTerminal, process.env)),
    );
    const damaged = complainOfDamage([...inside.files, ...outside.files]);
    if (report.matched.dialogues === 0) {
      complain(
        `${args.inside} and ${args.outside} have no dialogue in common ` +
          `(${inside.dialogues.length} and ${outside.dialogues.length} SMTP dialogues)`,
      );
      return EXIT.nothingUsable;
    }
    if (damaged) return EXIT.damaged;
    const only = report.inside.only.dialogues + report.outside.only.dialogues;
    const differs = report.changes.length > 0 || report.findings.length > 0 || only > 0;
    return args.exitCode && differs ? EXIT.found : EXIT.done;
  } finally {
    progress.clear();
    output.close();
  }
}

function filesOf(name: string): string[] {
  return isFolder(name) ? capturesIn(name) : [name];
}

/** A side's files continue one another. */
async function readSide(
  files: readonly string[],
  ports: ReadonlySet<number>,
  progress: Progress,
): Promise<CapturedSide> {
  let frames = new FileFrames();
  const recorder = new DialogueRecorder(() => frames);
  const dialogues = new Dialogues(recorder, { ports, copiesPossible: true, digests: true });
  const capture = new Capture(recorder.tee(dialogues), ports);
  frames = capture.frames;
  const views: FileView[] = [];
  for (const file of files) {
    const onProgress = (readBytes: number, totalBytes: number) =>
      progress.update(file, readBytes, totalBytes);
    const { format, compression, bytes, damage, nanoseconds } = await capture.readFile(file, { onProgress });
    views.push({ file, format, compression, bytes, damage, nanoseconds, interrupted: false });
  }
  capture.end();
  if (recorder.dialogues.length === 0)
    throw new SmtpscopeError("nothing-usable", `no SMTP in ${files.join(", ")}; is it on another port (-p)?`);
  const { packets, firstAtUs, lastAtUs } = capture.counts;
  const { dialogues: recorded, leftOut } = recorder;
  return { dialogues: recorded, leftOut, frames, files: views, packets, firstAtUs, lastAtUs };
}

function complainOfDamage(files: readonly FileView[]): boolean {
  for (const { file, damage } of files) {
    if (damage === null) continue;
    complain(
      `${file} is ${damage.kind} at byte ${damage.offsetBytes}: ${damage.what}; all before it was read`,
    );
  }
  return files.some(({ damage }) => damage !== null);
}
