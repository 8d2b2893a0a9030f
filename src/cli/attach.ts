import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { ArgumentsCamelCase, Argv, InferredOptionTypes } from "yargs";
import { attachedLink } from "../relay/observer-end.ts";
import { closingLines, FORMATS } from "../reports/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { paintFor } from "./colour.ts";
import { complain } from "./complain.ts";
import { statusOf } from "./fail-on.ts";
import { LiveHost } from "./live-screen.ts";
import { Observer } from "./observer.ts";
import type { ReadRequest } from "./reading.ts";
import { askAgain, REASK_OPTIONS, reaskRequest } from "./reask.ts";
import { redactAddresses } from "./redact.ts";
import { REPORT_OPTIONS, refuseRepeated, reportRequest } from "./report-options.ts";
import { socketFolder } from "./socket-folder.ts";
import { SCREEN_OPTIONS, screenIsPossible, terminalOptions } from "./terminal.ts";
import { Watched } from "./watched.ts";

const OPTIONS = {
  format: {
    alias: "o",
    choices: ["text", "json", "ndjson"] as ("text" | "json" | "ndjson")[],
    default: "text" as "text" | "json" | "ndjson",
    requiresArg: true,
    describe: "A line a dialogue and a summary; only the summary as JSON; or everything as NDJSON",
  },
  quiet: { alias: "q", type: "boolean", default: false, describe: "No line for each dialogue" },
  ...SCREEN_OPTIONS,
  ...REPORT_OPTIONS,
  ...REASK_OPTIONS,
} as const;

export const ATTACH_OPTIONS: readonly string[] = Object.keys(OPTIONS);

type AttachArguments = ArgumentsCamelCase<
  InferredOptionTypes<typeof OPTIONS> & { socket: string | undefined }
>;

export function attachOptions(argv: Argv) {
  return argv
    .positional("socket", { type: "string", describe: "The proxy's socket; not needed while one proxy runs" })
    .options(OPTIONS);
}

/** @returns the exit status, when the proxy has ended or the operator has seen enough */
export async function attach(args: AttachArguments): Promise<number> {
  refuseRepeated(args, OPTIONS);
  const { format } = args;
  const asItGoes = format === "ndjson" ? "ndjson" : format === "text" && !args.quiet ? "lines" : "nothing";
  const request = await reportRequest(args, asItGoes);
  const path = args.socket ?? theOnlySocket();
  const shown = args.tui && screenIsPossible(args.format, undefined);
  const watched = shown ? new Watched(request.redact ? redactAddresses : null) : null;
  const observer = new Observer(request, {
    say: (line) => {
      if (!process.stdout.write(`${line}\n`)) link?.pause();
    },
    order: () => {},
    ...(watched === null ? {} : { watch: watched.watch, watched }),
  });
  // A reader that is slower than mail: the relay drops, and tells of it, what waits too long.
  let link: Duplex | null = null;
  process.stdout.on("drain", () => link?.resume());
  let end: (why: string) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const over = new Promise<string>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  const read = (chunk: Buffer) => {
    try {
      observer.source.push(chunk);
    } catch (error) {
      end(`${path}: ${(error as Error).message}`);
    }
  };
  link = await attachedLink(path, read).catch((error: NodeJS.ErrnoException) => {
    throw new SmtpscopeError(
      "usage",
      `cannot attach to ${path}: ${REASONS[error.code ?? ""] ?? error.message}`,
    );
  });
  const reask = askAgain(reaskRequest(args), request.references, {
    found: (references) => observer.compareWith(references),
    failed: complain,
  });
  const close = new AbortController();
  link.on("error", () => end("the connection to the proxy broke"));
  link.on("end", () => end("the proxy ended"));
  if (watched === null)
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => end(""));
  else showAttached(observer, watched, request, args, close.signal).then(() => end(""), fail);
  const why = await over;
  close.abort();
  link.destroy();
  if (why !== "") complain(why);
  reask?.stop();
  observer.source.end();
  const report = observer.report();
  const paint = paintFor(args.color, process.stdout.isTTY === true, process.env);
  process.stdout.write(format === "ndjson" ? closingLines(report) : FORMATS[format](report, paint));
  return statusOf(report, request.failOn);
}

async function showAttached(
  observer: Observer,
  watched: Watched,
  request: ReadRequest,
  { color, ascii }: Pick<AttachArguments, "color" | "ascii">,
  close: AbortSignal,
): Promise<void> {
  const { showScreen } = await import("../screens/index.ts");
  const host = new LiveHost(observer, watched, request, null);
  await showScreen(host, { ...terminalOptions(color, ascii, process.env), close, canStop: true });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such socket; is the proxy running?",
  ECONNREFUSED: "no proxy is there any more",
  EACCES: "only the user that runs the proxy may watch it",
};

function theOnlySocket(): string {
  const folder = socketFolder();
  const sockets = readdirSync(folder).filter((name) => name.endsWith(".sock"));
  if (sockets.length === 1) return join(folder, sockets[0]!);
  throw new SmtpscopeError(
    "usage",
    sockets.length === 0
      ? `no proxy offers a socket in ${folder}; name its socket: smtpscope attach PATH`
      : `several proxies run; name one: ${sockets.map((name) => join(folder, name)).join(", ")}`,
  );
}
