import { binStartUs, HEAT_BINS, HEAT_BINS_A_DECADE } from "../../spine/timeline.ts";
import { type Rect, titled } from "../layout.ts";
import { clockText, shortDuration } from "../numbers.ts";
import type { Scene } from "./context.ts";

const SHADES = " ·░▒▓█";
const LABEL = 8;

/** Replies of the chosen phase over time (across) and by length (upwards): the darker the more. */
export function drawHeatMap(scene: Scene, rect: Rect, focused: boolean): void {
  const { canvas, model, phase } = scene;
  const { timeline } = model;
  const name = phase?.phase ?? "";
  const body = titled(
    canvas,
    rect,
    name === "" ? "Heat map" : `Heat map: ${name}, replies over time and by length`,
    focused ? "↑↓: phase" : "",
    focused,
  );
  const heat = timeline.phases.find((entry) => entry.phase === name)?.heat;
  if (heat === undefined || timeline.startAtUs === null || body.height < 4) {
    canvas.put(
      body.x + 1,
      body.y,
      name === "" ? "nothing was timed" : `nothing of ${name} was timed`,
      "dim",
      body.x + body.width,
    );
    return;
  }
  const rows = body.height - 2;
  const [low, high] = usedBins(heat);
  const binsARow = Math.max(1, Math.ceil((high - low + 1) / rows));
  const lines = Math.ceil((high - low + 1) / binsARow);
  const tall = Math.max(1, Math.min(3, Math.floor(rows / lines)));
  const height = lines * tall;
  const cells = body.width - LABEL - 1;
  const stretch = Math.max(1, Math.floor(cells / timeline.columns));
  const columns = Math.min(cells, timeline.columns);
  const grid = gridOf(heat, timeline.columns, columns, low, binsARow, lines);
  const most = Math.max(1, ...grid.flat());
  const top = body.y + Math.max(0, Math.min(1, rows - height));
  grid.forEach((row, i) => {
    const y = top + height - (i + 1) * tall;
    canvas.putRight(
      body.x + LABEL,
      y,
      shortDuration(binStartUs(low + i * binsARow, HEAT_BINS_A_DECADE)),
      "dim",
    );
    for (let part = 0; part < tall; part++) canvas.put(body.x + LABEL, y + part, "│", "dim");
    row.forEach((count, column) => {
      const shade =
        count === 0
          ? " "
          : SHADES[1 + Math.round((Math.log(count + 1) / Math.log(most + 1)) * (SHADES.length - 2))]!;
      const style = i * binsARow + low >= SLOW_BIN ? "slow" : "good";
      const x = body.x + LABEL + 1 + column * stretch;
      for (let part = 0; part < tall; part++) canvas.fill(x, y + part, stretch, shade, style);
    });
  });
  drawAxis(scene, { ...body, y: top + height }, columns * stretch);
}

const SLOW_BIN = 6 * HEAT_BINS_A_DECADE;

function drawAxis({ canvas, model }: Scene, { x, y, width }: Rect, cells: number): void {
  const { startAtUs, columnUs, columns } = model.timeline;
  const left = x + LABEL + 1;
  canvas.put(x + LABEL, y, `└${"─".repeat(cells)}`, "dim", x + width);
  const endUs = startAtUs! + columnUs * columns;
  canvas.put(left, y + 1, clockText(startAtUs).slice(0, 8), "dim");
  if (cells >= 34)
    canvas.put(
      left + Math.floor(cells / 2) - 4,
      y + 1,
      clockText((startAtUs! + endUs) / 2).slice(0, 8),
      "dim",
    );
  if (cells >= 17) canvas.putRight(left + cells, y + 1, clockText(endUs).slice(0, 8), "dim");
}

function usedBins(heat: Uint32Array): [low: number, high: number] {
  let low = HEAT_BINS - 1;
  let high = 0;
  heat.forEach((count, at) => {
    if (count === 0) return;
    const bin = at % HEAT_BINS;
    if (bin < low) low = bin;
    if (bin > high) high = bin;
  });
  return [Math.min(low, high), high];
}

/** Rows from the shortest up; each a count a column. */
function gridOf(
  heat: Uint32Array,
  all: number,
  columns: number,
  low: number,
  binsARow: number,
  rows: number,
): number[][] {
  const grid = Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
  for (let column = 0; column < all; column++) {
    const cell = Math.floor((column * columns) / all);
    for (let bin = low; bin < HEAT_BINS; bin++) {
      const count = heat[column * HEAT_BINS + bin]!;
      const row = grid[Math.floor((bin - low) / binsARow)];
      if (count > 0 && row !== undefined) row[cell]! += count;
    }
  }
  return grid;
}
