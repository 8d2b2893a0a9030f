import { widthOf } from "../canvas.ts";
import { COMMANDS, KEYS, keyName } from "../keys.ts";
import { type Rect, titled, wrap } from "../layout.ts";
import { FLAG_LETTERS } from "../marks.ts";
import type { Style } from "../style.ts";
import type { Scene } from "./context.ts";

type Line = readonly [name: string, text: string, style: Style];

const LINES: readonly Line[] = [
  ...KEYS.map(({ keys, help }): Line => [keys.map(keyName).join(" "), help, "plain"]),
  ["", "", "plain"],
  ["Commands", "", "title"],
  ...COMMANDS.map(({ usage, help }): Line => [`:${usage}`, help, "plain"]),
  ["", "", "plain"],
  ["Signs", "", "title"],
  ...FLAG_LETTERS.map(([letter, meaning]): Line => [letter, meaning, "plain"]),
];

const NARROW = 14;
const WIDE = 24;
/** From here on there is room for two columns. */
const TWO_COLUMNS = 150;

/** Rows of help in a terminal of this width, what is too long on rows of its own. */
export function helpRows(width: number): readonly Line[] {
  const { column, name } = shapeOf(width);
  return LINES.flatMap(([label, text, style]): Line[] => {
    const isLong = widthOf(label) > name;
    const [first = "", ...rest] = wrap(text, column - name - 3);
    const more = rest.map((line): Line => ["", line, style]);
    return isLong && text !== ""
      ? [[label, "", style], ["", first, style], ...more]
      : [[label, first, style], ...more];
  });
}

function shapeOf(width: number) {
  const columns = width >= TWO_COLUMNS ? 2 : 1;
  const column = Math.floor(width / columns);
  return { columns, column, name: column < 80 ? NARROW : WIDE };
}

export function drawHelp({ canvas, state }: Scene, rect: Rect): void {
  const rows = helpRows(rect.width);
  const { columns, column, name } = shapeOf(rect.width);
  const { height } = rect;
  const shown = (height - 1) * columns;
  const top = Math.max(0, Math.min(state.help ?? 0, rows.length - shown));
  const hint = rows.length > shown ? "Esc: back  ↑↓: more" : "Esc: back";
  const body = titled(canvas, rect, "Keys", hint, true);
  rows.slice(top, top + shown).forEach(([label, text, style], i) => {
    const x = body.x + 1 + Math.floor(i / body.height) * column;
    const y = body.y + (i % body.height);
    canvas.put(x, y, label, style === "title" ? style : "strong", x + column - 1);
    canvas.put(x + name + 1, y, text, style, x + column - 1);
  });
}
