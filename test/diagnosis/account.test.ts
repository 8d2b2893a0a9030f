/** The account of waiting adds up, on every capture there is; and nothing is found where nothing is wrong. */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { CAUSE_EXPLANATIONS } from "../../src/diagnosis/causes/index.ts";
import type { CauseFinding } from "../../src/spine/finding.ts";
import type { Report } from "../../src/spine/report.ts";
import { reportOf } from "./labelled-set.ts";

const SHIPPED = new URL("../../captures/", import.meta.url).pathname;
const SHARED = new URL("../../../shared/captures/", import.meta.url).pathname;
const HEALTHY = ["healthy.pcap", "starttls.pcap", "pipelining.pcap", "bdat-exim.pcap"];

const shipped = readdirSync(SHIPPED).filter((name) => name.endsWith(".pcap"));
const shared = existsSync(SHARED)
  ? readdirSync(SHARED).filter((name) => /cap|trace/.test(name) && !name.startsWith("fmt__"))
  : [];
const files = [...shipped.map((name) => join(SHIPPED, name)), ...shared.map((name) => join(SHARED, name))];
const reports = new Map<string, Report>();

beforeAll(async () => {
  for (const file of files) reports.set(file, await reportOf(file));
}, 120_000);

const causesOf = ({ findings }: Report) =>
  findings.filter((finding): finding is CauseFinding => "rank" in finding);

describe.each(files.map((file) => [basename(file), file] as const))("%s", (_name, file) => {
  test("each µs that was waited is in one part or unexplained", () => {
    const { waiting, waitedUs } = reports.get(file)!;
    const partsUs = waiting.parts.reduce((sum, { explainedUs }) => sum + explainedUs, 0);
    expect(waiting.waitedUs).toBe(waitedUs);
    expect(partsUs + waiting.unexplainedUs).toBe(waiting.waitedUs + waiting.unseenUs);
    expect(waiting.unexplainedUs).toBeGreaterThanOrEqual(0);
    expect(waiting.promptUs).toBeLessThanOrEqual(waiting.unexplainedUs);
    for (const part of waiting.parts) expect(part.explainedUs).toBeGreaterThan(0);
  });

  test("no cause explains more than was waited, ranks have no holes, ties are mutual", () => {
    const causes = causesOf(reports.get(file)!);
    const ranks = [...new Set(causes.map(({ rank }) => rank))];
    expect(ranks).toEqual(ranks.map((_, i) => i + 1));
    for (const { id, rank, ties, explainedUs, waitedUs, decide, confidence } of causes) {
      expect(explainedUs).toBeLessThanOrEqual(waitedUs);
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(1);
      const others = causes
        .filter((other) => other.rank === rank && other.id !== id)
        .map((other) => other.id);
      expect([...ties].sort()).toEqual(others.sort());
      expect(decide === null).toBe(ties.length === 0);
    }
  });
});

describe("nothing is wrong", () => {
  test.each(HEALTHY)("in %s", (name) => {
    const report = reports.get(join(SHIPPED, name))!;
    expect(causesOf(report).filter(({ confidence }) => confidence >= 0.5)).toEqual([]);
  });

  test.skipIf(shared.length === 0)("in single dialogues of others, for sure", () => {
    const single = files.filter((file) => file.startsWith(SHARED) && reports.get(file)!.totals.dialogues < 3);
    expect(single.length).toBeGreaterThan(20);
    const sure = single.flatMap((file) =>
      causesOf(reports.get(file)!).filter(({ confidence }) => confidence >= 0.5),
    );
    expect(sure.map(({ id, claim }) => `${id}: ${claim}`)).toEqual([]);
  });
});

test("a capture means the same read after a later one", async () => {
  const slow = join(SHIPPED, "slow-ptr.pcap");
  const lookedUp = (report: Report) =>
    causesOf(report)
      .filter(({ id }) => id.startsWith("cause/dns-"))
      .map(({ id, explainedUs }) => [id, explainedUs]);
  const alone = lookedUp(reports.get(slow)!);
  expect(alone.length).toBe(2);
  // The other's lookups are of another time: its own are found all the same.
  const later = join(SHIPPED, "firewall-asa.inside.pcap");
  expect(lookedUp(await reportOf([later, slow])).filter(([id]) => id === "cause/dns-loss")).toEqual(
    alone.filter(([id]) => id === "cause/dns-loss"),
  );
});

test.each(CAUSE_EXPLANATIONS.map((page) => [page.id, page] as const))("%s has a whole page", (id, page) => {
  expect(id).toMatch(/^cause\/[a-z-]+$/);
  for (const part of [page.what, page.evidence, page.usually, page.confirm, page.remedy, page.sources]) {
    expect(part.length).toBeGreaterThan(0);
    for (const text of part) expect(text).toMatch(/^\S.*\S$/);
  }
  expect(page.title).not.toMatch(/\.$/);
  expect(page.deliberate).toMatch(/\.$/);
});
