import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { diffCaptures } from "../../src/diff/diff.ts";
import type { DiffReport } from "../../src/spine/diff-report.ts";
import { ROOT } from "../cli/support/run.ts";
import { capturedFile, OPTIONS } from "./path.ts";

/**
 * Both sides of the lab's fault scenarios: nothing on their paths rewrites, so there is no change to be found; and
 * what some of them hold, and others lose, is known.
 */

const LABELLED = join(ROOT, "test/diagnosis/labelled");
const SCENARIOS = readdirSync(LABELLED)
  .filter((name) => name.endsWith(".server.pcap.gz"))
  .map((name) => name.slice(0, -".server.pcap.gz".length))
  // On the server's side of this one there is nothing.
  .filter((name) => name !== "dropped");

async function diffOf(scenario: string): Promise<DiffReport> {
  const side = (name: string) => capturedFile(join(LABELLED, `${scenario}.${name}.pcap.gz`));
  return diffCaptures(await side("server"), await side("client"), OPTIONS);
}

/** Phase → replies held; what takes so long everywhere is left out. */
const held = (report: DiffReport) =>
  Object.fromEntries(report.delays.filter((each) => each.held > 0).map(({ phase, held }) => [phase, held]));
const lost = (report: DiffReport) => report.delays.reduce((sum, each) => sum + each.lost, 0);

test("there are scenarios", () => {
  expect(existsSync(LABELLED)).toBe(true);
  expect(SCENARIOS.length).toBeGreaterThan(50);
});

test.each(SCENARIOS)("%s: every dialogue is found, and no change invented", async (scenario) => {
  const report = await diffOf(scenario);
  expect(report.changes).toEqual([]);
  expect(report.matched.dialogues).toBe(report.inside.dialogues);
  expect(report.matched.dialogues).toBe(report.outside.dialogues);
  expect(report.findings.map(({ id }) => id).filter((id) => !PATH_FINDINGS.has(id))).toEqual([]);
  if (report.clock === null) return;
  // One kernel made both captures.
  expect(Math.abs(report.clock.offsetUs)).toBeLessThanOrEqual(report.clock.uncertaintyUs);
});

const PATH_FINDINGS: ReadonlySet<string> = new Set(["rewriting/reply-held", "rewriting/segments-resplit"]);

describe("what the path held, and what it lost", () => {
  const after = ["ehlo", "mail", "rcpt", "data", "end-of-data", "quit"];
  test.each<[string, string[], number, boolean]>([
    ["firewall-holds-banner", ["banner"], 2_000_000, false],
    ["firewall-holds-command", ["mail"], 1_600_000, false],
    ["firewall-holds-replies", after, 700_000, false],
    ["firewall-terminates-banner", ["banner"], 2_400_000, false],
    ["firewall-terminates-replies", after, 880_000, false],
    ["banner-lost", [], 0, true],
    ["commands-lost", [], 0, true],
    ["replies-lost", [], 0, true],
    ["high-rtt", [], 0, false],
    ["greet-pause-postfix", [], 0, false],
    ["ptr-postfix", [], 0, false],
  ])("%s", async (scenario, phases, atLeastUs, isLost) => {
    const report = await diffOf(scenario);
    expect(Object.keys(held(report))).toEqual(phases);
    expect(lost(report) > 0).toBe(isLost);
    for (const { phase, added } of report.delays) {
      if (!phases.includes(phase)) continue;
      expect(added.p50Us).toBeGreaterThanOrEqual(atLeastUs);
      expect(added.p50Us).toBeLessThan(atLeastUs + 120_000);
    }
  });
});
