import type { ArgumentsCamelCase, Argv, InferredOptionTypes } from "yargs";
import { MAIL_PORTS } from "../capture/stream/streams.ts";
import { compareProfiles } from "../diff/before-after.ts";
import { diffCaptures } from "../diff/diff.ts";
import { DIFF_FORMATS, type DiffFormatName } from "../reports/index.ts";
import type { BeforeAfter, Verdict } from "../spine/before-after.ts";
import type { DiffReport } from "../spine/diff-report.ts";
import type { FileView } from "../spine/report.ts";
import { paintFor } from "./colour.ts";
import { complain } from "./complain.ts";
import { type DiffReading, filesOf, readPeriod, readSide } from "./diff-input.ts";
import { EXIT } from "./exit.ts";
import { openOutput } from "./output.ts";
import { Progress } from "./progress.ts";
import { redactAddresses } from "./redact.ts";
import { portsOf, REPORT_OPTIONS, refuseRepeated } from "./report-options.ts";
import { VERSION } from "./version.ts";

/** `smtpscope diff`: two captures of the same path, or what was before a change and what after it. */

const { port, redact, color } = REPORT_OPTIONS;

const OPTIONS = {
  "before-after": {
    type: "boolean",
    default: false,
    describe: "Compare times, banners and keywords of two periods; saved -o json reports will do",
  },
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
    describe: "End with status 1 if something was changed, held or seen on one side only, or a phase differs",
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
      describe: "Capture behind the firewall, or of before; a file or a folder",
    })
    .positional("outside", {
      type: "string",
      demandOption: true,
      describe: "Capture in front of it, or of after",
    })
    .options(OPTIONS)
    .example("$0 diff inside.pcap outside.pcap", "What did the firewall change?")
    .example("$0 diff --before-after monday.json tuesday.pcap", "Did it become slower?");
}

interface Result {
  readonly report: DiffReport | BeforeAfter;
  readonly files: readonly FileView[];
  readonly differs: boolean;
  /** The two cannot be compared; why. */
  readonly nothing: string | null;
}

/** @returns the exit status */
export async function diff(args: DiffArguments): Promise<number> {
  refuseRepeated(args, OPTIONS);
  const ports = new Set([...MAIL_PORTS, ...portsOf(args.port ?? [])]);
  const named = [filesOf(args.inside), filesOf(args.outside)] as const;
  const output = openOutput(args.output ?? null, named.flat(), false);
  const progress = new Progress(process.stderr.isTTY === true && !args.quiet);
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    const reading = { ports, progress, signal: interrupt.signal };
    const result = await (args.beforeAfter
      ? comparePeriods(named, reading)
      : compareSides(named, reading, args));
    progress.clear();
    if (interrupt.signal.aborted) return EXIT.interrupted;
    await output.write(
      DIFF_FORMATS[args.format](result.report, paintFor(args.color, output.isTerminal, process.env)),
    );
    const damaged = complainOfDamage(result.files);
    if (result.nothing !== null) {
      complain(result.nothing);
      return EXIT.nothingUsable;
    }
    if (damaged) return EXIT.damaged;
    return args.exitCode && result.differs ? EXIT.found : EXIT.done;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    progress.clear();
    output.close();
  }
}

async function compareSides(
  [a, b]: readonly [readonly string[], readonly string[]],
  reading: DiffReading,
  args: DiffArguments,
): Promise<Result> {
  const inside = await readSide(a, reading);
  const outside = await readSide(b, reading);
  const report = diffCaptures(inside, outside, {
    version: VERSION,
    redact: args.redact ? redactAddresses : (text) => text,
  });
  const only = report.inside.only.dialogues + report.outside.only.dialogues;
  const counts = `${inside.dialogues.length} and ${outside.dialogues.length} SMTP dialogues`;
  return {
    report,
    files: [...inside.files, ...outside.files],
    differs: report.changes.length > 0 || report.delays.some(({ held }) => held > 0) || only > 0,
    nothing:
      report.matched.dialogues > 0
        ? null
        : `${args.inside} and ${args.outside} have no dialogue in common (${counts})`,
  };
}

async function comparePeriods(
  [a, b]: readonly [readonly string[], readonly string[]],
  reading: DiffReading,
): Promise<Result> {
  const before = await readPeriod(a, reading);
  const after = await readPeriod(b, reading);
  const report = compareProfiles(before.period, after.period, VERSION);
  const texts = [...(report.banners ?? []), ...(report.keywords ?? [])];
  const differs = report.phases.some(({ verdict }) => DIFFERENT.has(verdict));
  return {
    report,
    files: [...before.files, ...after.files],
    differs: differs || texts.length > 0,
    nothing: null,
  };
}

/** A phase that is there on one side only may be one RSET. */
const DIFFERENT: ReadonlySet<Verdict> = new Set(["slower", "faster", "different"]);

function complainOfDamage(files: readonly FileView[]): boolean {
  for (const { file, damage } of files) {
    if (damage === null) continue;
    complain(
      `${file} is ${damage.kind} at byte ${damage.offsetBytes}: ${damage.what}; all before it was read`,
    );
  }
  return files.some(({ damage }) => damage !== null);
}
