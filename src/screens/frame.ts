import { inClasses } from "../spine/finding.ts";
import { plural } from "../spine/format.ts";
import { type Canvas, widthOf } from "./canvas.ts";
import { drawFooter } from "./footer.ts";
import type { Rect } from "./layout.ts";
import type { ReplayClock, ScreenHost, ScreenModel } from "./model.ts";
import { clockText, shortCount, shortDuration } from "./numbers.ts";
import { drawCompare } from "./panes/compare.ts";
import type { Scene } from "./panes/context.ts";
import { drawDialogues, waitingTexts } from "./panes/dialogues.ts";
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
  const lines = drawFooter(scene, context.clock);
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
  const { totals, slowest, findings } = model.report;
  const worst = slowest[0];
  const parts = [
    statusOf(model, context)[0],
    `${shortCount(totals.dialogues)} dlg`,
    waitingOrWaited(model),
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
  const { open } = model.kept;
  const dialogues = `${plural(totals.dialogues + open, "dialogue")}${open > 0 ? ` (${shortCount(open)} open)` : ""}`;
  const parts = [
    ...sloText(model),
    dialogues,
    ...(isWhole ? [plural(totals.messages, "message"), plural(totals.exchanges, "exchange")] : []),
  ];
  if (width < 120) parts.splice(1, 0, waitingOrWaited(model));
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
  const fits = (text: string) => end + widthOf(text) + 2 < width;
  const now = waitingTexts(model.kept).find(fits);
  if (now !== undefined) canvas.putRight(width - 1, 1, now, "slow");
  else if (fits(said)) canvas.putRight(width - 1, 1, said, state.paused ? "dim" : "plain");
}

/** In few words: who waits now, if anybody does. */
function waitingOrWaited({ kept, report }: ScreenModel): string {
  return waitingTexts(kept).at(-1) ?? `${shortDuration(report.waitedUs)} waited`;
}

/** How many of the limits that were asked for (--slo) do not hold. */
function sloText({ report }: ScreenModel): string[] {
  const { thresholds } = report;
  if (thresholds.length === 0) return [];
  const violated = thresholds.filter(({ verdict }) => verdict === "violated").map(({ text }) => text);
  const [first] = violated;
  if (first === undefined) return ["slo met"];
  return [`slo X ${first}${violated.length > 1 ? ` +${violated.length - 1}` : ""}`];
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
      view === "findings" && model.report.findings.length > 0
        ? `(${inClasses(model.report.findings).length})`
        : "";
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

/** What is seen, as text. */
export function pictureText(canvas: Canvas): string {
  return `${canvas.lines().join("\n")}\n`;
}
