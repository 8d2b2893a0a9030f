import type { View } from "./state.ts";

/**
 * What keys do. The key bar and help are made from this table; session.ts does it. Every function key
 * has a letter, for function keys get lost in tmux and ssh.
 */
export const KEYS = [
  { action: "help", keys: ["?", "f1"], bar: { key: "?", label: "Help" }, help: "this help" },
  { action: "quit", keys: ["q", "f10", "C-c"], bar: { key: "q", label: "Quit" }, help: "quit" },
  {
    action: "open",
    keys: ["enter", "l"],
    bar: { key: "Enter", label: "Open" },
    help: "open what is chosen: a phase's dialogues, a dialogue's ladder, a finding's evidence",
  },
  {
    action: "back",
    keys: ["escape", "backspace"],
    bar: { key: "Esc", label: "Back" },
    help: "back; closes help and prompts, then takes the filter off",
  },
  {
    action: "filter",
    keys: ["/", "f3"],
    bar: { key: "/", label: "Filter" },
    help: "only dialogues with an exchange that matches, in the language of -Y; empty: all",
  },
  { action: "nextPane", keys: ["tab"], bar: { key: "Tab", label: "Pane" }, help: "next pane" },
  { action: "previousPane", keys: ["S-tab"], bar: null, help: "previous pane" },
  {
    action: "sort",
    keys: ["s", "f6"],
    bar: { key: "s", label: "Sort" },
    help: "sort the list by the next column (phases: by share, or as they come)",
  },
  { action: "reverse", keys: ["S"], bar: null, help: "sort the other way round" },
  {
    action: "pause",
    keys: ["p", "f8"],
    bar: { key: "p", label: "Pause" },
    help: "hold the picture; counting goes on",
  },
  {
    action: "mark",
    keys: ["space"],
    bar: { key: "Space", label: "Mark" },
    help: "mark a dialogue; two can be compared",
  },
  {
    action: "compare",
    keys: ["d", "f4"],
    bar: { key: "d", label: "Diff" },
    help: "compare the two marked dialogues",
  },
  {
    action: "baseline",
    keys: ["b", "f7"],
    bar: { key: "b", label: "Baseline" },
    help: "compare with a baseline: a capture, or a report of -o json",
  },
  {
    action: "capture",
    keys: ["w", "f2"],
    bar: { key: "w", label: "Save" },
    help: "write the dialogue as a capture, bodies and secrets filled",
  },
  {
    action: "export",
    keys: ["e", "f9"],
    bar: { key: "e", label: "Export" },
    help: "write the report, the ladder or this picture to a file",
  },
  {
    action: "copy",
    keys: ["y"],
    bar: { key: "y", label: "Copy" },
    help: "copy the row to the terminal's clipboard",
  },
  {
    action: "zoom",
    keys: ["z", "f11"],
    bar: { key: "z", label: "Zoom" },
    help: "only the chosen pane, and back",
  },
  {
    action: "reset",
    keys: ["r", "f5"],
    bar: null,
    help: "begin anew: count from zero, or replay from the start",
  },
  {
    action: "scale",
    keys: ["h"],
    bar: { key: "h", label: "Scale" },
    help: "histogram: logarithmic or linear",
  },
  { action: "hex", keys: ["x"], bar: { key: "x", label: "Hex" }, help: "ladder: the line in hex" },
  { action: "columns", keys: ["t"], bar: { key: "t", label: "Columns" }, help: "which columns the list has" },
  { action: "colours", keys: ["c"], bar: null, help: "colours on or off" },
  { action: "next", keys: ["n"], bar: { key: "n", label: "Next" }, help: "next finding" },
  { action: "previous", keys: ["N"], bar: null, help: "previous finding" },
  { action: "command", keys: [":"], bar: null, help: "write a command; :help lists them" },
  { action: "up", keys: ["up", "k"], bar: null, help: "up" },
  { action: "down", keys: ["down", "j"], bar: null, help: "down" },
  { action: "pageUp", keys: ["pageup", "C-b"], bar: null, help: "a page up" },
  { action: "pageDown", keys: ["pagedown", "C-f"], bar: null, help: "a page down" },
  { action: "first", keys: ["home", "g"], bar: null, help: "to the first, and stay there" },
  {
    action: "last",
    keys: ["end", "G"],
    bar: null,
    help: "to the last, and stay there: with the newest, where the list is sorted so",
  },
  { action: "left", keys: ["left"], bar: null, help: "ladder: the dialogue before in the list" },
  { action: "right", keys: ["right"], bar: { key: "→", label: "Next" }, help: "ladder: the dialogue after" },
  { action: "slower", keys: ["-"], bar: null, help: "replay more slowly" },
  { action: "faster", keys: ["+"], bar: null, help: "replay faster: 1x, 10x, 100x, max" },
  { action: "seekBack", keys: ["["], bar: null, help: "replay: 10 seconds back" },
  { action: "seekOn", keys: ["]"], bar: null, help: "replay: 10 seconds on" },
  { action: "seekFinding", keys: ["."], bar: null, help: "replay: on to the next finding" },
  { action: "view1", keys: ["1"], bar: null, help: "overview" },
  { action: "view2", keys: ["2"], bar: null, help: "dialogues" },
  { action: "view3", keys: ["3"], bar: null, help: "one dialogue as a ladder" },
  { action: "view4", keys: ["4"], bar: null, help: "findings" },
  { action: "view5", keys: ["5"], bar: null, help: "waiting time by cause" },
  { action: "view6", keys: ["6"], bar: null, help: "heat map of reply times" },
] as const;

export type Action = (typeof KEYS)[number]["action"];

const BY_KEY = new Map<string, Action>(
  KEYS.flatMap(({ action, keys }) => keys.map((key): [string, Action] => [key, action])),
);

export function actionOf(key: string): Action | null {
  return BY_KEY.get(key) ?? null;
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
} as const satisfies Record<View, readonly Action[]>;

export const BAR_KEYS: Readonly<Record<View, readonly BarKey[]>> = Object.fromEntries(
  Object.entries(BARS).map(([view, actions]) => [
    view,
    (actions as readonly Action[]).map((action) => KEYS.find((entry) => entry.action === action)!.bar!),
  ]),
) as Record<View, BarKey[]>;
