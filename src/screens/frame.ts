import { plural } from "../spine/format.ts";
import { type Canvas, widthOf } from "./canvas.ts";
import { BAR_KEYS, type BarKey } from "./keys.ts";
import type { Rect } from "./layout.ts";
import type { ReplayClock, ScreenHost, ScreenModel } from "./model.ts";
import { clockText, shortCount, shortDuration } from "./numbers.ts";
import { drawCompare } from "./panes/compare.ts";
import type { Scene } from "./panes/context.ts";
import { drawDialogues } from "./panes/dialogues.ts";
import { drawFindings } from "./panes/findings.ts";
import { drawHeatMap } from "./panes/heat-map.ts";
import { drawHelp } from "./panes/help.ts";
import { drawHistogram } from "./panes/histogram.ts";
import { drawLadder } from "./panes/ladder.ts";
import { drawOverview, drawPane } from "./panes/overview.ts";
import { drawWaiting } from "./panes/waiting.ts";
import { VIEWS, type View } from "./state.ts";
import type { Style } from "./style.ts";

/** Smaller than this: one pane; smaller than the second: one line. */
const WHOLE = { width: 80, height: 24 };
const LEAST = { width: 40, height: 10 };

export interface FrameContext {
  readonly clock: ReplayClock | null;
  readonly differences: ScreenHost["differences"];
  /** Exchanges heard of since the picture was held. */
  readonly missed: number;
}

/** The whole picture. */
export function drawFrame(scene: Scene, context: FrameContext) {
  const { canvas, state } = scene;
  const { width, height } = canvas;
  if (width < LEAST.width || height < LEAST.height) return drawOneLine(scene, context);
  const isWhole = width >= WHOLE.width && height >= WHOLE.height;
  drawHeader(scene, context, isWhole);
  const top = isWhole ? 2 : 1;
  const lines = drawFooter(scene, context);
  const rect = { x: 0, y: top, width, height: height - top - lines };
  if (state.help !== null) drawHelp(scene, rect);
  else if (isWhole && !state.zoomed) drawView(scene, rect, context);
  else if (state.view === "overview") drawPane(scene, rect, state.pane);
  else drawView(scene, rect, context);
}

function drawView(scene: Scene, rect: Rect, { differences }: FrameContext) {
  switch (scene.state.view) {
    case "overview":
      return drawOverview(scene, rect);
    case "dialogues":
      return drawDialogues(scene, rect, true);
    case "ladder":
      return drawLadder(scene, rect, true);
    case "findings":
      return drawFindings(scene, rect);
    case "waiting":
      return drawWaiting(scene, rect);
    case "heat map":
      return drawHeat(scene, rect);
    case "compare":
      return drawCompare(scene, rect, differences);
  }
}

function drawHeat(scene: Scene, rect: Rect) {
  if (rect.height < 18) return drawHeatMap(scene, rect, true);
  const below = Math.min(12, Math.floor(rect.height / 3));
  drawHeatMap(scene, { ...rect, height: rect.height - below }, true);
  drawHistogram(scene, { ...rect, y: rect.y + rect.height - below, height: below }, false);
}

/** Too small for anything else. */
function drawOneLine({ canvas, model }: Scene, context: FrameContext): void {
  const { totals, waitedUs, slowest, findings } = model.report;
  const worst = slowest[0];
  const parts = [
    statusOf(model, context)[0],
    `${shortCount(totals.dialogues)} dlg`,
    `${shortDuration(waitedUs)} waited`,
    ...(worst === undefined ? [] : [`max ${shortDuration(worst.waitedUs)} ${worst.phase}`]),
    ...(findings.length === 0 ? [] : [`~${findings.length}`]),
  ];
  canvas.put(0, 0, parts.join(" "), "plain");
}

function drawHeader(scene: Scene, context: FrameContext, isWhole: boolean): void {
  const { canvas, model, state } = scene;
  const { width } = canvas;
  const { totals, waitedUs, slowest } = model.report;
  const [status, style] = statusOf(model, context);
  // A relay also knows of those on which nothing has been said.
  const open = model.report.relay?.open ?? model.kept.open;
  const dialogues = `${plural(totals.dialogues, "dialogue")}${open > 0 ? ` (${shortCount(open)} open)` : ""}`;
  const parts = [
    dialogues,
    ...(isWhole ? [plural(totals.messages, "message"), plural(totals.exchanges, "exchange")] : []),
  ];
  if (width < 120) parts.splice(1, 0, `${shortDuration(waitedUs)} waited`);
  const at = canvas.put(0, 0, "smtpscope", "strong");
  const statusX = width - widthOf(status) - 1;
  const source = canvas.put(
    at + 2,
    0,
    model.source,
    "focused",
    Math.min(statusX - 2, at + 2 + Math.max(12, width - 60)),
  );
  // What does not fit is left out whole.
  let x = source + 2;
  for (const part of parts) {
    if (x + part.length > statusX - 1) break;
    x = canvas.put(x, 0, part, "plain", statusX - 1) + 2;
  }
  canvas.put(statusX, 0, status, style);
  if (!isWhole) return;
  const end = drawTabs(scene, 1);
  const worst = slowest[0];
  const longest = worst === undefined ? "" : `, longest ${shortDuration(worst.waitedUs)} ${worst.phase}`;
  const said = `waited ${shortDuration(waitedUs)}${longest}`;
  const text = end + widthOf(said) + 2 < width ? said : "";
  canvas.putRight(width - 1, 1, text, state.paused ? "dim" : "plain");
}

const TABS: Readonly<Record<View, string>> = {
  overview: "Overview",
  dialogues: "Dialogues",
  ladder: "Ladder",
  findings: "Findings",
  waiting: "Waiting",
  "heat map": "Heat",
  compare: "Compare",
};

