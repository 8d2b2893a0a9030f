/** The tour capture's reports, kept beside this file: UPDATE_GOLDEN=1 writes them anew, and the difference is read. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Report } from "../../src/spine/report.ts";
import { SHIPPED, TOUR } from "../cli/support/captures.ts";
import { replay } from "../cli/support/run.ts";

function expectGolden(name: string, text: string): void {
  const path = new URL(`golden/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, "utf8"));
}

describe("the tour", () => {
  test("as text", async () => {
    expectGolden("slow-ptr.txt", (await replay(TOUR)).stdout);
  });

  test("as text, by client, with a filter", async () => {
    const args = ["--by", "client", "-Y", "phase==banner && dur>1s", "--top", "3", "--percentiles", "50,99"];
    expectGolden("slow-ptr-late-banners.txt", (await replay(TOUR, ...args)).stdout);
  });

  test("as JSON: the parts that do not change with every release", async () => {
    const report = JSON.parse((await replay(TOUR, "-o", "json", "--by", "server")).stdout) as Report;
    const { tool, ...stable } = report;
    expect(tool.name).toBe("smtpscope");
    expectGolden("slow-ptr-json.txt", `${JSON.stringify(stable, null, 1)}\n`);
  });
});

describe.each(SHIPPED)("%s as text", (capture) => {
  test("every part in its place, nothing that is no number", async () => {
    const { stdout } = await replay(capture, "--by", "server");
    expect(stdout).not.toMatch(/NaN|undefined|null|Infinity|\[object|:\?/);
    expect(stdout).not.toMatch(/[ \t]+$/m);
    expect(stdout).not.toMatch(/\n{3,}/);
    const heads = [
      /^Source /m,
      /^Window /m,
      /^Dialogues /m,
      /^Health /m,
      /^Waiting /m,
      /^Phase /m,
      /: how long /,
      /^By server /m,
      /^Slowest replies/m,
    ];
    const places = heads.map((head) => stdout.search(head));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test("the phases' table fits 80 columns, and its columns stand in line", async () => {
    const { stdout } = await replay(capture);
    const table = stdout
      .slice(stdout.search(/^Phase /m))
      .split("\n\n")[0]!
      .split("\n");
    expect(new Set(table.map((line) => [...line].length)).size).toBe(1);
    for (const line of table) expect([...line].length, line).toBeLessThanOrEqual(80);
  });

  test("the histogram fits 80 columns", async () => {
    const { stdout } = await replay(capture);
    const bars = stdout.split("\n").filter((line) => line.includes(" |"));
    expect(bars.length).toBeGreaterThan(0);
    for (const line of bars) expect([...line].length, line).toBeLessThanOrEqual(80);
  });
});
