import { basename } from "node:path";
import type { Progress, ScreenEnd, ScreenHost, Speed } from "../screens/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { Report } from "../spine/report.ts";
import type { ColourChoice } from "./colour.ts";
import { EXIT } from "./exit.ts";
import { compileKeptFilter } from "./kept-filter.ts";
import type { ReadPart } from "./reading.ts";
import { CaptureClock } from "./replay-clock.ts";
import { Pass, type PassRequest } from "./replay-pass.ts";
import { saveDialogue } from "./save-dialogue.ts";
import { Baseline, differences, saveExport } from "./screen-host.ts";
import { terminalOptions } from "./terminal.ts";

export interface ScreenRequest extends PassRequest {
  readonly color: ColourChoice;
  readonly ascii: boolean;
  /** How fast it is replayed in time; null: all at once. */
  readonly speed: Speed | null;
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
      if (replay.usable) return replay.replayInTime();
      close.abort();
      return undefined;
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
  return replay.conclude(end);
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
  readonly underneath = null;
  readonly clock: CaptureClock | null;
  readonly restart: (() => void) | null;
  readonly #baseline = new Baseline();
  readonly #wanted: ScreenRequest;
  /** Reads everything at once, for what can be said only then: where the time ends, what was wrong. */
  readonly #survey: Pass;
  #shown: Pass;
  /** Versions of what was shown before. */
  #earlierVersion = 0;
  #seenAtUs = 0;
  #isStopped = false;
  #isInTime = false;
  #wake = () => {};

  constructor(wanted: ScreenRequest) {
    this.#wanted = wanted;
    this.#survey = new Pass(wanted, null);
    // Several captures have no common time to be replayed in.
    const canReplay = wanted.groups.length === 1 && wanted.live === null;
    const clock = canReplay ? new CaptureClock(wanted.speed ?? "max", () => this.#rewind()) : null;
    this.clock = clock;
    this.restart = clock === null ? null : () => clock.seek(clock.firstAtUs);
    this.#isInTime = clock !== null && clock.speed !== "max";
    this.#shown = this.#isInTime ? new Pass(wanted, clock) : this.#survey;
  }

  async read(): Promise<void> {
    await this.#survey.read();
    const { window, findings } = this.#survey.report();
    if (window.firstAtUs === null || window.lastAtUs === null) return;
    const marks = findings.flatMap(({ evidence }) => evidence.map(({ atUs }) => atUs));
    const known = [...new Set(marks)].filter((atUs) => atUs !== null).sort((a, b) => a - b);
    this.clock?.know(window.firstAtUs, window.lastAtUs, known);
  }

  /** Shows the capture as its time goes by, again from its start whenever time is set back, until stopped. */
  async replayInTime(): Promise<void> {
    const { clock } = this;
    if (clock === null) return;
    let read: Pass = this.#survey;
    while (!this.#isStopped) {
      if (this.#shown === read) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      read = this.#shown;
      await read.read();
    }
  }

  #rewind(): void {
    this.#earlierVersion = this.version() + 1;
    this.#shown.stop();
    this.#isInTime = true;
    this.#shown = new Pass(this.#wanted, this.clock);
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#survey.stop();
    this.#shown.stop();
    this.#wake();
  }

  get usable(): boolean {
    return this.#survey.report().totals.dialoguesSeen > 0;
  }

  /** Says what was wrong with the input. @returns the exit status */
  conclude(end: ScreenEnd): number {
    const { part } = this.#survey;
    if (part === null) return statusOf(end);
    const status = this.#wanted.conclude(this.#survey.report(), [part]);
    return end.kind === "quit" || end.kind === "closed" ? status : statusOf(end);
  }

  version(): number {
    const atUs = this.#isInTime ? (this.clock?.atUs ?? 0) : 0;
    if (atUs !== this.#seenAtUs) {
      this.#seenAtUs = atUs;
      this.#earlierVersion++;
    }
    return (
      this.#earlierVersion + this.#shown.version + (this.#shown === this.#survey ? 0 : this.#survey.version)
    );
  }

  heard(): number {
    return this.#shown.watched.heard;
  }

  snapshot() {
    const { inputs } = this.#wanted;
    const part = this.#shown.soFar();
    const source = inputs.length === 1 ? inputs[0]! : `${inputs.length} captures`;
    return {
      source: source === "-" ? "standard input" : basename(source),
      progress: this.#progress(),
      report: this.#shown.report(part),
      ...this.#shown.watched.snapshot(),
      comparison: this.#baseline.against(part),
    };
  }

  #progress(): Progress {
    if (this.#survey.part === null) {
      if (this.#wanted.live !== null) return { kind: "live" };
      return { kind: "reading", share: this.#survey.share };
    }
    const { clock } = this;
    if (!this.#isInTime || clock === null || clock.atUs === null) return { kind: "done" };
    return { kind: "replaying", atUs: clock.atUs, speed: clock.speed };
  }

  async save(...[path, what]: Parameters<ScreenHost["save"]>): Promise<void> {
    await saveExport(path, what, (dialogue) => {
      const group = this.#wanted.groups.find((files) => files.includes(dialogue.file));
      if (group === undefined)
        throw new SmtpscopeError("output", "what came over a pipe cannot be read again: tee it into a file");
      return saveDialogue(path, dialogue, group, new Set(this.#wanted.request.ports));
    });
  }

  baseline(path: string): Promise<void> {
    return this.#baseline.read(path, this.#wanted.request);
  }
}
