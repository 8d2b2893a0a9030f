import { inClasses } from "../../spine/finding.ts";
import { type Part, type Rect, stack, titled } from "../layout.ts";
import { shortCount, shortDuration, shortShare } from "../numbers.ts";
import type { Pane } from "../state.ts";
import type { Scene } from "./context.ts";
import { drawDialogues } from "./dialogues.ts";
import { drawFindingList } from "./findings.ts";
import { health } from "./health.ts";
import { drawHeatMap } from "./heat-map.ts";
import { drawHistogram } from "./histogram.ts";
import { drawLadder } from "./ladder.ts";
import { drawPhases } from "./phases.ts";

const TWO_COLUMNS = 120;
const EVERYTHING = { width: 150, height: 40 };

/** Everything at a glance: as much of it as the terminal has room for. */
export function drawOverview(scene: Scene, rect: Rect): void {
  const { canvas } = scene;
  if (rect.width < TWO_COLUMNS) {
    const found = scene.model.report.findings.length > 0 ? [findings(scene)] : [];
    stack(rect, [phases(scene), histogram(scene), ...found, dialogues(scene)]);
    return;
  }
  const leftWidth = Math.max(76, Math.floor(rect.width * 0.6));
  const left = { ...rect, width: leftWidth };
  const right = { ...rect, x: rect.x + leftWidth + 1, width: rect.width - leftWidth - 1 };
  for (let y = rect.y; y < rect.y + rect.height; y++) canvas.put(rect.x + leftWidth, y, "│", "title");
  const hasAll = rect.width >= EVERYTHING.width && rect.height >= EVERYTHING.height;
  stack(
    left,
    hasAll
      ? [phases(scene), heat(scene), dialogues(scene, 11), ladder(scene)]
      : [phases(scene), dialogues(scene)],
  );
  stack(right, [histogram(scene), findings(scene), codes(scene), clients(scene), health(scene)]);
}

/** One pane alone. */
export function drawPane(scene: Scene, rect: Rect, pane: Pane) {
  switch (pane) {
    case "phases":
      if (rect.height < 16) return drawPhases(scene, rect, true);
      return stack(rect, [phases(scene), histogram(scene)]);
    case "findings":
      return drawFindingList(scene, rect, true);
    case "dialogues":
      return drawDialogues(scene, rect, true);
  }
}

const isFocused = ({ state }: Scene, pane: Pane) => state.pane === pane;

function phases(scene: Scene): Part {
  const rows = scene.phases.length + 1;
  return {
    min: Math.min(rows, 6),
    want: rows,
    draw: (rect) => drawPhases(scene, rect, isFocused(scene, "phases")),
  };
}

function histogram(scene: Scene): Part {
  return { min: 4, want: 11, draw: (rect) => drawHistogram(scene, rect, false) };
}

function findings(scene: Scene): Part {
  const { length } = inClasses(scene.model.report.findings);
  const focused = isFocused(scene, "findings");
  return {
    min: Math.min(3, length + 2),
    want: Math.min(6, length + 1),
    draw: (rect) => drawFindingList(scene, rect, focused),
  };
}

function dialogues(scene: Scene, most = Number.POSITIVE_INFINITY): Part {
  const focused = isFocused(scene, "dialogues");
  return {
    min: 5,
    want: Math.min(most, scene.rows.length + 2),
    draw: (rect) => drawDialogues(scene, rect, focused),
  };
}

function heat(scene: Scene): Part {
  return { min: 8, want: 11, draw: (rect) => drawHeatMap(scene, rect, false) };
}

function ladder(scene: Scene): Part {
  return { min: 8, want: 40, draw: (rect) => drawLadder(scene, rect, false) };
}

function codes({ canvas, model }: Scene): Part {
  const { codes: counts } = model.timeline;
  return {
    min: 3,
    want: 4,
    draw: (rect) => {
      const body = titled(canvas, rect, "Reply codes", "", false);
      const groups = [2, 3, 4, 5].map((group): [string, number] => [
        `${group}xx`,
        counts
          .filter(([code]) => Math.floor(code / 100) === group)
          .reduce((sum, [, count]) => sum + count, 0),
      ]);
      const cells = (entries: readonly (readonly [string | number, number])[]) =>
        entries.filter(([, count]) => count > 0).map(([code, count]) => `${code} ${shortCount(count)}`);
      canvas.put(body.x + 1, body.y, cells(groups).join("   "), "strong", body.x + body.width);
      let x = body.x + 1;
      let y = body.y + 1;
      for (const cell of cells(counts)) {
        if (x > body.x + 1 && x + cell.length > body.x + body.width) {
          x = body.x + 1;
          y++;
        }
        if (y >= body.y + body.height) break;
        x = canvas.put(x, y, cell, /^[45]/.test(cell) ? "broken" : "plain", body.x + body.width) + 3;
      }
    },
  };
}

function clients({ canvas, model }: Scene): Part {
  const { by } = model.report;
  const groups = by?.groups ?? [];
  return {
    min: by === null ? 99_999 : 3,
    want: Math.min(9, groups.length + 1),
    draw: (rect) => {
      const body = titled(canvas, rect, `By ${by?.key}: share of the waiting`, "", false);
      const end = body.x + body.width;
      groups.slice(0, body.height).forEach(({ name, share, waitedUs, seen, service }, i) => {
        const y = body.y + i;
        // How many there were gives way to whose they are.
        const counts = body.width < 52 ? 0 : 6;
        canvas.put(body.x + 1, y, name, "plain", end - 24 - counts);
        canvas.putRight(end - 17 - counts, y, shortShare(share), share >= 0.25 ? "strong" : "plain");
        canvas.putRight(end - 9 - counts, y, shortDuration(waitedUs));
        if (counts > 0) canvas.putRight(end - 9, y, shortCount(seen), "dim");
        canvas.putRight(end - 1, y, shortDuration(service.maxUs), "dim");
      });
    },
  };
}
