import { type Canvas, widthOf } from "./canvas.ts";
import type { Style } from "./style.ts";

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Something that is drawn into a rectangle: its title's row is the first. */
export interface Part {
  /** Rows it cannot do without; it is left out where they are not there. */
  readonly min: number;
  /** Rows beyond which it has no use for more. */
  readonly want: number;
  readonly draw: (rect: Rect) => void;
}

/** Parts below each other. What is left after everybody's least goes to the first ones first. */
export function stack(rect: Rect, parts: readonly Part[]): void {
  const shown: Part[] = [];
  let left = rect.height;
  for (const part of parts) {
    if (part.min > left) continue;
    shown.push(part);
    left -= part.min;
  }
  let y = rect.y;
  shown.forEach((part, index) => {
    const isLast = index === shown.length - 1;
    const extra = isLast ? left : Math.min(left, Math.max(0, part.want - part.min));
    left -= extra;
    const height = part.min + extra;
    part.draw({ x: rect.x, y, width: rect.width, height });
    y += height;
  });
}

/** A pane's first row: what it shows, and at the right how. @returns the rectangle below */
export function titled(canvas: Canvas, rect: Rect, title: string, hint: string, focused: boolean): Rect {
  const { x, y, width, height } = rect;
  const style: Style = focused ? "focused" : "title";
  canvas.fill(x, y, width, focused ? "═" : "─", style);
  const end = canvas.put(x + 1, y, ` ${title} `, style, x + width);
  const hintWidth = widthOf(hint) + 2;
  if (hint !== "" && end + hintWidth < x + width) canvas.putRight(x + width - 1, y, ` ${hint} `, style);
  return { x, y: y + 1, width, height: height - 1 };
}

/** The first row to show so that the chosen one is seen, in the middle where there is more either side. */
export function firstRow(chosen: number, rows: number, height: number): number {
  return Math.max(0, Math.min(chosen - Math.floor(height / 2), rows - height));
}

/** Text in lines no wider than this, broken at blanks where there are any. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
    while (widthOf(line) > width && width > 0) {
      const characters = [...line];
      lines.push(characters.slice(0, width).join(""));
      line = characters.slice(width).join("");
    }
  }
  if (line !== "" || lines.length === 0) lines.push(line);
  return lines;
}

/** A bar of so many cells, in eighths. */
export function barText(cells: number): string {
  const whole = Math.floor(cells);
  const eighths = Math.round((cells - whole) * 8);
  return "█".repeat(whole) + (eighths === 0 ? "" : "▏▎▍▌▋▊▉█"[eighths - 1]!);
}
