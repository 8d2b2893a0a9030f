import { COMMANDS, KEYS } from "../keys.ts";
import { type Rect, titled } from "../layout.ts";
import { FLAG_LETTERS } from "../marks.ts";
import type { Style } from "../style.ts";
import type { Scene } from "./context.ts";

type Line = readonly [name: string, text: string, style: Style];

const NAMES: Readonly<Record<string, string>> = {
  enter: "Enter",
  escape: "Esc",
  backspace: "Backspace",
  tab: "Tab",
  "S-tab": "Shift-Tab",
  space: "Space",
  up: "↑",
  down: "↓",
  left: "←",
  right: "→",
  pageup: "PgUp",
  pagedown: "PgDn",
  home: "Home",
  end: "End",
};

function keyName(key: string): string {
  return NAMES[key] ?? key.replace(/^f(\d+)$/, "F$1").replace(/^C-/, "Ctrl-");
}

const LINES: readonly Line[] = [
  ...KEYS.map(({ keys, help }): Line => [keys.map(keyName).join(" "), help, "plain"]),
  ["", "", "plain"],
  ["Commands", "", "title"],
  ...COMMANDS.map(({ usage, help }): Line => [`:${usage}`, help, "plain"]),
  ["", "", "plain"],
  ["Signs", "", "title"],
  ...FLAG_LETTERS.map(([letter, meaning]): Line => [letter, meaning, "plain"]),
];

/** Rows that help has, to scroll by. */
export const HELP_ROWS = LINES.length;

export function drawHelp({ canvas, state }: Scene, rect: Rect): void {
  const body = titled(canvas, rect, "Keys", "Esc: back  ↑↓: more", true);
  const top = Math.max(0, Math.min(state.help ?? 0, HELP_ROWS - body.height));
  const nameWidth = body.width < 80 ? 14 : 24;
  LINES.slice(top, top + body.height).forEach(([name, text, style], i) => {
    const y = body.y + i;
    const isLong = name.length > nameWidth;
    const at = canvas.put(body.x + 1, y, name, style === "title" ? style : "strong", body.x + body.width);
    canvas.put(isLong ? at + 2 : body.x + nameWidth + 2, y, text, style, body.x + body.width);
  });
}