function drawTabs({ canvas, model, state }: Scene, y: number): number {
  let x = 1;
  VIEWS.forEach((view, index) => {
    const isShown = view === state.view;
    if (view === "compare" && !isShown) return;
    const count =
      view === "findings" && model.report.findings.length > 0 ? `(${model.report.findings.length})` : "";
    const label = `${view === "compare" ? "" : `${index + 1} `}${TABS[view]}${count}`;
    const end = canvas.put(x, y, label, isShown ? "focused" : "dim");
    if (isShown) canvas.select(x, y, end - x);
    x = end + 2;
  });
  return x;
}

function statusOf(
  { progress }: ScreenModel,
  { missed }: FrameContext,
): readonly [text: string, style: Style] {
  if (missed >= 0) return [`HELD${missed > 0 ? ` +${shortCount(missed)}` : ""}`, "mark"];
  switch (progress.kind) {
    case "reading":
      return [progress.share === null ? "reading" : `reading ${Math.floor(progress.share * 100)}%`, "mark"];
    case "live":
      return ["LIVE", "good"];
    case "replaying":
      return [`${progress.speed} ${clockText(progress.atUs).slice(0, 8)}`, "mark"];
    case "done":
      return ["all read", "dim"];
  }
}

/** From the bottom: the key bar; above it a prompt, a message, or how far the replay is. @returns rows taken */
function drawFooter(scene: Scene, context: FrameContext): number {
  const { canvas, state } = scene;
  const { width, height } = canvas;
  drawKeyBar(scene, height - 1);
  if (state.prompt !== null) return 1 + drawPrompt(scene, height - 1);
  if (state.message !== null) {
    canvas.clear(0, height - 2, width, 1);
    canvas.put(
      1,
      height - 2,
      `${state.message.isError ? "! " : ""}${state.message.text}`,
      state.message.isError ? "error" : "strong",
    );
    return 2;
  }
  const { progress } = scene.model;
  if (context.clock === null || progress.kind !== "replaying") return 1;
  drawReplayBar(scene, context.clock, progress.atUs, height - 2);
  return 2;
}

/** Whole entries only, the most important first. */
function drawKeyBar({ canvas, state }: Scene, y: number): void {
  const { width } = canvas;
  const entries: readonly BarKey[] =
    state.prompt !== null
      ? state.prompt.choices.length > 0
        ? [
            ...state.prompt.choices.map(([key, label]): BarKey => ({ key, label })),
            { key: "Esc", label: "Cancel" },
          ]
        : [
            { key: "Enter", label: "OK" },
            { key: "Esc", label: "Cancel" },
          ]
      : state.help !== null
        ? [{ key: "Esc", label: "Back" }]
        : BAR_KEYS[state.view];
  let x = 0;
  for (const { key, label } of entries) {
    const needed = widthOf(key) + widthOf(label) + 1;
    if (x + needed > width) continue;
    const end = canvas.put(x, y, key, "key");
    x = canvas.put(end, y, label, "plain") + 1;
  }
}

/** @returns rows taken */
function drawPrompt({ canvas, state }: Scene, end: number): number {
  const { label, text, cursor, error, choices } = state.prompt!;
  const { width } = canvas;
  const rows = error === null ? 1 : 2;
  canvas.clear(0, end - rows, width, rows);
  const at = canvas.put(1, end - rows, label, "strong") + 1;
  if (choices.length > 0) return rows;
  const characters = [...text];
  const room = Math.max(1, width - at - 2);
  const first = Math.max(0, Math.min(cursor - Math.floor(room / 2), characters.length - room + 1));
  const shown = characters.slice(first, first + room);
  shown.forEach((character, i) => {
    // One cell each, so that the cursor and the caret stand where they belong.
    canvas.put(at + i, end - rows, widthOf(character) === 1 ? character : "?", "plain");
  });
  canvas.select(at + cursor - first, end - rows, 1);
  if (error === null) return rows;
  const caret = Math.max(0, Math.min(error.position - first, room - 1));
  const message = error.message;
  const right = at + caret + 2;
  canvas.put(at + caret, end - 1, "^", "error");
  if (right + widthOf(message) <= width) canvas.put(right, end - 1, message, "error");
  else if (widthOf(message) < at + caret - 1) canvas.putRight(at + caret - 1, end - 1, message, "error");
  else {
    // No room beside the caret: a row of its own.
    canvas.clear(0, end - 3, width, 1);
    canvas.put(1, end - 3, message, "error", width);
    return 3;
  }
  return rows;
}

/** Where in the capture's time the picture stands, and where its findings are. */
function drawReplayBar({ canvas }: Scene, clock: ReplayClock, atUs: number, y: number): void {
  const { firstAtUs, lastAtUs, marksUs } = clock;
  const { width } = canvas;
  const left = canvas.put(1, y, clockText(firstAtUs).slice(0, 8), "dim") + 1;
  const right = width - 10;
  const cells = Math.max(1, right - left - 1);
  const cellOf = (us: number) =>
    left + Math.round(((us - firstAtUs) / Math.max(1, lastAtUs - firstAtUs)) * (cells - 1));
  canvas.fill(left, y, cells, "─", "dim");
  canvas.fill(left, y, cellOf(atUs) - left, "═", "bar");
  for (const mark of marksUs) canvas.put(cellOf(mark), y, "!", "slow");
  canvas.put(cellOf(atUs), y, "■", "strong");
  canvas.putRight(width - 1, y, clockText(lastAtUs).slice(0, 8), "dim");
}

/** What is seen, as text. */
export function pictureText(canvas: Canvas): string {
  return `${canvas.lines().join("\n")}\n`;
}
