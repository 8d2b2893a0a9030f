import type { PhaseView } from "../../spine/report.ts";
import { HEAT_BINS, type Timeline } from "../../spine/timeline.ts";
import { firstRow, type Rect, titled } from "../layout.ts";
import { SLOW_US } from "../marks.ts";
import { shortCount, shortDuration, shortShare } from "../numbers.ts";
import type { Scene } from "./context.ts";

const NAME = 13;
const VALUE = 8;
const COUNT = 6;
const SHARE = 7;
const MIN_TREND = 8;

/** A table of the phases: how many replies, how long, what share of the waiting, and how it went over time. */
export function drawPhases(scene: Scene, rect: Rect, focused: boolean): void {
  const { canvas, model, phases, phase } = scene;
  const { width } = rect;
  const percentiles = percentilesFor(model.report.percentiles, width);
  const trendX = 1 + NAME + COUNT + (percentiles.length + 1) * VALUE + SHARE + 1;
  const hasTrend = width - trendX >= MIN_TREND;
  const body = titled(canvas, rect, "Phases", scene.state.phasesByShare ? "by share" : "", focused);
  const header = (label: string, end: number) =>
    canvas.putRight(rect.x + end, rect.y, ` ${label} `, focused ? "focused" : "title");
  header("n", 1 + NAME + COUNT + 1);
  [...percentiles.map((p) => `p${p}`), "max"].forEach((label, i) => {
    header(label, NAME + COUNT + (i + 1) * VALUE + 1);
  });
  header("share", trendX);
  if (hasTrend && !scene.state.phasesByShare)
    canvas.put(
      rect.x + trendX,
      rect.y,
      width - trendX < 11 ? " trend " : " p95 trend ",
      focused ? "focused" : "title",
      rect.x + width,
    );
  const chosen = phase === null ? 0 : phases.indexOf(phase);
  const first = firstRow(chosen, phases.length, body.height);
  phases.slice(first, first + body.height).forEach((view, i) => {
    const y = body.y + i;
    drawPhase(scene, view, percentiles, body.x, y);
    if (hasTrend)
      canvas.put(
        body.x + trendX,
        y,
        trend(model.timeline, view.phase, width - trendX),
        "good",
        body.x + width,
      );
    if (view === phase) {
      canvas.put(body.x, y, "▶", focused ? "focused" : "title");
      if (focused) canvas.select(body.x, y, trendX);
    }
  });
}

function drawPhase(
  { canvas }: Scene,
  view: PhaseView,
  percentiles: readonly string[],
  x: number,
  y: number,
): void {
  const { service } = view;
  canvas.put(x + 1, y, view.phase, "strong", x + 1 + NAME);
  canvas.putRight(x + 1 + NAME + COUNT, y, shortCount(view.seen));
  const values = [...percentiles.map((p) => service.percentilesUs[p]), service.maxUs];
  values.forEach((us, i) => {
    const end = x + 1 + NAME + COUNT + (i + 1) * VALUE;
    const isSlow = us !== null && us !== undefined && us >= SLOW_US && view.phase !== "body";
    canvas.putRight(end - 1, y, shortDuration(us), isSlow ? "slow" : "plain");
    if (isSlow) canvas.put(end - 1, y, "!", "slow");
  });
  const shareEnd = x + 1 + NAME + COUNT + values.length * VALUE + SHARE;
  canvas.putRight(shareEnd, y, shortShare(view.share), (view.share ?? 0) >= 0.25 ? "strong" : "plain");
}

/** As many as there is room for; the middle ones go first. */
function percentilesFor(asked: readonly number[], width: number): string[] {
  const chosen = [...asked];
  const fits = () => 1 + NAME + COUNT + (chosen.length + 1) * VALUE + SHARE + 1 + MIN_TREND <= width;
  while (chosen.length > 1 && !fits()) chosen.splice(Math.floor((chosen.length - 1) / 2), 1);
  return chosen.map(String);
}

const LEVELS = "▁▂▃▄▅▆▇█";

/** How long 95 of 100 replies took at most, over time: from the shortest to the longest there was, by orders of magnitude. */
function trend(timeline: Timeline, phase: string, width: number): string {
  const heat = timeline.phases.find((entry) => entry.phase === phase)?.heat;
  if (heat === undefined || timeline.columns === 0) return "";
  const bins = Array.from({ length: Math.min(width, timeline.columns) }, (_, i) => {
    const cells = Math.min(width, timeline.columns);
    const from = Math.floor((i * timeline.columns) / cells);
    const to = Math.max(from + 1, Math.floor(((i + 1) * timeline.columns) / cells));
    return highBin(heat, from, to);
  });
  const seen = bins.filter((bin) => bin >= 0);
  const low = Math.min(...seen);
  const span = Math.max(4, Math.max(...seen) - low);
  return bins
    .map((bin) => (bin < 0 ? " " : LEVELS[Math.round(((bin - low) / span) * (LEVELS.length - 1))]!))
    .join("");
}

function highBin(heat: Uint32Array, from: number, to: number): number {
  const sums = new Array<number>(HEAT_BINS).fill(0);
  let total = 0;
  for (let column = from; column < to; column++) {
    for (let bin = 0; bin < HEAT_BINS; bin++) {
      const count = heat[column * HEAT_BINS + bin]!;
      sums[bin]! += count;
      total += count;
    }
  }
  if (total === 0) return -1;
  let above = total * 0.05;
  for (let bin = HEAT_BINS - 1; bin > 0; bin--) {
    above -= sums[bin]!;
    if (above < 0) return bin;
  }
  return 0;
}
