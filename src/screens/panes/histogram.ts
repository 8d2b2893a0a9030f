import { countText } from "../../spine/format.ts";
import type { PhaseView, Report } from "../../spine/report.ts";
import { BINS, BINS_A_DECADE, binStartUs } from "../../spine/timeline.ts";
import { barText, type Rect, titled } from "../layout.ts";
import { shortDuration, shortShare } from "../numbers.ts";
import type { Scene } from "./context.ts";
import { drawStrip } from "./strip.ts";

/** Rows that bars below each other need: of a wide range fewer say nothing. */
const BARS_FROM = 4;

interface Bar {
  readonly fromUs: number;
  readonly toUs: number;
  readonly count: number;
}

/** How long the replies of the chosen phase took, with the percentiles where they fall. */
export function drawHistogram(scene: Scene, rect: Rect, focused: boolean): void {
  const { canvas, phase, state } = scene;
  const scale = state.linear ? "h: log scale" : "h: linear scale";
  const title = phase === null ? "Histogram" : `${phase.phase}: ${countText(phase.service.n)} timed`;
  const body = titled(canvas, rect, title, scale, focused);
  if (phase === null || phase.service.n === 0) {
    canvas.put(body.x + 1, body.y, phase === null ? "" : "no reply of this phase was timed", "dim");
    return;
  }
  const lengths = scene.model.timeline.phases.find((entry) => entry.phase === phase.phase)?.lengths;
  if (lengths !== undefined && !state.linear && body.height < BARS_FROM) {
    drawStrip(canvas, body, phase, lengths, scene.model.report.thresholds);
    return;
  }
  const bars = state.linear ? linearBars(phase, lengths, body.height) : logBars(phase, lengths, body.height);
  const most = Math.max(1, ...bars.map(({ count }) => count));
  const hasLimits = scene.model.report.thresholds.some((limit) => limit.phase === phase.phase);
  const room = Math.max(4, body.width - (hasLimits ? 48 : 38));
  bars.slice(0, body.height).forEach((bar, i) => {
    const y = body.y + i;
    const cells = bar.count === 0 ? 0 : Math.max(0.125, (bar.count / most) * room);
    canvas.putRight(body.x + 8, y, shortDuration(bar.fromUs));
    canvas.put(body.x + 9, y, "│", "dim");
    canvas.put(body.x + 10, y, barText(cells), "bar", body.x + 10 + room);
    const countX = body.x + 10 + room;
    if (bar.count > 0) {
      canvas.putRight(countX + 8, y, countText(bar.count));
      canvas.putRight(countX + 15, y, shortShare(bar.count / phase.service.n), "dim");
    }
    const isLast = i === bars.length - 1;
    const limits = limitsIn(scene.model.report.thresholds, phase.phase, bar, isLast);
    const marks = [...limits, marksIn(phase, bar, isLast)].filter((mark) => mark !== "").join(" ");
    canvas.put(countX + 16, y, marks, "mark", body.x + body.width);
  });
}

/** Limits that were asked for (--slo) and fall into a bar. */
function limitsIn(
  thresholds: Report["thresholds"],
  name: string,
  { fromUs, toUs }: Bar,
  isLast: boolean,
): string[] {
  return thresholds
    .filter(({ phase, measure }) => phase === name && measure !== "n" && measure !== "err")
    .filter(({ limit }) => limit >= fromUs && (limit < toUs || isLast))
    .map(({ limit }) => `slo ${shortDuration(limit)}`);
}

/** The percentiles, and the longest, that fall into a bar: `p50`, `p90–p99 max`. */
function marksIn({ service }: PhaseView, { fromUs, toUs }: Bar, isLast: boolean): string {
  const isIn = (us: number) => us >= fromUs && (us < toUs || isLast);
  const names = Object.keys(service.percentilesUs)
    .sort((a, b) => Number(a) - Number(b))
    .filter((name) => isIn(service.percentilesUs[name]!));
  const marks = names.length < 3 ? names.map((name) => `p${name}`) : [`p${names[0]}–p${names.at(-1)}`];
  if (service.maxUs !== null && isIn(service.maxUs)) marks.push("max");
  return marks.join(" ");
}

const STEPS = [4, 8, 10, 20, 40, 80, 160];

/** Bars of equal ratio, as fine as the rows allow. */
function logBars(phase: PhaseView, lengths: Uint32Array | undefined, rows: number): Bar[] {
  if (lengths === undefined) return [...phase.histogram];
  const [first, last] = usedBins(lengths);
  const step = STEPS.find((bins) => Math.floor(last / bins) - Math.floor(first / bins) < rows) ?? BINS;
  const bars: Bar[] = [];
  for (let bin = Math.floor(first / step) * step; bin <= last; bin += step) {
    let count = 0;
    for (let at = bin; at < Math.min(bin + step, BINS); at++) count += lengths[at]!;
    bars.push({
      fromUs: bin === 0 ? 0 : binStartUs(bin, BINS_A_DECADE),
      toUs: binStartUs(bin + step, BINS_A_DECADE),
      count,
    });
  }
  return bars;
}

/** Bars of equal length: 1, 2 or 5 times a power of ten. */
function linearBars(phase: PhaseView, lengths: Uint32Array | undefined, rows: number): Bar[] {
  const maxUs = phase.service.maxUs ?? 0;
  let stepUs = 1;
  for (let i = 0; Math.floor(maxUs / stepUs) >= rows; i++) stepUs *= i % 3 === 1 ? 2.5 : 2;
  const counts = new Array<number>(Math.floor(maxUs / stepUs) + 1).fill(0);
  const add = (us: number, count: number) => {
    counts[Math.min(counts.length - 1, Math.floor(us / stepUs))]! += count;
  };
  if (lengths === undefined)
    for (const { fromUs, toUs, count } of phase.histogram) add((fromUs + toUs) / 2, count);
  else
    lengths.forEach((count, bin) => {
      if (count > 0)
        add(
          Math.min(maxUs, Math.sqrt(binStartUs(bin, BINS_A_DECADE) * binStartUs(bin + 1, BINS_A_DECADE))),
          count,
        );
    });
  return counts.map((count, i) => ({ fromUs: i * stepUs, toUs: (i + 1) * stepUs, count }));
}

function usedBins(lengths: Uint32Array): [first: number, last: number] {
  let first = 0;
  while (first < BINS - 1 && lengths[first] === 0) first++;
  let last = BINS - 1;
  while (last > first && lengths[last] === 0) last--;
  return [first, last];
}
