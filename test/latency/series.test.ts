/** A series against sorting everything. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Series } from "../../src/latency/series.ts";

const PERCENTILES = [1, 7, 25, 50, 55, 75, 90, 95, 99, 99.9, 100];

/** Nearest rank, in whole numbers so that no rounding decides. */
function naive(sorted: readonly number[], percentile: number): number {
  const rank = (BigInt(Math.round(percentile * 1_000)) * BigInt(sorted.length) + 99_999n) / 100_000n;
  return sorted[Number(rank < 1n ? 1n : rank) - 1]!;
}

/** µs of every size that occurs: loopback to a timeout of minutes. */
const durationUs = fc.oneof(
  fc.integer({ min: 0, max: 50 }),
  fc.integer({ min: 0, max: 5_000 }),
  fc.integer({ min: 0, max: 10_000_000 }),
  fc.integer({ min: 0, max: 86_400_000_000 }),
  fc.constantFrom(0, 1, 2_047, 2_048, 2_049, 4_095, 4_096, 4_097, 999_999, 1_000_000),
);
const durations = fc.array(durationUs, { maxLength: 300 });

function seriesOf(values: readonly number[]): Series {
  const series = new Series();
  for (const value of values) series.record(value);
  return series;
}

/** Everything that can be asked of it. */
function all(series: Series) {
  return { distribution: series.distribution(PERCENTILES), bars: series.bars() };
}

function expectNear(gotUs: number, wantUs: number, what: string): void {
  expect(Math.abs(gotUs - wantUs), `${what}: ${gotUs}, not ${wantUs}`).toBeLessThanOrEqual(wantUs / 1_000);
}

describe("a series", () => {
  test("has the exact n, min, max and sum, and percentiles within 0.1 %", () => {
    fc.assert(
      fc.property(durations, (values) => {
        const sorted = values.toSorted((a, b) => a - b);
        const got = seriesOf(values).distribution(PERCENTILES);
        expect(got.n).toBe(values.length);
        expect(got.minUs).toBe(sorted[0] ?? null);
        expect(got.maxUs).toBe(sorted.at(-1) ?? null);
        expect(got.sumUs).toBe(values.reduce((sum, value) => sum + value, 0));
        if (values.length === 0) expect(got.percentilesUs).toEqual({});
        else
          for (const percentile of PERCENTILES)
            expectNear(
              got.percentilesUs[String(percentile)]!,
              naive(sorted, percentile),
              `p${percentile} of ${values.length}`,
            );
      }),
      { numRuns: 300 },
    );
  });

  test("takes the nearest rank: no rounding of p/100·n decides", () => {
    for (const n of [1, 2, 3, 7, 10, 20, 25, 50, 100, 200, 500, 1_000, 2_000]) {
      const series = seriesOf(Array.from({ length: n }, (_, i) => i));
      const sorted = Array.from({ length: n }, (_, i) => i);
      for (let percentile = 0.5; percentile <= 100; percentile += 0.5)
        expect({ n, percentile, us: series.percentileUs(percentile) }).toEqual({
          n,
          percentile,
          us: naive(sorted, percentile),
        });
    }
  });

  test("recorded in parts, in any order, is the whole", () => {
    fc.assert(
      fc.property(fc.array(durations, { maxLength: 6 }), fc.boolean(), (parts, between) => {
        const whole = new Series();
        for (const part of parts) {
          whole.add(structuredClone(seriesOf(part).part()));
          // Being asked in between changes nothing.
          if (between) all(whole);
        }
        expect(all(whole)).toEqual(all(seriesOf(parts.flat())));
        const turned = new Series();
        for (const part of parts.toReversed()) turned.add(seriesOf(part).part());
        expect(all(turned)).toEqual(all(whole));
      }),
      { numRuns: 200 },
    );
  });

  test("goes on recording after it was asked", () => {
    fc.assert(
      fc.property(durations, durations, (before, after) => {
        const series = seriesOf(before);
        all(series);
        series.part();
        for (const value of after) series.record(value);
        expect(all(series)).toEqual(all(seriesOf([...before, ...after])));
      }),
      { numRuns: 100 },
    );
  });

  test("a part that is taken along does not change when recording goes on", () => {
    const series = seriesOf([1, 2, 3, 5_000]);
    const part = structuredClone(series.part());
    series.record(4);
    series.record(6_000);
    const copy = new Series();
    copy.add(part);
    expect(all(copy)).toEqual(all(seriesOf([1, 2, 3, 5_000])));
  });

  test("its bars hold every value once, between their bounds", () => {
    fc.assert(
      fc.property(durations, (values) => {
        const bars = seriesOf(values).bars();
        expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
        bars.forEach((bar, i) => {
          expect(bar.count).toBeGreaterThanOrEqual(0);
          if (i > 0) expect(bar.fromUs).toBe(bars[i - 1]!.toUs);
          // To the resolution of what is kept.
          const inside = values.filter((value) => value >= bar.fromUs * 1.001 && value < bar.toUs * 0.999);
          expect(bar.count).toBeGreaterThanOrEqual(inside.length);
        });
        if (values.length > 0) {
          expect(bars[0]!.fromUs).toBeLessThanOrEqual(Math.min(...values));
          expect(bars.at(-1)!.toUs).toBeGreaterThan(Math.max(...values));
          expect(bars.at(-1)!.count).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("bounds of bars are exact where values are", () => {
    const counts = (values: number[]) =>
      seriesOf(values)
        .bars()
        .map(({ fromUs, toUs, count }) => [fromUs, toUs, count]);
    expect(counts([0, 1, 2, 3, 9, 10, 31, 32])).toEqual([
      [0, 3, 3],
      [3, 10, 2],
      [10, 32, 2],
      [32, 100, 1],
    ]);
    expect(counts([999, 1_000, 1_001])).toEqual([
      [316, 1_000, 1],
      [1_000, 3_162, 2],
    ]);
  });

  test("longer than a day: exact maximum, last bucket", () => {
    const week = 7 * 86_400_000_000;
    const { maxUs, sumUs, percentilesUs } = seriesOf([5, week]).distribution([50, 99]);
    expect({ maxUs, sumUs }).toEqual({ maxUs: week, sumUs: week + 5 });
    expect(percentilesUs["50"]).toBe(5);
    expect(percentilesUs["99"]).toBeGreaterThanOrEqual(86_400_000_000 * 0.999);
  });

  test.each([-1, Number.NaN, Number.NEGATIVE_INFINITY])("%s is no duration", (value) => {
    const series = new Series();
    expect(() => series.record(value)).toThrow(RangeError);
    expect(series.n).toBe(0);
  });
});
