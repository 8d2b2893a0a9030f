import type { View } from "./state.ts";

/**
 * What keys do: their names (the first is the one that the key bar shows), what help says, and what the key
 * bar says where it has them. actions.ts does it. Every function key has a letter, for function keys get lost
 * in tmux and ssh. To add a key: a row here, what it does in actions.ts, and a place in a bar if it needs one.
 */
const TABLE = {
  help: ["? f1", "this help", "Help"],
  quit: ["q f10 C-c", "quit", "Quit"],
  open: [
    "enter l",
    "open what is chosen: a phase's dialogues, a dialogue's ladder, a finding's evidence",
    "Open",
  ],
  back: ["escape backspace", "back; closes help and prompts, then takes the filter off", "Back"],
  filter: [
    "/ f3",
    "only dialogues with an exchange that matches, in the language of -Y; empty: all",
    "Filter",
  ],
  nextPane: ["tab", "next pane", "Pane"],
  previousPane: ["S-tab", "previous pane"],
  sort: ["s f6", "sort the list by the next column (phases: by share, or as they come)", "Sort"],
  reverse: ["S", "sort the other way round"],
  pause: ["p f8", "hold the picture; counting goes on", "Pause"],
  mark: ["space", "mark a dialogue; two can be compared", "Mark"],
  compare: ["d f4", "compare the two marked dialogues", "Diff"],
  baseline: ["b f7", "compare with a baseline: a capture, or a report of -o json", "Baseline"],
  capture: ["w f2", "write the dialogue as a capture, bodies and secrets filled", "Save"],
  export: ["e f9", "write the report, the ladder or this picture to a file", "Export"],
  copy: ["y", "copy the row to the terminal's clipboard", "Copy"],
  zoom: ["z f11", "only the chosen pane, and back", "Zoom"],
  reset: ["r f5", "begin anew: count from zero, or replay from the start"],
  scale: ["h", "histogram: logarithmic or linear", "Scale"],
  hex: ["x", "ladder: the line in hex", "Hex"],
  columns: ["t", "which columns the list has", "Columns"],
  colours: ["c", "colours on or off"],
  next: ["n", "next finding", "Next"],
  previous: ["N", "previous finding"],
  command: [":", "write a command; :help lists them"],
  up: ["up k", "up"],
  down: ["down j", "down"],
  pageUp: ["pageup C-b", "a page up"],
  pageDown: ["pagedown C-f", "a page down"],
  first: ["home g", "to the first, and stay there"],
  last: ["end G", "to the last, and stay there: with the newest, where the list is sorted so"],
  left: ["left", "ladder: the dialogue before in the list"],
  right: ["right", "ladder: the dialogue after", "Next"],
  slower: ["-", "replay more slowly"],
  faster: ["+", "replay faster: 1x, 10x, 100x, max"],
  seekBack: ["[", "replay: 10 seconds back"],
  seekOn: ["]", "replay: 10 seconds on"],
  seekFinding: [".", "replay: on to the next finding"],
  view1: ["1", "overview"],
  view2: ["2", "dialogues"],
  view3: ["3", "one dialogue as a ladder"],
  view4: ["4", "findings"],
  view5: ["5", "waiting time by cause"],
  view6: ["6", "heat map of reply times"],
} as const satisfies Readonly<Record<string, readonly [keys: string, help: string, label?: string]>>;

export type Action = keyof typeof TABLE;
/** Those that a key bar has a word for. */
type Barred = {
  [A in Action]: (typeof TABLE)[A] extends readonly [string, string, string] ? A : never;
}[Action];

interface Key {
  readonly action: Action;
  readonly keys: readonly string[];
  readonly help: string;
  /** What the key bar says. */
  readonly label: string;
}

export const KEYS: readonly Key[] = Object.entries(TABLE).map(([action, [keys, help, label = ""]]) => ({
  action: action as Action,
  keys: keys.split(" "),
  help,
  label,
}));

const BY_KEY = new Map(KEYS.flatMap(({ action, keys }) => keys.map((key) => [key, action] as const)));

export function actionOf(key: string): Action | null {
  return BY_KEY.get(key) ?? null;
}

const NAMES: Readonly<Record<string, string>> = {
  enter: "Enter",
  escape: "Esc",
  backspace: "Backspace",
  tab: "Tab",
  "S-tab": "Shift-Tab",
  space: "Space",
  up: "↑",
  down: "↓",
  left: "←",
  right: "→",
  pageup: "PgUp",
  pagedown: "PgDn",
  home: "Home",
  end: "End",
};

/** A key as it is written on it. */
export function keyName(key: string): string {
  return NAMES[key] ?? key.replace(/^f(\d+)$/, "F$1").replace(/^C-/, "Ctrl-");
}

/** Commands behind `:`. */
export const COMMANDS = [
  { name: "filter", usage: "filter EXPR", help: "as / does" },
  { name: "sort", usage: "sort COLUMN", help: "now, start, length, waited, slowest, code, client or server" },
  { name: "speed", usage: "speed 1x|10x|100x|max", help: "how fast the capture is replayed" },
  { name: "seek", usage: "seek +30s|-5s|20:15:03", help: "shows the capture as it stood then" },
  { name: "export", usage: "export report|json|ladder|screen FILE", help: "writes a file" },
  { name: "save", usage: "save FILE", help: "writes the dialogue as a capture" },
  { name: "baseline", usage: "baseline FILE", help: "compares with it" },
  { name: "goto", usage: "goto STREAM", help: "the dialogue with this tcp.stream" },
  { name: "help", usage: "help", help: "all keys and commands" },
  { name: "quit", usage: "quit", help: "ends" },
] as const;

export interface BarKey {
  readonly key: string;
  readonly label: string;
}

/** The key bar of each view: the most important first, for those at the end may not fit. */
const BARS = {
  overview: [
    "help",
    "quit",
    "filter",
    "open",
    "nextPane",
    "sort",
    "pause",
    "scale",
    "next",
    "zoom",
    "export",
    "baseline",
    "mark",
  ],
  dialogues: [
    "help",
    "quit",
    "filter",
    "open",
    "sort",
    "mark",
    "compare",
    "pause",
    "capture",
    "export",
    "columns",
    "back",
  ],
  ladder: ["help", "quit", "back", "right", "hex", "mark", "compare", "capture", "export", "pause", "copy"],
  findings: ["help", "quit", "open", "next", "back", "pause", "export", "copy"],
  waiting: ["help", "quit", "open", "back", "next", "pause", "export", "baseline"],
  "heat map": ["help", "quit", "back", "open", "scale", "pause", "export"],
  compare: ["help", "quit", "back", "baseline", "compare", "export"],
} as const satisfies Record<View, readonly Barred[]>;

export const BAR_KEYS: Readonly<Record<View, readonly BarKey[]>> = Object.fromEntries(
  Object.entries(BARS).map(([view, actions]) => [
    view,
    actions.map((action) => {
      const { keys, label } = KEYS.find((key) => key.action === action)!;
      return { key: keyName(keys[0]!), label };
    }),
  ]),
) as Record<View, BarKey[]>;
