import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";

/** What a screen looks like, kept as text: UPDATE_GOLDEN=1 writes it anew, and the difference is read. */
export function expectGolden(name: string, text: string): void {
  const path = new URL(`../golden/${name}.txt`, import.meta.url);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, `${text}\n`);
  expect(`${text}\n`, name).toBe(existsSync(path) ? readFileSync(path, "utf8") : "");
}
