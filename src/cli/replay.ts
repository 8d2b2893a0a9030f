import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ArgumentsCamelCase, Argv, InferredOptionTypes } from "yargs";
import { groupRings } from "../capture/file/ring.ts";
import type { LiveStream } from "../capture/live/live-stream.ts";
import { closingLines, FORMATS, type FormatName } from "../reports/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { plural } from "../spine/format.ts";
import type { Report } from "../spine/report.ts";
import { captureUser, giveUpRoot } from "./capture-user.ts";
import { paintFor } from "./colour.ts";
import { complain } from "./complain.ts";
import { DASH } from "./dash.ts";
import { EXIT, EXIT_STATUSES } from "./exit.ts";
import { type FailOn, statusOf } from "./fail-on.ts";
import { type Output, openOutput } from "./output.ts";
import { readGroups } from "./pool.ts";
import { Progress } from "./progress.ts";
import { type ReadHooks, Reading, type ReadPart, type ReadRequest } from "./reading.ts";
import { SPEEDS } from "./replay-clock.ts";
import { assemble } from "./report.ts";
import { REPORT_OPTIONS, refuseRepeated, reportRequest } from "./report-options.ts";
import { SCREEN_OPTIONS, screenIsPossible } from "./terminal.ts";
import { parseInstant, parseLength } from "./times.ts";

const OPTIONS = {
  ...REPORT_OPTIONS,
  read: {
    alias: "r",
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: "A capture to read, like a plain argument; - is standard input",
  },
  interface: {
    alias: "i",
    type: "string",
    requiresArg: true,
    describe: "Capture from this interface, by tcpdump or dumpcap, and follow it",
  },
  "capture-filter": {
    alias: "f",
    type: "string",
    requiresArg: true,
    describe: "With -i: what to capture, in tcpdump's language [default: mail ports, DNS and ident]",
  },
  duration: {
    type: "string",
    requiresArg: true,
    describe: "With -i or -: end by itself after so long, e.g. 2h",
  },
  format: {
    alias: "o",
    choices: Object.keys(FORMATS) as FormatName[],
    default: "text" as FormatName,
    requiresArg: true,
    describe: "Result as text, one JSON report, or one JSON object a line as it goes",
  },
  output: { alias: "O", type: "string", requiresArg: true, describe: "Write the result to this file" },
  since: {
    type: "string",
    requiresArg: true,
    describe: "Only exchanges asked at or after this time (UTC unless it says otherwise)",
  },
  until: { type: "string", requiresArg: true, describe: "Only exchanges asked before this time" },
  ...SCREEN_OPTIONS,
  speed: {
    choices: SPEEDS,
    requiresArg: true,
    describe: "With --tui: show the capture as its time goes by, so much faster; max: all at once",
  },
  quiet: { alias: "q", type: "boolean", default: false, describe: "No progress bar" },
} as const;

export const REPLAY_OPTIONS: readonly string[] = Object.keys(OPTIONS);

type ReplayArguments = ArgumentsCamelCase<
  InferredOptionTypes<typeof OPTIONS> & { files: string[] | undefined }
>;

export function replayOptions(argv: Argv) {
  return argv
    .positional("files", {
      type: "string",
      array: true,
      describe: "Captures: pcap or pcapng, plain, gzip or zstd; folders; - for standard input",
    })
    .options(OPTIONS)
    .example("$0 replay mail.pcap", "How long did every reply take?")
    .example("tcpdump -U -s0 -w - port 25 | $0 replay -", "The same, while it happens")
    .example("$0 replay -i eth0", "The same, captured by itself")
    .example("$0 replay mail.pcap -Y 'phase==banner && dur>1s' -o ndjson", "Every late banner, for a program")
    .example("$0 replay ring*.pcap --by client", "Who waits most?")
    .epilogue(EXIT_STATUSES);
}

