import type { BeforeAfter } from "../spine/before-after.ts";
import type { KeptDialogue, KeptDialogues, KeptExchange } from "../spine/kept.ts";
import type { Report } from "../spine/report.ts";
import type { Timeline } from "../spine/timeline.ts";

/** What the screen draws: one instant of what is measured. Frozen; a new one is taken when there is news. */
export interface ScreenModel {
  /** The input in a few words: a file's name, or who talks to whom. */
  readonly source: string;
  readonly progress: Progress;
  readonly report: Report;
  readonly kept: KeptDialogues;
  readonly timeline: Timeline;
  /** How it differs from a baseline; null where none was read. */
  readonly comparison: BeforeAfter | null;
}

/** How far the input has come. */
export type Progress =
  | { readonly kind: "reading"; readonly share: number | null }
  /** It goes on as long as it pleases. */
  | { readonly kind: "live" }
  /** As in the capture, or faster; `atUs` is the instant shown. */
  | { readonly kind: "replaying"; readonly atUs: number; readonly speed: Speed }
  | { readonly kind: "done" };

export const SPEEDS = ["1x", "10x", "100x", "max"] as const;
export type Speed = (typeof SPEEDS)[number];

/** A filter in the language of -Y, or what is wrong with it. */
export type CompiledFilter =
  | { readonly ok: true; readonly matches: (exchange: KeptExchange, dialogue: KeptDialogue) => boolean }
  | { readonly ok: false; readonly message: string; readonly position: number };

/** What the screen asks of the program around it. It never touches what is being measured. */
export interface ScreenHost {
  /** Rises with every change that a snapshot would show. */
  version(): number;
  /** Exchanges heard of so far. */
  heard(): number;
  snapshot(): ScreenModel;
  compileFilter(text: string): CompiledFilter;
  /** What differs between two replies, or two commands: as shown, with carets under it. */
  differences(before: string, after: string, toEhlo: boolean): readonly ShownDifference[];
  /** Writes a file that does not exist yet; the message of a failure is for the operator. */
  save(path: string, what: Export): Promise<void>;
  /** Reads what snapshots are to be compared with from then on: a JSON report, or a capture. */
  baseline(path: string): Promise<void>;
  /** Time in the capture; null where the input is not replayed in time. */
  readonly clock: ReplayClock | null;
  /** What ending the screen would end beside it, and how; null when it ends nothing. */
  readonly underneath: { readonly what: string; end(): void } | null;
  /** Begins anew: counts from zero, or the capture from its start. Null where that cannot be. */
  readonly restart: (() => void) | null;
}

/** Two lines one above the other, with carets under what differs. Null for a line that is not there. */
export interface ShownDifference {
  /** What kind of change it is, in words. */
  readonly changes: readonly string[];
  readonly before: string | null;
  readonly beforeMarks: string;
  readonly after: string | null;
  readonly afterMarks: string;
}

export type Export =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "report"; readonly format: "text" | "json"; readonly report: Report }
  | { readonly kind: "capture"; readonly dialogue: KeptDialogue };

export interface ReplayClock {
  readonly speed: Speed;
  /** The instant that the capture's time has come to; null until the capture has been read once. */
  readonly atUs: number | null;
  setSpeed(speed: Speed): void;
  /** Shows the capture as it stood at this instant. */
  seek(toUs: number): void;
  hold(held: boolean): void;
  /** The instants of findings, in order, of the whole capture. */
  readonly marksUs: readonly number[];
  readonly firstAtUs: number;
  readonly lastAtUs: number;
}
