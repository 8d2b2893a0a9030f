import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Series } from "../../src/latency/series.ts";
import type { Measured } from "../../src/spine/threshold.ts";
import { parseThreshold } from "../../src/thresholds/expression.ts";
import { judge } from "../../src/thresholds/judge.ts";

/** Below 2,048 µs a series is exact. */
function times(...valuesUs: readonly number[]): Measured {
  const series = new Series();
  for (const value of valuesUs) series.record(value);
  return { seen: valuesUs.length, failed: 0, times: series };
}

const fast = (count: number) => Array.from({ length: count }, (_, i) => 100 + i);
const slow = (count: number) => Array.from({ length: count }, (_, i) => 1_500 + i);
const failures = (seen: number, failed: number): Measured => ({ seen, failed, times: null });

const verdict = (text: string, measured: Measured) => judge(parseThreshold(text), measured).verdict;

describe("enough samples: what was measured decides", () => {
  test.each([
    // Of 20 the 19th is the 95th percentile by nearest rank.
    ["rcpt.p95<1ms", times(...fast(19), ...slow(1)), "met"],
    ["rcpt.p95<1ms", times(...fast(18), ...slow(2)), "violated"],
    ["rcpt.p50<=101us", times(100, 101, 102), "met"],
    ["rcpt.p50<101us", times(100, 101, 102), "violated"],
    ["rcpt.max<1ms", times(999), "met"],
    ["rcpt.max<1ms", times(1_000), "violated"],
    ["rcpt.min>=1ms", times(1_000, 1_001), "met"],
    ["rcpt.mean<1ms", times(500, 1_500), "violated"],
    ["rcpt.mean<=1ms", times(500, 1_500), "met"],
    ["rcpt.p100<1ms", times(10), "met"],
    ["err<1%", failures(100, 0), "met"],
    ["err<1%", failures(100, 1), "violated"],
    ["err<=1%", failures(100, 1), "met"],
    ["n>=3", failures(3, 0), "met"],
    ["n>=3", failures(2, 0), "violated"],
    ["n>=1", failures(0, 0), "violated"],
  ] as const)("%s", (text, measured, expected) => {
    expect(verdict(text, measured)).toBe(expected);
  });
});

describe("too few samples: never met", () => {
  test.each([
    ["rcpt.p95<1ms", times(...fast(19)), "too-few"],
    ["rcpt.p99<1ms", times(...fast(99)), "too-few"],
    ["rcpt.p99.9<1ms", times(...fast(999).map((us) => us % 900)), "too-few"],
    ["rcpt.p95<1ms", times(), "too-few"],
    ["rcpt.max<1ms", times(), "too-few"],
    ["err<1%", failures(99, 0), "too-few"],
    ["err<1%", failures(0, 0), "too-few"],
    // One of a few may be the one in twenty.
    ["rcpt.p95<1ms", times(...fast(4), ...slow(1)), "too-few"],
    ["rcpt.p95<1ms", times(...slow(1)), "too-few"],
    ["err<1%", failures(50, 1), "too-few"],
    // A lower limit says nothing of chance.
    ["rcpt.p95>1ms", times(...fast(5)), "too-few"],
  ] as const)("%s", (text, measured, expected) => {
    expect(verdict(text, measured)).toBe(expected);
  });
});

describe("too few samples, and more beyond the limit than chance puts there", () => {
  test.each([
    ["rcpt.p95<1ms", times(...slow(2)), "violated"],
    ["rcpt.p95<1ms", times(...fast(3), ...slow(2)), "violated"],
    ["rcpt.p99<1ms", times(...fast(20), ...slow(12)), "violated"],
    ["err<1%", failures(50, 3), "violated"],
    ["err<1%", failures(10, 10), "violated"],
  ] as const)("%s", (text, measured, expected) => {
    expect(verdict(text, measured)).toBe(expected);
  });
});

test("the bound of chance is the binomial one, added up naively", () => {
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 19 }), fc.integer({ min: 0, max: 19 }), (n, late) => {
      const beyond = Math.min(n, late);
      let atLeast = 0;
      for (let k = beyond; k <= n; k++) atLeast += choose(n, k) * 0.05 ** k * 0.95 ** (n - k);
      const told = verdict("rcpt.p95<1ms", times(...fast(n - beyond), ...slow(beyond)));
      expect(told).toBe(beyond > 0 && atLeast < 0.05 ? "violated" : "too-few");
    }),
  );
});
