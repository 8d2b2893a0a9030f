import type { PhaseChange, Verdict } from "../../spine/before-after.ts";
import { type Rect, titled, wrap } from "../layout.ts";
import { shortCount, shortDuration } from "../numbers.ts";
import type { Style } from "../style.ts";
import type { Scene } from "./context.ts";

/** This beside a baseline, phase by phase: what moved, and whether that is more than chance. */

/** A star: more than chance explains. */
const VERDICTS: Readonly<Record<Verdict, readonly [text: string, style: Style]>> = {
  slower: ["SLOWER *", "slow"],
  faster: ["faster *", "good"],
  different: ["different *", "mark"],
  same: ["no sure difference", "dim"],
  "too few samples": ["too few samples", "dim"],
  "only before": ["gone", "dim"],
  "only after": ["new", "dim"],
};

interface Column {
  readonly label: string;
  readonly width: number;
  readonly text: (row: PhaseChange) => string;
}

type Times = NonNullable<PhaseChange["before"]>;

const both = (label: string, width: number, text: (times: Times) => string): Column[] => [
  { label: `${label} bef.`, width, text: ({ before }) => (before === null ? "-" : text(before)) },
  { label: `${label} now`, width, text: ({ after }) => (after === null ? "-" : text(after)) },
];

const NUMBERS = both("n", 8, ({ n }) => shortCount(n));
const MEDIANS = both("p50", 9, ({ p50Us }) => shortDuration(p50Us));
const TAILS = both("p95", 9, ({ p95Us }) => shortDuration(p95Us));
const BY: Column = { label: "p50 by", width: 9, text: ({ change }) => deltaText(change?.p50Us ?? null) };
const CHANCE: Column = {
  label: "p",
  width: 9,
  text: ({ p }) => (p === null ? "" : p < 0.0001 ? "<0.0001" : p.toFixed(4)),
};
const PHASE_WIDTH = 11;
const ALL_FROM = 110;

export function drawBaseline({ canvas, model, state }: Scene, rect: Rect): void {
  const { comparison } = model;
  const body = titled(canvas, rect, `Baseline ${state.baseline} against this`, "b: another", true);
  if (comparison === null) return;
  const columns =
    body.width < ALL_FROM ? [...MEDIANS, ...TAILS, BY] : [...NUMBERS, ...MEDIANS, ...TAILS, BY, CHANCE];
  const end = body.x + body.width;
  const { phases, level } = comparison;
  let x = body.x + PHASE_WIDTH;
  const ends = columns.map(({ width }) => {
    x += width;
    return x;
  });
  columns.forEach(({ label }, i) => {
    canvas.putRight(ends[i]!, body.y, label, "dim");
  });
  phases.slice(0, body.height - 1).forEach((row, i) => {
    const y = body.y + 1 + i;
    canvas.put(body.x + 1, y, row.phase, "strong");
    columns.forEach(({ text }, column) => {
      canvas.putRight(ends[column]!, y, text(row));
    });
    const [text, style] = VERDICTS[row.verdict];
    canvas.put(x + 2, y, text, style, end);
  });
  const isBinned = phases.some(({ basis }) => basis === "histogram");
  const note = `* more than chance: p ≤ ${level.toFixed(4)} by Mann–Whitney or Kolmogorov–Smirnov${isBinned ? "; a saved report has bars only: differences below a factor of three hardly show" : ""}`;
  let y = body.y + 2 + phases.length;
  for (const line of wrap(note, body.width - 2))
    if (y < body.y + body.height) canvas.put(body.x + 1, y++, line, "dim", end);
}

/** `!`: more than a second, or the sign of one of the two being much slower. */
export function deltaText(us: number | null): string {
  if (us === null) return "";
  const mark = Math.abs(us) >= 1_000_000 ? "!" : "";
  return `${us < 0 ? "−" : "+"}${shortDuration(Math.abs(us))}${mark}`;
}
