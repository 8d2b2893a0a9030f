import { countText } from "../../spine/format.ts";
import type { KeptDialogue, KeptDialogues } from "../../spine/kept.ts";
import { COLUMNS, placeColumns } from "../columns.ts";
import { firstRow, type Rect, titled } from "../layout.ts";
import { waitsLong } from "../listing.ts";
import { shortDuration } from "../numbers.ts";
import type { Style } from "../style.ts";
import type { Scene } from "./context.ts";

/** The list of dialogues: one a row, the chosen one and the marked ones shown as such. */
export function drawDialogues(scene: Scene, rect: Rect, focused: boolean): void {
  const { canvas, rows, place, state } = scene;
  const body = titled(
    canvas,
    rect,
    titleOf(scene),
    `${state.sort} ${state.descending ? "▼" : "▲"}  s: sort`,
    focused,
  );
  const columns = placeColumns(body.width - 2, state.hiddenColumns);
  for (const { key, x, width } of columns) {
    const column = COLUMNS[key];
    const at = body.x + 2 + x;
    if ("right" in column) canvas.putRight(at + width, body.y, column.label, "dim");
    else canvas.put(at, body.y, column.label, "dim", at + width);
  }
  const height = body.height - 1;
  const first = firstRow(place, rows.length, height);
  for (let i = 0; i < height && first + i < rows.length; i++) {
    const dialogue = rows[first + i]!;
    const y = body.y + 1 + i;
    drawRow(scene, dialogue, columns, body.x, y);
    if (first + i !== place) continue;
    canvas.put(body.x, y, "▶", focused ? "focused" : "title");
    if (focused) canvas.select(body.x, y, body.width);
  }
  if (rows.length === 0 && height > 0)
    canvas.put(body.x + 2, body.y + 1, emptyText(scene), "dim", body.x + body.width);
}

function drawRow(
  { canvas, state }: Scene,
  dialogue: KeptDialogue,
  columns: ReturnType<typeof placeColumns>,
  x: number,
  y: number,
): void {
  if (state.marked.includes(dialogue.id)) canvas.put(x + 1, y, "*", "mark");
  for (const { key, x: offset, width } of columns) {
    const column = COLUMNS[key];
    const at = x + 2 + offset;
    const style: Style = "style" in column ? column.style(dialogue) : "plain";
    const text = column.text(dialogue, width);
    if ("right" in column) canvas.putRight(at + width, y, text, style);
    else canvas.put(at, y, text, style, at + width);
  }
}

function titleOf({ model, rows, state }: Scene): string {
  const { dialogues, condensed, forgotten } = model.kept;
  const count =
    state.filter === null
      ? countText(dialogues.length)
      : `${countText(rows.length)} of ${countText(dialogues.length)}`;
  // Beside a filter there is room for less.
  const [whole, short] = waitingTexts(model.kept);
  const now = state.filter === null ? whole : short;
  const parts = [`Dialogues ${count}`, ...(now === undefined ? [] : [now])];
  if (state.filter !== null) parts.push(`/ ${state.filterText}`);
  if (condensed > 0) parts.push(`${countText(condensed)} condensed`);
  if (forgotten > 0) parts.push(`${countText(forgotten)} older only counted`);
  return parts.join(" · ");
}

/** Who waits now for longer than a moment, in more words and in fewer; nothing where nobody does. */
export function waitingTexts({ waiting }: KeptDialogues): string[] {
  const many = waiting.filter(waitsLong).length;
  if (many === 0) return [];
  const { what, waitedUs } = waiting[0]!.pending!;
  const short = `${countText(many)} waiting, ${shortDuration(waitedUs)}`;
  return [`${short} for ${WAITED_FOR[what]}`, short, `${countText(many)} waiting`];
}

const WAITED_FOR = { connect: "a connection", banner: "the banner", reply: "a reply" };

function emptyText({ model, state }: Scene): string {
  if (state.filter !== null && model.kept.dialogues.length > 0)
    return "no dialogue has an exchange that matches; / changes the filter";
  return model.progress.kind === "done" ? "no dialogue" : "waiting for a dialogue";
}
