import { join } from "node:path";
import { expect, test } from "vitest";
import { diffCaptures } from "../../src/diff/diff.ts";
import { SHARED, SHIPPED } from "../cli/support/captures.ts";
import { ROOT } from "../cli/support/run.ts";
import { capturedFile, OPTIONS } from "./path.ts";

/** A capture compared with itself: everything is found, and nothing is different. */

const captures = [...SHIPPED, ...SHARED.filter((name) => !/\/fmt__/.test(name))];

test.each(captures)("diff X X is empty: %s", async (file) => {
  const [a, b] = await Promise.all([capturedFile(join(ROOT, file)), capturedFile(join(ROOT, file))]);
  const report = diffCaptures(a, b, OPTIONS);
  const none = { only: { dialogues: 0 }, ambiguous: { dialogues: 0 }, outsideWindow: 0 };
  expect(report).toMatchObject({
    changes: [],
    findings: [],
    segments: { resplit: 0 },
    inside: none,
    outside: none,
  });
  expect(report.matched.dialogues).toBe(report.inside.dialogues);
  if (report.matched.doubtful === 0) expect(report.matched.unchanged).toBe(report.inside.dialogues);
  for (const { added } of report.delays) expect([added.minUs, added.maxUs]).toEqual([0, 0]);
  if (report.clock !== null) expect(report.clock.offsetUs).toBe(0);
});
