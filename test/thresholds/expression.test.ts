import { describe, expect, test } from "vitest";
import { pointAtFault } from "../../src/filter/filter-error.ts";
import { parseThreshold, ThresholdError } from "../../src/thresholds/expression.ts";

describe("what is asked", () => {
  test.each([
    ["rcpt.p95<500ms", "rcpt", "percentile", 95, "<", 500_000],
    ["end-of-data.p99.9 <= 2.5 s", "end-of-data", "percentile", 99.9, "<=", 2_500_000],
    ["banner.max>=250us", "banner", "max", null, ">=", 250],
    ["banner.min>250µs", "banner", "min", null, ">", 250],
    ["Connect.Mean<1s", "connect", "mean", null, "<", 1_000_000],
    ["err<1%", null, "err", null, "<", 0.01],
    ["rcpt.err <= 0.5 %", "rcpt", "err", null, "<=", 0.005],
    ["n>=100", null, "n", null, ">=", 100],
    ["tls.n>0", "tls", "n", null, ">", 0],
    ["data.p100<1s", "data", "percentile", 100, "<", 1_000_000],
  ] as const)("%s", (text, phase, measure, percentile, operator, limit) => {
    const { text: shown, ...parsed } = parseThreshold(text);
    expect(parsed).toEqual({ phase, measure, percentile, operator, limit });
    expect(shown).toBe(text.replaceAll(" ", ""));
  });
});

describe("what cannot be asked: one line, and where", () => {
  test.each([
    ["rctp.p95<500ms", 0, /"rctp" is no phase/],
    ["rcpt.p0<5ms", 5, /percentile/],
    ["rcpt.p101<5ms", 5, /percentile/],
    ["rcpt.q95<5ms", 5, /expected p50/],
    ["rcpt.<5ms", 5, /expected p50/],
    ["p95<5ms", 0, /of which phase\? Say e\.g\. rcpt\.p95/],
    ["rcpt.p95=5ms", 8, /expected < <= > or >=/],
    ["rcpt.p95", 8, /expected < <= > or >=/],
    ["rcpt.p95<fast", 9, /expected a number/],
    ["rcpt.p95<-1s", 9, /expected a number/],
    ["rcpt.p95<500", 12, /expected a unit/],
    ["rcpt.p95<5h", 10, /expected a unit/],
    ["err<1", 5, /expected %/],
    ["err<101%", 4, /at most 100 %/],
    ["n>=1 0", 5, /expected the end/],
    ["rcpt.p95<1s,banner.p95<1s", 11, /expected the end/],
    ["", 0, /expected p50/],
    ["\u001b[2J.p95<1s", 0, /expected p50/],
  ] as const)("%s", (text, position, message) => {
    let caught: unknown = null;
    try {
      parseThreshold(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ThresholdError);
    const error = caught as ThresholdError;
    expect(error.position).toBe(position);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("\n");
    const [line, caret] = pointAtFault(error).split("\n");
    expect(line).not.toContain("\u001b");
    expect(caret).toMatch(/^ *\^$/);
  });
});
