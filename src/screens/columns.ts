import type { KeptDialogue } from "../spine/kept.ts";
import { lengthUs, longestUs } from "./listing.ts";
import { flagLetters, isRewritten, SLOW_US } from "./marks.ts";
import { clockText, shortDuration } from "./numbers.ts";
import type { Style } from "./style.ts";

interface Column {
  readonly label: string;
  readonly width: number;
  /** What it takes where there is room. */
  readonly wide?: number;
  /** Columns with low numbers come first when room is short. */
  readonly rank: number;
  readonly right?: boolean;
  readonly text: (dialogue: KeptDialogue, width: number) => string;
  readonly style?: (dialogue: KeptDialogue) => Style;
}

const slowStyle = (us: number): Style => (us >= SLOW_US ? "slow" : "plain");

/** The columns of the list, from left to right. To add one: one entry here. */
export const COLUMNS = {
  start: { label: "start", width: 12, rank: 1, text: (d) => clockText(d.startAtUs), style: () => "dim" },
  client: {
    label: "client",
    width: 15,
    wide: 21,
    rank: 0,
    text: (d, width) => endpointText(d.client, width),
  },
  server: {
    label: "server",
    width: 15,
    wide: 21,
    rank: 8,
    text: (d, width) => endpointText(d.server, width),
  },
  length: { label: "length", width: 7, rank: 4, right: true, text: (d) => shortDuration(lengthUs(d)) },
  waited: {
    label: "waited",
    width: 7,
    rank: 9,
    right: true,
    text: (d) => shortDuration(d.waitedUs + (d.pending?.waitedUs ?? 0)),
  },
  slowest: {
    label: "slowest",
    width: 19,
    rank: 2,
    text: (d) => slowestText(d),
    style: (d) => slowStyle(longestUs(d)),
  },
  rcpt: { label: "rcpt", width: 4, rank: 10, right: true, text: (d) => String(d.recipients) },
  msgs: { label: "msgs", width: 4, rank: 7, right: true, text: (d) => String(d.messages) },
  flags: {
    label: "flags",
    width: 5,
    rank: 3,
    text: (d) => flagLetters(d),
    style: (d) => (isRewritten(d) ? "rewritten" : "strong"),
  },
  ended: { label: "end", width: 4, rank: 11, text: (d) => d.ended ?? "…" },
  stream: { label: "stream", width: 6, rank: 12, right: true, text: (d) => String(d.tcpStream) },
  outcome: {
    label: "outcome",
    width: 9,
    wide: 60,
    rank: 5,
    text: (d) => outcomeText(d),
    style: (d) => ((d.outcome.code ?? 0) >= 400 ? "broken" : "plain"),
  },
} as const satisfies Record<string, Column>;

export type ColumnKey = keyof typeof COLUMNS;
export const COLUMN_KEYS = Object.keys(COLUMNS) as ColumnKey[];

/** Without the port where there is no room for it. */
function endpointText(endpoint: string, width: number): string {
  return endpoint.length <= width ? endpoint : endpoint.slice(0, endpoint.lastIndexOf(":"));
}

function slowestText({ slowest, pending }: KeptDialogue): string {
  if (pending !== null && pending.waitedUs >= (slowest?.waitedUs ?? 0))
    return `waits ${pending.what} ${shortDuration(pending.waitedUs)}`;
  if (slowest === null) return "-";
  const mark = slowest.taint === "unanswered" ? " X" : slowest.waitedUs >= SLOW_US ? " !" : "";
  return `${slowest.phase} ${shortDuration(slowest.waitedUs)}${mark}`;
}

function outcomeText({ outcome, slowest, flags, pending, ended }: KeptDialogue): string {
  if (outcome.code !== null) return outcome.text;
  if (flags.includes("refused")) return "refused";
  if (pending !== null) return "none yet";
  return slowest?.taint === "unanswered" ? "no reply" : ended === null ? "…" : "-";
}

export interface PlacedColumn {
  readonly key: ColumnKey;
  readonly x: number;
  readonly width: number;
}

/** Which columns there is room for, and where: the last one gets what is left. */
export function placeColumns(width: number, hidden: ReadonlySet<ColumnKey>): PlacedColumn[] {
  const chosen = new Set<ColumnKey>();
  let left = width;
  const ranked = COLUMN_KEYS.filter((key) => !hidden.has(key)).sort(
    (a, b) => COLUMNS[a].rank - COLUMNS[b].rank,
  );
  for (const key of ranked) {
    const needed = COLUMNS[key].width + (chosen.size === 0 ? 0 : 1);
    if (needed > left) break;
    chosen.add(key);
    left -= needed;
  }
  const shown = COLUMN_KEYS.filter((key) => chosen.has(key));
  const placed: PlacedColumn[] = [];
  let x = 0;
  shown.forEach((key, index) => {
    const column: Column = COLUMNS[key];
    const isLast = index === shown.length - 1;
    const extra = isLast ? left : Math.min(left, (column.wide ?? column.width) - column.width);
    left -= extra;
    placed.push({ key, x, width: column.width + extra });
    x += column.width + extra + 1;
  });
  return placed;
}
