/** The observing process of a proxy, started by it: see relay/observer-process.ts. Its one argument is an ObserveRequest. */
import type { Order } from "../relay/facts.ts";
import { inheritedLink, sendCheckpoint } from "../relay/observer-end.ts";
import { FORMATS } from "../reports/index.ts";
import { type ColourChoice, paintFor } from "./colour.ts";
import { leave } from "./leave.ts";
import { Observer } from "./observer.ts";
import type { ReadRequest } from "./reading.ts";
import { askAgain, type ReaskRequest } from "./reask.ts";

export interface ObserveRequest extends ReadRequest {
  readonly format: "text" | "json";
  readonly color: ColourChoice;
  readonly reask: ReaskRequest;
}

/** How often the relay is given what there is, for a successor. */
const CHECKPOINT_MS = 1_000;

/** Lines for a reader who does not read are dropped beyond this. */
const MAX_UNREAD_BYTES = 1 << 20;

// The relay decides when it is over; what the terminal sends to the whole group is not for this process.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const)
  process.on(signal, () => {});

const request = JSON.parse(process.argv[2] ?? "{}") as ObserveRequest;
const link = inheritedLink();
let canPrint = true;
let observed = false;

// A terminal that is gone, a pager that was closed: what is recorded and logged goes on.
process.stdout.on("error", () => {
  canPrint = false;
});
process.stderr.on("error", () => {});

function print(text: string): void {
  if (canPrint && process.stdout.writableLength < MAX_UNREAD_BYTES) process.stdout.write(text);
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
      process.stderr.write(`smtpscope: ${order.text}\n`);
      break;
    case "rotate":
    case "finish":
      break;
  }
}

const observer = new Observer(request, { say: (line) => print(`${line}\n`), order: obey });

const timer = setInterval(() => {
  if (!observed) return;
  observed = false;
  const checkpoint = observer.checkpoint();
  if (checkpoint !== null && link.writable) sendCheckpoint(link, checkpoint);
}, CHECKPOINT_MS);

const reask = askAgain(request.reask, request.references, {
  found: (references) => observer.compareWith(references),
  failed: (why) => process.stderr.write(`smtpscope: ${why}\n`),
});

link.on("data", (chunk: Buffer) => {
  observed = true;
  observer.source.push(chunk);
});
link.on("error", () => finish());
link.on("end", () => finish());

let isOver = false;

function finish(): void {
  if (isOver) return;
  isOver = true;
  clearInterval(timer);
  reask?.stop();
  observer.source.end();
  print(summary());
  void leave(0);
}