/** @returns the exit status */
export async function replay(args: ReplayArguments): Promise<number> {
  refuseRepeated(args, OPTIONS);
  const named = [...(args.read ?? []), ...(args.files ?? []), ...args._.slice(1).map(String)];
  const inputs = inputsOf(
    named.map((name) => (name === DASH ? "-" : name)),
    args.interface ?? null,
  );
  if (args.speed !== undefined) refuseTimeless(args, inputs);
  if (args.duration !== undefined && inputs.live === null) {
    throw new SmtpscopeError("usage", "--duration is for what has no end of its own: -i INTERFACE, or -");
  }
  if (args.captureFilter !== undefined && args.interface === undefined) {
    throw new SmtpscopeError("usage", "-f says what -i captures: add -i INTERFACE (-Y selects exchanges)");
  }
  const request = await requestOf(args, inputs.live !== null);
  const live = inputs.live === null ? null : await liveStream(args, request);
  if (args.tui && screenIsPossible(args.format, args.output)) return replayTui(args, inputs, live, request);
  const output = openOutput(args.output ?? null, inputs.files, args.format === "ndjson");
  const progress = new Progress(process.stderr.isTTY === true && !args.quiet && inputs.live === null);
  const interrupt = new AbortController();
  let interrupted = false;
  const onSignal = () => {
    if (interrupted) process.exit(EXIT.interrupted);
    interrupted = true;
    // The program that feeds a pipe gets the signal too and ends it properly; that end is waited for.
    if (live === null) interrupt.abort();
    else {
      live.stop();
      setTimeout(() => interrupt.abort(), PIPE_PATIENCE_MS).unref();
    }
  };
  const durationMs = args.duration === undefined ? null : parseLength(args.duration, "duration");
  const timer = durationMs === null ? null : setTimeout(() => live?.stop(), durationMs);
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    if (args.interface !== undefined && args.output === undefined) giveUpRoot();
    const hooks: ReadHooks = {
      signal: interrupt.signal,
      onProgress: (file, readBytes, totalBytes) => progress.update(file, readBytes, totalBytes),
      write: (lines) => {
        progress.clear();
        return output.write(lines);
      },
    };
    const parts = await readInputs(inputs, live, request, hooks);
    progress.clear();
    const status = await conclude(parts, request, inputs.files, args, output);
    return interrupted && inputs.live === null ? EXIT.interrupted : status;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    if (timer !== null) clearTimeout(timer);
    progress.clear();
    output.close();
  }
}

function refuseTimeless(args: ReplayArguments, inputs: Inputs): void {
  const why = !args.tui
    ? "is for the screen: add --tui"
    : inputs.live !== null
      ? "needs a file: what is captured meanwhile comes at its own pace"
      : groupsOf(inputs).length > 1
        ? "needs one capture, or the files of one ring: several have no common time"
        : null;
  if (why !== null) throw new SmtpscopeError("usage", `--speed ${why}`);
}

async function replayTui(
  args: ReplayArguments,
  inputs: Inputs,
  live: LiveStream | null,
  request: ReadRequest,
): Promise<number> {
  const { replayOnScreen } = await import("./replay-screen.ts");
  return replayOnScreen({
    // A screen has room for who waits most.
    request: { ...request, by: request.by ?? "client", asItGoes: "nothing" },
    inputs: inputs.files,
    live,
    groups: groupsOf(inputs),
    color: args.color,
    ascii: args.ascii,
    speed: args.speed ?? null,
    conclude: (report, parts) => verdict(report, parts, inputs.files, request.failOn),
  });
}

const PIPE_PATIENCE_MS = 2_000;

interface Inputs {
  /** As named by the operator, folders replaced by what is in them. */
  readonly files: readonly string[];
  /** Which of them is no file: `-`, or an interface. */
  readonly live: string | null;
}

/** Standard input, or an interface that is captured from. */
async function liveStream(
  { interface: name, captureFilter: filter }: ReplayArguments,
  { ports }: ReadRequest,
): Promise<LiveStream> {
  if (name !== undefined) {
    const { captureFilters, tap } = await import("../capture/live/tap.ts");
    return tap(name, filter === undefined ? captureFilters(ports) : [filter], captureUser());
  }
  // Whoever feeds it ends it.
  return { name: "-", stream: process.stdin, dropped: () => 0, stop: () => {} };
}

async function readInputs(
  inputs: Inputs,
  live: LiveStream | null,
  request: ReadRequest,
  hooks: ReadHooks,
): Promise<ReadPart[]> {
  const groups = groupsOf(inputs);
  if (live === null) return readGroups(groups, request, hooks);
  const reading = new Reading(request, hooks);
  await reading.stream(live);
  for (const group of groups) await reading.group(group);
  return [await reading.finish(reading.servers)];
}

/** Files that one reader reads, in order. */
function groupsOf(inputs: Inputs): (readonly string[])[] {
  const files = inputs.files.filter((file) => file !== inputs.live);
  return files.length < 2 ? [files] : groupRings(files);
}

