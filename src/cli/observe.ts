/** The observing process of a proxy, started by it: see relay/observer-process.ts. It is given an ObserveRequest. */
import { closeSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Order } from "../relay/facts.ts";
import { inheritedLink, REQUEST_FD, sendCheckpoint } from "../relay/observer-end.ts";
import { FORMATS } from "../reports/index.ts";
import { escapeText } from "../spine/text.ts";
import { asItGoes, both } from "./as-it-goes.ts";
import { type ColourChoice, paintFor } from "./colour.ts";
import { EXIT } from "./exit.ts";
import { statusOf } from "./fail-on.ts";
import type { FileRequest } from "./file-options.ts";
import { leave } from "./leave.ts";
import { LiveHost } from "./live-screen.ts";
import { Observer } from "./observer.ts";
import type { ReadRequest } from "./reading.ts";
import { askAgain, type ReaskRequest } from "./reask.ts";
import { redactAddresses } from "./redact.ts";
import { terminalOptions } from "./terminal.ts";
import { neverWaitFor } from "./unwaited.ts";
import { Watched } from "./watched.ts";
import { WrittenFiles } from "./written-files.ts";

export interface ObserveRequest extends ReadRequest {
  readonly format: "text" | "json";
  readonly color: ColourChoice;
  readonly reask: ReaskRequest;
  /** Show a screen, while there is a terminal. */
  readonly screen: { readonly ascii: boolean } | null;
  readonly files: FileRequest;
  /** What is observed, in a sentence. */
  readonly about: string;
}

/** How often the relay is given what there is, for a successor. */
const CHECKPOINT_MS = 1_000;

/** Lines for a reader who does not read are dropped beyond this. */
const MAX_UNREAD_BYTES = 1 << 20;

// The relay decides when it is over; what the terminal sends to the whole group is not for this process.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const)
  process.on(signal, () => {});

const request = JSON.parse(readFileSync(REQUEST_FD, "utf8")) as ObserveRequest;
closeSync(REQUEST_FD);
neverWaitFor(process.stdout, process.stderr);
let canPrint = true;
let observed = false;
let isOver = false;

// A terminal that is gone, a pager that was closed: what is recorded and logged goes on.
process.stdout.on("error", () => {
  canPrint = false;
});
process.stderr.on("error", () => {});

function print(text: string): void {
  if (canPrint && sayOnScreen === null && process.stdout.writableLength < MAX_UNREAD_BYTES)
    process.stdout.write(text);
}

function tell(sentence: string): void {
  if (sayOnScreen !== null) sayOnScreen(sentence);
  else if (process.stderr.writableLength < MAX_UNREAD_BYTES)
    process.stderr.write(`smtpscope: ${escapeText(sentence)}\n`);
}

function summary(): string {
  const paint = paintFor(request.color, process.stdout.isTTY === true, process.env);
  return FORMATS[request.format](observer.report(), paint);
}

function obey(order: Order): void {
  switch (order.kind) {
    case "interim":
      print(summary());
      break;
    case "say":
      tell(order.text);
      break;
    case "rotate":
      files.rotate();
      break;
    case "finish":
      break;
  }
}

/** Says something on the screen, while there is one. */
let sayOnScreen: ((text: string) => void) | null = null;
const closeScreen = new AbortController();
const redact = request.redact ? redactAddresses : (text: string) => text;
const watched = request.screen === null ? null : new Watched(request.redact ? redactAddresses : null);
const lines = asItGoes(request.asItGoes, redact, (line) => print(`${line}\n`));

const files = new WrittenFiles(
  request.files,
  request.about,
  (frame) => observer.source.frames.uncertaintyUs(frame),
  tell,
);
const observer: Observer = new Observer(request, {
  say: (line) => print(`${line}\n`),
  order: obey,
  files,
  ...(watched === null ? {} : { watch: both(watched.watch, lines), watched }),
});

/** The screen is shown; when it is left, lines are printed as without it. */
async function showScreenOn(watched: Watched, ascii: boolean): Promise<void> {
  const { showScreen } = await import("../screens/index.ts");
  const underneath = {
    what: "A proxy",
    // As if the operator had ended it: no new connections, those there may end, a summary.
    end: () => process.kill(process.ppid, "SIGTERM"),
  };
  const host = new LiveHost(observer, watched, request, underneath);
  const onShown = (say: (text: string) => void) => {
    sayOnScreen = say;
  };
  const options = terminalOptions(request.color, ascii, process.env);
  try {
    await showScreen(host, { ...options, close: closeScreen.signal, canStop: false, onShown });
  } catch (error) {
    // What is wrong with the screen is no reason to lose what is observed.
    sayOnScreen = null;
    tell(`the screen failed: ${(error as Error).message}`);
  }
  sayOnScreen = null;
  if (!isOver) print("smtpscope: the proxy goes on without a screen; Ctrl-C ends it\n");
}

const link = inheritedLink((chunk) => {
  observed = true;
  observer.source.push(chunk);
  if (observer.source.isWaiting) link.pause();
});
files.onCaughtUp = () => {
  observer.source.goOn();
  if (!observer.source.isWaiting) link.resume();
};

const timer = setInterval(() => {
  if (!observed) return;
  observed = false;
  const checkpoint = observer.checkpoint();
  if (checkpoint !== null && link.writable) sendCheckpoint(link, checkpoint);
}, CHECKPOINT_MS);

const reask = askAgain(request.reask, request.references, {
  found: (references) => observer.compareWith(references),
  failed: tell,
});

link.on("error", () => void finish());
link.on("end", () => void finish());

const screen =
  request.screen !== null && watched !== null ? showScreenOn(watched, request.screen.ascii) : null;

/** A disk that does not answer must not cost the summary. */
const FILES_PATIENCE_MS = 10_000;

async function finish(): Promise<void> {
  if (isOver) return;
  isOver = true;
  // Unhandled it would end in status 1, which tells of what was found.
  const status = await conclude().catch((error: Error) => {
    tell(`internal error: ${error.message}; this is a defect of smtpscope`);
    return EXIT.internal;
  });
  void leave(status);
}

/** @returns the exit status */
async function conclude(): Promise<number> {
  closeScreen.abort();
  await screen;
  clearInterval(timer);
  reask?.stop();
  observer.source.end();
  await Promise.race([files.close(observer.report()), sleep(FILES_PATIENCE_MS)]);
  print(summary());
  return statusOf(observer.report(), request.failOn);
}
