/**
 * The diagnosis against the labelled set: several servers, real packets, known faults.
 *
 * The oracle is the lab, which injected the fault, and its client, which felt it. Each scenario is
 * seen from two sides; a label says from which side the truth can be known at all.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { causesIn, labelledSet } from "./labelled-set.ts";
import { confusionMatrix, judge, type Verdict } from "./verdict.ts";

const verdicts: Verdict[] = [];

beforeAll(async () => {
  for (const capture of labelledSet()) verdicts.push(judge(capture, await causesIn(capture.path)));
  console.log(confusionMatrix(verdicts));
}, 120_000);

describe("the labelled set", () => {
  test("has enough of everything", () => {
    const scenarios = new Set(verdicts.map(({ capture }) => capture.name.split(" ")[0]));
    const ids = new Set(verdicts.flatMap(({ capture }) => capture.truths.map(({ id }) => id)));
    expect(scenarios.size).toBeGreaterThan(90);
    expect(ids.size).toBeGreaterThan(22);
    expect(verdicts.filter(({ capture }) => capture.healthy).length).toBeGreaterThan(20);
  });

  test("the truth is in the first class in 95 %, and mixtures name all of it", () => {
    const judged = verdicts.filter(({ right }) => right !== null);
    const wrong = judged.filter(({ right }) => !right).map(({ capture, said }) => `${capture.name}: ${said}`);
    expect(wrong.length / judged.length, wrong.join("\n")).toBeLessThanOrEqual(0.05);
  });

  test("what the server's own lookups prove stands alone", () => {
    expect(verdicts.filter(({ blurred }) => blurred).map(({ capture }) => capture.name)).toEqual([]);
  });

  test("the explained time is the injected one, within 10 %", () => {
    expect(listed(verdicts, ({ wrongTime }) => wrongTime)).toEqual([]);
  });

  test("nothing is invented on healthy captures, nor where the fault leaves no trace, nor by decoys", () => {
    expect(listed(verdicts, ({ invented }) => invented)).toEqual([]);
  });
});

function listed(all: readonly Verdict[], of: (verdict: Verdict) => readonly string[]): string[] {
  return all.flatMap((verdict) => of(verdict).map((text) => `${verdict.capture.name}: ${text}`));
}
