import { basename } from "node:path";
import type { Progress, ScreenEnd, ScreenHost } from "../screens/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { Report } from "../spine/report.ts";
import type { ColourChoice } from "./colour.ts";
import { EXIT } from "./exit.ts";
import { compileKeptFilter } from "./kept-filter.ts";
import { Reading, type ReadPart, type ReadRequest } from "./reading.ts";
import { redactAddresses } from "./redact.ts";
import { assemble } from "./report.ts";
import { saveDialogue } from "./save-dialogue.ts";
import { differences, readBaseline, saveExport } from "./screen-host.ts";
import { terminalOptions } from "./terminal.ts";
import { Watched } from "./watched.ts";

export interface ScreenRequest {
  readonly request: ReadRequest;
  /** As named by the operator; `-` is standard input. */
  readonly inputs: readonly string[];
  /** Files that are read by one reader, in order. */
  readonly groups: readonly (readonly string[])[];
  readonly color: ColourChoice;
  readonly ascii: boolean;
  /** Says what was wrong with the input. @returns the exit status */
  readonly conclude: (report: Report, parts: readonly ReadPart[]) => number;
}

/** Shows the screen while the input is read, and until it is quit. @returns the exit status */
export async function replayOnScreen(wanted: ScreenRequest): Promise<number> {
  const { showScreen } = await import("../screens/index.ts");
  const replay = new ScreenReplay(wanted);
  const close = new AbortController();
  const reading = replay.read().then(
    () => {
      // An input without anything to look at is said, not shown.
      if (!replay.usable) close.abort();
    },
    (error: unknown) => {
      close.abort();
      throw error;
    },
  );
  // What went wrong is thrown once the terminal is given back.
  reading.catch(() => {});
  const options = terminalOptions(wanted.color, wanted.ascii, process.env);
  const end = await showScreen(replay, { ...options, close: close.signal, canStop: true });
  replay.stop();
  await reading;
  return replay.finished ? replay.conclude(end) : statusOf(end);
}

function statusOf(end: ScreenEnd): number {
  switch (end.kind) {
    case "signal":
      return EXIT.signalled[end.signal] ?? EXIT.interrupted;
    case "gone":
      return EXIT.signalled.SIGHUP;
    default:
      return EXIT.done;
  }
}

class ScreenReplay implements ScreenHost {
  readonly compileFilter = compileKeptFilter;
  readonly differences = differences;
  readonly clock = null;
  readonly restart = null;
  readonly underneath = null;
  finished = false;
  readonly #wanted: ScreenRequest;
  readonly #watched: Watched;
  readonly #abort = new AbortController();
  readonly #reading: Reading;
  readonly #bytes = new Map<string, readonly [read: number, total: number]>();
  #parts: readonly ReadPart[] = [];
  #steps = 0;

  constructor(wanted: ScreenRequest) {
    this.#wanted = wanted;
    const { redact } = wanted.request;
    this.#watched = new Watched(redact ? redactAddresses : (text) => text);
    this.#reading = new Reading(wanted.request, {
      signal: this.#abort.signal,
      onProgress: (file, readBytes, totalBytes) => {
        this.#steps++;
        this.#bytes.set(file, [readBytes, totalBytes]);
      },
      write: () => {},
      watch: this.#watched.watch,
    });
  }

  async read(): Promise<void> {
    if (this.#wanted.inputs.includes("-")) await this.#reading.stream("-", process.stdin);
    for (const group of this.#wanted.groups) await this.#reading.group(group);
    this.#parts = [await this.#reading.finish(this.#reading.servers)];
    this.finished = !this.#abort.signal.aborted;
    this.#steps++;
  }

  stop(): void {
    this.#abort.abort();
    if (this.#wanted.inputs.includes("-")) process.stdin.destroy();
  }

  get usable(): boolean {
    return this.#report().totals.dialoguesSeen > 0;
  }

  conclude(end: ScreenEnd): number {
    const status = this.#wanted.conclude(this.#report(), this.#parts);
    return end.kind === "quit" || end.kind === "closed" ? status : statusOf(end);
  }

  version(): number {
    return this.#watched.version + this.#steps;
  }

  snapshot() {
    const { inputs } = this.#wanted;
    const source = inputs.length === 1 ? inputs[0]! : `${inputs.length} captures`;
    return {
      source: source === "-" ? "standard input" : basename(source),
      progress: this.#progress(),
      report: this.#report(),
      ...this.#watched.snapshot(),
    };
  }

  #report(): Report {
    const { request, inputs } = this.#wanted;
    return assemble(this.finished ? this.#parts : [this.#reading.soFar()], request, inputs);
  }

  #progress(): Progress {
    if (this.finished) return { kind: "done" };
    if (this.#wanted.inputs.includes("-")) return { kind: "live" };
    let [read, total] = [0, 0];
    for (const [readBytes, totalBytes] of this.#bytes.values()) {
      read += readBytes;
      total += totalBytes;
    }
    const share = total === 0 ? 0 : read / total / Math.max(1, this.#wanted.inputs.length / this.#bytes.size);
    return { kind: "reading", share: Math.min(1, share) };
  }

  async save(...[path, what]: Parameters<ScreenHost["save"]>): Promise<void> {
    await saveExport(path, what, (dialogue) => {
      const group = this.#wanted.groups.find((files) => files.includes(dialogue.file));
      if (group === undefined)
        throw new SmtpscopeError("output", "what came over a pipe cannot be read again: tee it into a file");
      return saveDialogue(path, dialogue, group, new Set(this.#wanted.request.ports));
    });
  }

  async baseline(path: string): Promise<Report> {
    return readBaseline(path, this.#wanted.request, this.#abort.signal);
  }
}
