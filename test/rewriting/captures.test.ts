/** No capture of real traffic that is at hand was rewritten: whatever is found in one is a false alarm. */
import { expect, test } from "vitest";
import type { Report } from "../../src/spine/report.ts";
import { SHARED, SHIPPED } from "../cli/support/captures.ts";
import { replay } from "../cli/support/run.ts";

test("nothing is found in the captures", async () => {
  const { stdout } = await replay(...SHIPPED, ...SHARED, "-o", "json");
  const { findings, totals } = JSON.parse(stdout) as Report;
  expect(totals.dialogues).toBeGreaterThanOrEqual(SHIPPED.length);
  const rewriting = findings.filter(({ id }) => id.startsWith("rewriting/"));
  expect(rewriting.map(({ id, claim, evidence }) => `${evidence[0]?.file}: ${id}: ${claim}`)).toEqual([]);
}, 60_000);
