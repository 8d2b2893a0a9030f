import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Counts, compareCounts, countOf } from "../../src/diff/significance.ts";

/** Values with counts, in order. */
function counts(values: readonly number[]): Counts {
  const all = new Map<number, number>();
  for (const value of values) all.set(value, (all.get(value) ?? 0) + 1);
  return [...all].sort(([a], [b]) => a - b);
}

// ---- Independent oracles: definitions by the letter, and p by trying how often chance does as much

const superiority = (a: readonly number[], b: readonly number[]) =>
  a
    .flatMap((x) => b.map((y) => (y > x ? 1 : y === x ? 0.5 : 0)))
    .reduce<number>((sum, each) => sum + each, 0) /
  (a.length * b.length);

function distance(a: readonly number[], b: readonly number[]): number {
  const share = (values: readonly number[], x: number) => values.filter((v) => v <= x).length / values.length;
  return Math.max(...[...a, ...b].map((x) => Math.abs(share(a, x) - share(b, x))));
}

/** mulberry32: chance that is the same every time. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function permutationP(
  a: readonly number[],
  b: readonly number[],
  statistic: (a: readonly number[], b: readonly number[]) => number,
): number {
  const random = chance(7);
  const seen = statistic(a, b);
  const all = [...a, ...b];
  let asMuch = 0;
  const TIMES = 2_000;
  for (let time = 0; time < TIMES; time++) {
    for (let i = all.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [all[i], all[j]] = [all[j]!, all[i]!];
    }
    if (statistic(all.slice(0, a.length), all.slice(a.length)) >= seen - 1e-9) asMuch++;
  }
  return asMuch / TIMES;
}

const value = fc.oneof(fc.nat(20), fc.nat(100_000));
const values = fc.array(value, { minLength: 8, maxLength: 40 });

test("superiority is by definition, and the sides can change places", () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const there = compareCounts(counts(a), counts(b));
      const back = compareCounts(counts(b), counts(a));
      expect(there.superiority).toBeCloseTo(superiority(a, b), 9);
      expect(back.superiority).toBeCloseTo(1 - there.superiority, 9);
      expect(back.mannWhitneyP).toBeCloseTo(there.mannWhitneyP, 9);
      expect(back.kolmogorovSmirnovP).toBeCloseTo(there.kolmogorovSmirnovP, 9);
      for (const p of [there.mannWhitneyP, there.kolmogorovSmirnovP]) {
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test("a sample and itself do not differ", () => {
  fc.assert(
    fc.property(values, (a) => {
      const { mannWhitneyP, kolmogorovSmirnovP } = compareCounts(counts(a), counts(a));
      expect(mannWhitneyP).toBeGreaterThan(0.9);
      expect(kolmogorovSmirnovP).toBe(1);
    }),
  );
});

describe("p is what chance says", () => {
  const random = chance(3);
  const draw = (n: number, shift: number, spread: number) =>
    Array.from({ length: n }, () => Math.floor(1_000 + shift + spread * (random() + random() - 1)));
  test.each<[string, number[], number[]]>([
    ["the same", draw(30, 0, 500), draw(40, 0, 500)],
    ["a little later", draw(30, 120, 500), draw(40, 0, 500)],
    ["few", draw(8, 150, 500), draw(8, 0, 500)],
    ["wider", draw(40, 0, 900), draw(40, 0, 300)],
    ["ties", draw(40, 2, 8), draw(40, 0, 8)],
  ])("%s", (_name, a, b) => {
    const { mannWhitneyP, kolmogorovSmirnovP } = compareCounts(counts(a), counts(b));
    const either = (x: readonly number[], y: readonly number[]) => Math.abs(superiority(x, y) - 0.5);
    expect(Math.abs(mannWhitneyP - permutationP(a, b, either))).toBeLessThan(0.03);
    // Smirnov's limit is too careful with ties and few values.
    const expected = permutationP(a, b, distance);
    expect(kolmogorovSmirnovP).toBeGreaterThan(expected - 0.04);
    if (_name === "the same" || _name === "wider") expect(kolmogorovSmirnovP).toBeLessThan(expected + 0.1);
  });
});

test("no difference is called one about as often as the level says", () => {
  const random = chance(11);
  let called = 0;
  const TIMES = 1_000;
  for (let time = 0; time < TIMES; time++) {
    const draw = () => counts(Array.from({ length: 25 }, () => Math.floor(random() ** 3 * 100_000)));
    if (compareCounts(draw(), draw()).mannWhitneyP <= 0.05) called++;
  }
  expect(called / TIMES).toBeGreaterThan(0.025);
  expect(called / TIMES).toBeLessThan(0.075);
});

test("counts", () => {
  expect(
    countOf([
      [1, 2],
      [5, 3],
    ]),
  ).toBe(5);
});
