import type { Paint } from "./text.ts";

export interface Column<Row> {
  readonly label: string;
  readonly align: "left" | "right";
  readonly text: (row: Row) => string;
  /** Stands closer to the column before it. */
  readonly close?: boolean;
}

/** Words in lines of up to `width`; a longer word (a path) stays whole. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Rows under labels, each column as wide as its widest entry. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Paint): string {
  const cells = rows.map((row) => columns.map(({ text }) => text(row)));
  const widths = columns.map(({ label }, i) => Math.max(label.length, ...cells.map((row) => row[i]!.length)));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => {
        const { align, close } = columns[i]!;
        const gap = i === 0 ? "" : close === true ? " " : "  ";
        return gap + (align === "left" ? text.padEnd(widths[i]!) : text.padStart(widths[i]!));
      })
      .join("")
      .trimEnd();
  return [paint("heading", line(columns.map(({ label }) => label))), ...cells.map(line)].join("\n");
}