async function conclude(
  parts: readonly ReadPart[],
  request: ReadRequest,
  order: readonly string[],
  args: ReplayArguments,
  output: Output,
): Promise<number> {
  const report = assemble(parts, request, order);
  const usable = report.totals.dialoguesSeen > 0;
  if (args.format === "ndjson") await output.write(closingLines(report));
  else if (args.format === "json" || usable) {
    await output.write(FORMATS[args.format](report, paintFor(args.color, output.isTerminal, process.env)));
  }
  return verdict(report, parts, order, request.failOn);
}

/** Says what was wrong with the input. @returns the exit status */
function verdict(
  report: Report,
  parts: readonly ReadPart[],
  order: readonly string[],
  failOn: FailOn,
): number {
  const usable = report.totals.dialoguesSeen > 0;
  const failures = parts.flatMap((part) => part.failures);
  for (const { message } of failures) complain(message);
  let damaged = false;
  for (const { file, damage } of report.source.files) {
    if (damage === null) continue;
    damaged = true;
    complain(
      `${file} is ${damage.kind} at byte ${damage.offsetBytes}: ${damage.what}; all before it was read`,
    );
  }
  if (!usable && report.source.files.length > 0) {
    const { packets, connections } = report.totals;
    complain(
      `no SMTP in ${order.length === 1 ? order[0] : `${order.length} files`} (${plural(packets, "packet")}, ${plural(connections, "TCP connection")})` +
        `${connections > 0 ? "; if mail is served there on an unusual port, name it with -p" : ""}`,
    );
  }
  if (damaged) return EXIT.damaged;
  if (!usable) return EXIT.nothingUsable;
  if (failures.length > 0) return EXIT.damaged;
  return statusOf(report, failOn);
}

async function requestOf(args: ReplayArguments, isStream: boolean): Promise<ReadRequest> {
  const sinceAtUs = args.since === undefined ? null : parseInstant(args.since, "since");
  const untilAtUs = args.until === undefined ? null : parseInstant(args.until, "until");
  if (sinceAtUs !== null && untilAtUs !== null && sinceAtUs >= untilAtUs) {
    throw new SmtpscopeError("usage", "--since is not before --until: there is no time in between");
  }
  const lines = args.format === "text" && isStream && args.output === undefined;
  const asItGoes = args.format === "ndjson" ? "ndjson" : lines ? "lines" : "nothing";
  return { ...(await reportRequest(args, asItGoes)), sinceAtUs, untilAtUs };
}

function inputsOf(named: readonly string[], interfaceName: string | null): Inputs {
  if (interfaceName !== null) {
    if (named.length === 0) return { files: [interfaceName], live: interfaceName };
    throw new SmtpscopeError("usage", "-i captures by itself: name no captures to read beside it");
  }
  if (named.length === 0) {
    throw new SmtpscopeError(
      "usage",
      "replay needs a capture to read: smtpscope replay FILE, - for standard input, or -i INTERFACE",
    );
  }
  const files = eachOnce(named.flatMap((name) => (isFolder(name) ? capturesIn(name) : [name])));
  const live = files.includes("-") ? "-" : null;
  if (named.filter((name) => name === "-").length > 1)
    throw new SmtpscopeError("usage", "standard input (-) can be read only once");
  if (live !== null && process.stdin.isTTY) {
    throw new SmtpscopeError(
      "usage",
      "standard input is the terminal: pipe a capture into it, e.g. tcpdump -U -w - port 25 | smtpscope replay -",
    );
  }
  return { files, live };
}

/** A file that is named twice, or lies in a folder that is named too, is one capture. */
function eachOnce(files: readonly string[]): string[] {
  const seen = new Set<string>();
  return files.filter((file) => {
    const id = file === "-" ? file : identityOf(file);
    if (id === null) return true;
    const isNew = !seen.has(id);
    seen.add(id);
    return isNew;
  });
}

function identityOf(file: string): string | null {
  try {
    const { dev, ino } = statSync(file);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

export function isFolder(name: string): boolean {
  if (name === "-") return false;
  try {
    return statSync(name).isDirectory();
  } catch {
    // Whatever is wrong with it is said when it is read.
    return false;
  }
}

export function capturesIn(folder: string): string[] {
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(pcap|pcapng|cap|ntar|trace)\d*(\.gz|\.zst)?$/i.test(entry.name))
    .map(({ name }) => join(folder, name))
    .sort();
  if (files.length === 0)
    throw new SmtpscopeError("unreadable", `${folder} is a folder without captures (*.pcap, *.pcapng)`);
  return files;
}
