import type { KeptDialogue } from "../../spine/kept.ts";
import { type ComparedExchange, compareDialogues } from "../comparison.ts";
import { firstRow, type Rect, titled } from "../layout.ts";
import type { ScreenHost } from "../model.ts";
import { clockText, shortDuration } from "../numbers.ts";
import type { Style } from "../style.ts";
import { deltaText, drawBaseline } from "./baseline.ts";
import type { Scene } from "./context.ts";

/** Two marked dialogues side by side, or this report beside a baseline. */
export function drawCompare(scene: Scene, rect: Rect, differences: ScreenHost["differences"]) {
  const { canvas, state, model } = scene;
  const marked = state.marked.map((id) => model.kept.dialogues.find((dialogue) => dialogue.id === id));
  const [a, b] = marked;
  if (state.compareMarked && a !== undefined && b !== undefined)
    return drawMarked(scene, rect, a, b, differences);
  if (state.baseline !== null) return drawBaseline(scene, rect);
  const body = titled(canvas, rect, "Compare", "", true);
  const hints = [
    "Space marks a dialogue of the list; d compares two that are marked.",
    "b compares with a baseline: a capture, or a report that replay -o json wrote.",
  ];
  hints.forEach((hint, i) => {
    canvas.put(body.x + 1, body.y + i, hint, "dim", body.x + body.width);
  });
}

interface Row {
  readonly text: string;
  readonly style: Style;
  readonly times: readonly string[];
}

function drawMarked(
  { canvas, state }: Scene,
  rect: Rect,
  a: KeptDialogue,
  b: KeptDialogue,
  differences: ScreenHost["differences"],
): void {
  const body = titled(canvas, rect, "Two dialogues", "Space in the list: mark others", true);
  const head = (name: string, { client, server, startAtUs, file, tcpStream }: KeptDialogue) =>
    `${name} ${clockText(startAtUs)}  ${client} → ${server}  ${file} tcp.stream ${tcpStream}`;
  canvas.put(body.x + 1, body.y, head("A", a), "strong", body.x + body.width);
  canvas.put(body.x + 1, body.y + 1, head("B", b), "strong", body.x + body.width);
  if (a.exchanges === null || b.exchanges === null) {
    canvas.put(
      body.x + 1,
      body.y + 3,
      "condensed for lack of room: its exchanges are gone",
      "dim",
      body.x + body.width,
    );
    return;
  }
  const rows = compareDialogues(a, b, differences).flatMap(rowsOf);
  const timesX = body.x + Math.max(20, body.width - 29);
  ["A", "B", "B − A"].forEach((label, i) => {
    canvas.putRight(timesX + (i + 1) * 9, body.y + 2, label, "dim");
  });
  const height = body.height - 3;
  const chosen = Math.min(state.compareLine, Math.max(0, rows.length - 1));
  const first = firstRow(chosen, rows.length, height);
  rows.slice(first, first + height).forEach(({ text, style, times }, i) => {
    const y = body.y + 3 + i;
    canvas.put(body.x + 1, y, text, style, times.length === 0 ? body.x + body.width : timesX);
    times.forEach((time, column) => {
      canvas.putRight(
        timesX + (column + 1) * 9,
        y,
        time,
        column === 2 && time.includes("!") ? "slow" : "plain",
      );
    });
    if (first + i === chosen) canvas.select(body.x, y, body.width);
  });
}

function rowsOf({ verb, a, b, differences }: ComparedExchange): Row[] {
  const [x, y] = [a?.serviceUs ?? null, b?.serviceUs ?? null];
  const deltaUs = x === null || y === null ? null : y - x;
  const code = (exchange: typeof a) => (exchange === null ? "–" : String(exchange.code ?? "no reply"));
  const isSame = code(a) === code(b);
  const side = a === null ? "only in B: " : b === null ? "only in A: " : "";
  const said = (a ?? b)!.command ?? verb;
  const head: Row = {
    text: `${side}${said} → ${isSame || side !== "" ? code(a ?? b) : `${code(a)} / ${code(b)}`}`,
    style: side !== "" || !isSame ? "mark" : "plain",
    times: [shortDuration(x), shortDuration(y), deltaText(deltaUs)],
  };
  return [
    head,
    ...differences.flatMap(({ changes, before, beforeMarks, after, afterMarks }): Row[] => {
      const lines: Row[] = [];
      const say = (text: string, style: Style) => lines.push({ text, style, times: [] });
      say(`  ~ ${changes.join(", ")}`, "rewritten");
      const [a, b] = withoutEnds(before, after);
      if (a !== null) say(`    A ${a}`, "plain");
      if (before !== null && beforeMarks !== "") say(`      ${beforeMarks}`, "rewritten");
      if (b !== null) say(`    B ${b}`, "plain");
      if (after !== null && afterMarks !== "") say(`      ${afterMarks}`, "rewritten");
      return lines;
    }),
  ];
}

/** Line ends are shown where they are not what they should be, or not the same. */
function withoutEnds(before: string | null, after: string | null): [string | null, string | null] {
  const isUsual = (text: string | null) => text === null || text.endsWith("\\r\\n");
  if (!isUsual(before) || !isUsual(after)) return [before, after];
  return [before?.slice(0, -4) ?? null, after?.slice(0, -4) ?? null];
}
