import type { PhaseView, Report } from "../../spine/report.ts";
import { BINS_A_DECADE, binOf } from "../../spine/timeline.ts";
import type { Canvas } from "../canvas.ts";
import type { Rect } from "../layout.ts";
import { shortDuration } from "../numbers.ts";
import type { Style } from "../style.ts";

const LEVELS = "▁▂▃▄▅▆▇█";

/** A histogram where there are hardly any rows: lengths go from left to right, in equal ratios. */
export function drawStrip(
  canvas: Canvas,
  { x, y, width, height }: Rect,
  phase: PhaseView,
  lengths: Uint32Array,
  thresholds: Report["thresholds"],
): void {
  const cells = width - 2;
  const first = lengths.findIndex((count) => count > 0);
  const last = lengths.findLastIndex((count) => count > 0);
  const cellOf = (us: number) =>
    Math.floor(((binOf(us, BINS_A_DECADE) - first) * cells) / Math.max(1, last - first + 1));
  const counts = new Array<number>(cells).fill(0);
  for (let bin = first; bin <= last; bin++)
    counts[Math.floor(((bin - first) * cells) / (last - first + 1))]! += lengths[bin]!;
  const most = Math.max(...counts);
  counts.forEach((count, i) => {
    if (count > 0) canvas.put(x + 1 + i, y, LEVELS[Math.ceil((count / most) * LEVELS.length) - 1]!, "bar");
  });
  if (height > 1)
    drawScale(canvas, { x: x + 1, y: y + 1, width: cells, height: 1 }, phase, thresholds, cellOf);
}

/** Below: the shortest and the longest, and where percentiles and limits lie. */
function drawScale(
  canvas: Canvas,
  { x, y, width }: Rect,
  { phase, service }: PhaseView,
  thresholds: Report["thresholds"],
  cellOf: (us: number) => number,
): void {
  const { minUs, maxUs, percentilesUs } = service;
  const names = Object.keys(percentilesUs).sort((a, b) => Number(a) - Number(b));
  const inCells = (name: string) => cellOf(percentilesUs[name]!);
  const [shortest, longest] = [shortDuration(minUs), `max ${shortDuration(maxUs)}`];
  // Those that lie where these stand are written beside them.
  const atStart = names.filter((name) => inCells(name) <= shortest.length);
  const atEnd = names.filter(
    (name) => !atStart.includes(name) && inCells(name) + 4 + longest.length >= width,
  );
  const left = [shortest, ...rangeOf(atStart)].join(" ");
  const right = [...rangeOf(atEnd), longest].join(" ");
  canvas.put(x, y, left, "dim", x + width);
  canvas.putRight(x + width, y, right, "dim");
  const taken = [
    [0, left.length],
    [width - right.length, width],
  ];
  const marks: (readonly [text: string, us: number, style: Style])[] = [
    ...thresholds
      .filter((limit) => limit.phase === phase && limit.measure !== "n" && limit.measure !== "err")
      .map(({ limit }) => [`slo ${shortDuration(limit)}`, limit, "slow"] as const),
    ...names.map((name) => [`p${name}`, percentilesUs[name]!, "mark"] as const),
  ];
  for (const [text, us, style] of marks) {
    const at = Math.max(0, Math.min(width - text.length, cellOf(us)));
    const end = at + text.length;
    // What has no room beside the others is in the table.
    if (us < (minUs ?? 0) || us > (maxUs ?? 0)) continue;
    if (taken.some(([from, to]) => at <= to! && end >= from!)) continue;
    taken.push([at, end]);
    canvas.put(x + at, y, text, style);
  }
}

/** `p50`, `p90–p99` */
function rangeOf(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [names.length === 1 ? `p${names[0]}` : `p${names[0]}–p${names.at(-1)}`];
}
