import type { Paint } from "./text.ts";

export interface Column<Row> {
  readonly label: string;
  readonly align: "left" | "right";
  readonly text: (row: Row) => string;
}

/** Rows under labels, each column as wide as its widest entry. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Paint): string {
  const cells = rows.map((row) => columns.map(({ text }) => text(row)));
  const widths = columns.map(({ label }, i) => Math.max(label.length, ...cells.map((row) => row[i]!.length)));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => (columns[i]!.align === "left" ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [paint("heading", line(columns.map(({ label }) => label))), ...cells.map(line)].join("\n");
}
