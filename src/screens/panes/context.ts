import type { KeptDialogue } from "../../spine/kept.ts";
import type { PhaseView } from "../../spine/report.ts";
import type { Canvas } from "../canvas.ts";
import type { ScreenModel } from "../model.ts";
import type { State } from "../state.ts";

/** What every view draws from. */
export interface Scene {
  readonly canvas: Canvas;
  readonly model: ScreenModel;
  readonly state: State;
  /** The dialogues as filtered and sorted. */
  readonly rows: readonly KeptDialogue[];
  /** The chosen one's place among them; -1 without one. */
  readonly place: number;
  /** The chosen dialogue, whether the filter lets it through or not. */
  readonly dialogue: KeptDialogue | null;
  /** The phases in the order shown. */
  readonly phases: readonly PhaseView[];
  /** The phase chosen; the one most waited for until somebody chooses. */
  readonly phase: PhaseView | null;
}
