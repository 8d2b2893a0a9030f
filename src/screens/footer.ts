import { widthOf } from "./canvas.ts";
import { BAR_KEYS, type BarKey } from "./keys.ts";
import type { ReplayClock } from "./model.ts";
import { clockText } from "./numbers.ts";
import type { Scene } from "./panes/context.ts";

/** From the bottom: the key bar; above it a prompt, a message, or how far the replay is. @returns rows taken */
export function drawFooter(scene: Scene, clock: ReplayClock | null): number {
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
  if (clock === null || progress.kind !== "replaying") return 1;
  drawReplayBar(scene, clock, progress.atUs, height - 2);
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
