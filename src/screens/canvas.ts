import { STYLES, type Style } from "./style.ts";

/**
 * A picture in cells: what all views draw on, and the only way to the terminal. Whatever is put here
 * becomes one printable character a cell; nothing else gets through, wherever it came from.
 */

/** Beside a cell's style: it is part of what is selected. */
export const SELECTED = 0x80;

const NUMBERS = new Map<Style, number>(STYLES.map((style, index) => [style, index]));

/** The second cell of a character that is two cells wide. */
export const CONTINUED = "";

// Letters, marks that stand alone, digits, punctuation and symbols of one cell each; see `cellsOf`.
const WIDE =
  /^(?![\p{M}\p{C}])[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]$/u;
const NARROW = /^(?!\p{Emoji_Presentation}|[\u1160-\u11ff\ud7b0-\ud7ff])[\p{L}\p{N}\p{P}\p{S}\p{Zs}]$/u;

/** What a terminal without UTF-8 shows instead. Every one of them is one cell, as what it stands for. */
const ASCII: Readonly<Record<string, string>> = {
  "└": "+",
  "─": "-",
  "│": "|",
  "═": "=",
  "┼": "+",
  "├": "+",
  "┤": "|",
  "▶": ">",
  "◀": "<",
  "→": ">",
  "←": "<",
  "↔": "=",
  "▲": "^",
  "▼": "v",
  "█": "#",
  "▉": "#",
  "▊": "#",
  "▋": "#",
  "▌": "=",
  "▍": "-",
  "▎": "-",
  "▏": ".",
  "▁": "_",
  "▂": "_",
  "▃": ".",
  "▄": "-",
  "▅": "=",
  "▆": "+",
  "▇": "*",
  "░": ".",
  "▒": "o",
  "▓": "O",
  "…": "~",
  "·": ".",
  "×": "x",
  µ: "u",
  "≤": "<",
  "≥": ">",
  "–": "-",
  "■": "#",
  "□": ".",
  "†": "+",
};

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly isAscii: boolean;
  readonly characters: string[];
  readonly styles: Uint8Array;

  constructor(width: number, height: number, isAscii = false) {
    this.width = width;
    this.height = height;
    this.isAscii = isAscii;
    this.characters = new Array<string>(width * height).fill(" ");
    this.styles = new Uint8Array(width * height);
  }

  /**
   * Writes text at a place, cut at `end` (the column after the last) with an ellipsis.
   * @returns the column after what was written
   */
  put(x: number, y: number, text: string, style: Style = "plain", end = this.width): number {
    if (y < 0 || y >= this.height) return x;
    const limit = Math.min(end, this.width);
    const number = NUMBERS.get(style)!;
    let at = x;
    for (const character of text) {
      const cells = this.#cellsOf(character);
      for (const cell of cells) {
        const width = cell.length === 1 && WIDE.test(cell) ? 2 : 1;
        if (at + width > limit) {
          if (limit > x) this.#cell(limit - 1, y, this.isAscii ? "~" : "…", number);
          return limit;
        }
        // Of a wide character that is cut off at the left nothing is left but a blank.
        this.#cell(at, y, cell, number);
        if (width === 2) this.#cell(at + 1, y, at < 0 ? " " : CONTINUED, number);
        at += width;
      }
    }
    return at;
  }

  /** The same, so that it ends before column `end`. */
  putRight(end: number, y: number, text: string, style: Style = "plain"): void {
    this.put(Math.max(0, end - widthOf(text)), y, text, style, end);
  }

  fill(x: number, y: number, width: number, character: string, style: Style = "plain"): void {
    if (width > 0) this.put(x, y, character.repeat(width), style, x + width);
  }

  /** Shows a stretch of a row as selected. */
  select(x: number, y: number, width: number): void {
    if (y < 0 || y >= this.height) return;
    const from = y * this.width + Math.max(0, x);
    const to = y * this.width + Math.min(this.width, x + width);
    for (let at = from; at < to; at++) this.styles[at]! |= SELECTED;
  }

  /** Wipes a rectangle. */
  clear(x: number, y: number, width: number, height: number): void {
    for (let row = y; row < y + height; row++) this.fill(x, row, width, " ");
  }

  /** The rows without their styles, for tests and files. */
  lines(): string[] {
    return Array.from({ length: this.height }, (_, y) =>
      this.characters
        .slice(y * this.width, (y + 1) * this.width)
        .join("")
        .trimEnd(),
    );
  }

  #cell(x: number, y: number, character: string, style: number): void {
    if (x < 0 || x >= this.width) return;
    const at = y * this.width + x;
    // Half of a wide character would move everything after it.
    if (this.characters[at] === CONTINUED && x > 0 && character !== CONTINUED) this.characters[at - 1] = " ";
    if (character !== CONTINUED && x + 1 < this.width && this.characters[at + 1] === CONTINUED)
      this.characters[at + 1] = " ";
    this.characters[at] = character;
    this.styles[at] = style;
  }

  #cellsOf(character: string): readonly string[] | string {
    const code = character.charCodeAt(0);
    if (code >= 0x20 && code < 0x7f) return character;
    if (!this.isAscii) return cellsOf(character);
    return ASCII[character] ?? cellsOf(character, true);
  }
}

/** Cells that a text takes when it is put on a canvas. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    for (const cell of cellsOf(character)) width += cell.length === 1 && WIDE.test(cell) ? 2 : 1;
  }
  return width;
}

/**
 * A character as cells. What is not certain to take one cell or two on every terminal (joined and
 * astral characters), and what acts on one, is spelt out.
 */
function cellsOf(character: string, isAscii = false): string {
  const code = character.codePointAt(0)!;
  if (code >= 0x20 && code < 0x7f) return character;
  if (!isAscii && character.length === 1 && (NARROW.test(character) || WIDE.test(character)))
    return character;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}
