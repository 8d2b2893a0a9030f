/**
 * Are two sets of times different, or is it chance? Values with counts, so that binned times are as good as single
 * ones: ties are allowed for.
 *
 * Mann–Whitney asks whether times of one set tend to be longer than those of the other; Kolmogorov–Smirnov whether
 * the two distributions differ anywhere (a second mode, a longer tail). Both by their asymptotic distribution,
 * which is good from about eight values a side.
 */

/** Value and how often, in order of value. */
export type Counts = readonly (readonly [value: number, count: number])[];

export interface Comparison {
  /** Two-sided. */
  readonly mannWhitneyP: number;
  readonly kolmogorovSmirnovP: number;
  /** Chance that a value of `b` is larger than one of `a`, ties counted half. */
  readonly superiority: number;
}

export function countOf(counts: Counts): number {
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

export function compareCounts(a: Counts, b: Counts): Comparison {
  const [n, m] = [countOf(a), countOf(b)];
  const total = n + m;
  let [i, j] = [0, 0];
  // Seen so far, of each; pairs in which b's is larger; the sum that ties take from the variance.
  let [below, belowB, larger, ties, distance] = [0, 0, 0, 0, 0];
  while (i < a.length || j < b.length) {
    const value = Math.min(a[i]?.[0] ?? Number.POSITIVE_INFINITY, b[j]?.[0] ?? Number.POSITIVE_INFINITY);
    const inA = a[i]?.[0] === value ? a[i++]![1] : 0;
    const inB = b[j]?.[0] === value ? b[j++]![1] : 0;
    larger += inB * (below + inA / 2);
    const tied = inA + inB;
    ties += tied ** 3 - tied;
    below += inA;
    belowB += inB;
    distance = Math.max(distance, Math.abs(below / n - belowB / m));
  }
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  const z = variance > 0 ? Math.max(0, Math.abs(larger - (n * m) / 2) - 0.5) / Math.sqrt(variance) : 0;
  return {
    mannWhitneyP: Math.min(1, 2 * upperNormal(z)),
    kolmogorovSmirnovP: kolmogorov(distance, n, m),
    superiority: larger / (n * m),
  };
}

/** P(Z > z) of a normal distribution, for z ≥ 0: Abramowitz and Stegun 26.2.17, |error| < 7.5e-8. */
function upperNormal(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** Terms beyond are below 1e-17 for any argument that matters. */
const TERMS = 100;

/** P(D > distance) where there is no difference: Smirnov's limit, with Stephens' correction for few values. */
function kolmogorov(distance: number, n: number, m: number): number {
  const effective = Math.sqrt((n * m) / (n + m));
  const x = (effective + 0.12 + 0.11 / effective) * distance;
  if (x < 0.2) return 1;
  let p = 0;
  for (let k = 1; k <= TERMS; k++) p += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, p));
}
