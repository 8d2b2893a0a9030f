import type { Phase } from "../spine/phase.ts";
import type { ColumnKey } from "./columns.ts";
import type { SortKey } from "./listing.ts";
import type { CompiledFilter } from "./model.ts";
import type { Prompt } from "./prompt.ts";
import type { PaletteName } from "./style.ts";

/** In the order of their numbers. */
export const VIEWS = [
  "overview",
  "dialogues",
  "ladder",
  "findings",
  "waiting",
  "heat map",
  "compare",
] as const;
export type View = (typeof VIEWS)[number];

/** What Tab goes through on the overview. */
export type Pane = "phases" | "findings" | "dialogues";

/** Everything that keys change. Views only read it. */
export interface State {
  view: View;
  /** Where Esc goes. */
  back: View[];
  pane: Pane;
  zoomed: boolean;
  phase: Phase | null;
  /** Phases by their share of the waiting time; else in the order of the protocol. */
  phasesByShare: boolean;
  linear: boolean;
  /** The id of the chosen dialogue. */
  dialogue: number | null;
  /** The list's first, or last, stays chosen, whichever dialogue that is. */
  follow: "first" | "last" | null;
  sort: SortKey;
  descending: boolean;
  filterText: string;
  filter: CompiledFilter | null;
  /** Ids, the one marked last at the end; two at most. */
  marked: readonly number[];
  hiddenColumns: ReadonlySet<ColumnKey>;
  ladderLine: number;
  hex: boolean;
  finding: number;
  cause: number;
  /** The path of what is compared with. */
  baseline: string | null;
  compareMarked: boolean;
  compareLine: number;
  paused: boolean;
  palette: PaletteName;
  /** Rows that help is scrolled by; null while it is not shown. */
  help: number | null;
  prompt: Prompt | null;
  message: { readonly text: string; readonly isError: boolean } | null;
}

/** @param isLive it goes on: whoever waits now comes first, then the newest */
export function initialState(palette: PaletteName, isLive: boolean): State {
  return {
    view: "overview",
    back: [],
    pane: "phases",
    zoomed: false,
    phase: null,
    phasesByShare: false,
    linear: false,
    dialogue: null,
    follow: null,
    sort: isLive ? "now" : "start",
    descending: isLive,
    filterText: "",
    filter: null,
    marked: [],
    hiddenColumns: new Set(),
    ladderLine: 0,
    hex: false,
    finding: 0,
    cause: 0,
    baseline: null,
    compareMarked: true,
    compareLine: 0,
    paused: false,
    palette,
    help: null,
    prompt: null,
    message: null,
  };
}
