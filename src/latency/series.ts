// Not the package's index: that also loads its WebAssembly, at a tenth of a short run's whole time.
import int32Histogram from "hdr-histogram-js/dist/Int32Histogram.js";
import type { Distribution, HistogramBar } from "../spine/report.ts";

/**
 * A distribution of durations in integer µs: an HDR histogram for percentiles within 0.1 %, and exact
 * n, min, max and sum beside it, because the histogram rounds what it keeps.
 *
 * Values below 2,048 µs have a bucket of their own in the histogram whatever comes, so they are
 * counted in an array and handed over only when somebody asks: most SMTP replies are that fast.
 */

const { default: Int32Histogram } = int32Histogram;
type Histogram = InstanceType<typeof Int32Histogram>;

const DIRECT = 2_048;
/** A day. Longer waits count in the last bucket; their exact maximum is kept beside. */
const MAX_TRACKED_US = 86_400_000_000;

/** A series on its way between threads. */
export interface SeriesPart {
  readonly n: number;
  readonly minUs: number;
  readonly maxUs: number;
  readonly sumUs: number;
  readonly direct: Uint32Array | null;
  /** Value, count, value, count … of the histogram's buckets that are not empty. */
  readonly buckets: readonly number[];
}

export class Series {
  n = 0;
  minUs = Number.POSITIVE_INFINITY;
  maxUs = 0;
  sumUs = 0;
  #direct: Uint32Array | null = null;
  #histogram: Histogram | null = null;

  /** @param valueUs a non-negative integer; anything else is a defect of the caller */
  record(valueUs: number): void {
    if (!(valueUs >= 0)) throw new RangeError(`a duration is ≥ 0 µs, not ${valueUs}`);
    this.n++;
    this.sumUs += valueUs;
    if (valueUs < this.minUs) this.minUs = valueUs;
    if (valueUs > this.maxUs) this.maxUs = valueUs;
    if (valueUs < DIRECT) {
      this.#direct ??= new Uint32Array(DIRECT);
      this.#direct[valueUs]!++;
    } else this.#all.recordValue(Math.min(valueUs, MAX_TRACKED_US));
  }

  get #all(): Histogram {
    if (this.#histogram === null) {
      // Grows with its values: a series of fast replies stays small.
      this.#histogram = new Int32Histogram(1, 4_096, 3);
      this.#histogram.autoResize = true;
    }
    return this.#histogram;
  }

  /** Moves the directly counted values into the histogram. */
  #settle(): Histogram {
    const histogram = this.#all;
    const direct = this.#direct;
    if (direct !== null) {
      for (let value = 0; value < DIRECT; value++) {
        const count = direct[value]!;
        if (count > 0) histogram.recordValueWithCount(value, count);
      }
      this.#direct = null;
    }
    return histogram;
  }

  distribution(percentiles: readonly number[]): Distribution {
    const entries = percentiles.map((p): [string, number] => [String(p), this.percentileUs(p)]);
    return {
      n: this.n,
      minUs: this.n === 0 ? null : this.minUs,
      maxUs: this.n === 0 ? null : this.maxUs,
      sumUs: this.sumUs,
      percentilesUs: this.n === 0 ? {} : Object.fromEntries(entries),
    };
  }

  /** Nearest rank; never outside the exact minimum and maximum. */
  percentileUs(percentile: number): number {
    if (this.n === 0) return 0;
    const value = this.#settle().getValueAtPercentile(percentile);
    return Math.min(this.maxUs, Math.max(this.minUs, value));
  }

  /** Counts between half-decades (1, 3.16, 10 …), from the least value's to the largest's. */
  bars(): HistogramBar[] {
    if (this.n === 0) return [];
    const histogram = this.#settle();
    const last = halfDecade(this.maxUs);
    const bars: HistogramBar[] = [];
    let below = 0;
    for (let half = halfDecade(this.minUs); half <= last; half++) {
      const toUs = halfDecadeStartUs(half + 1);
      const upTo = half === last ? this.n : countBelow(histogram, toUs);
      bars.push({ fromUs: halfDecadeStartUs(half), toUs, count: upTo - below });
      below = upTo;
    }
    return bars;
  }

  part(): SeriesPart {
    const { n, minUs, maxUs, sumUs } = this;
    const buckets: number[] = [];
    const histogram = this.#histogram;
    for (let index = 0; histogram !== null && index < histogram.countsArrayLength; index++) {
      const count = histogram.getCountAtIndex(index);
      if (count > 0) buckets.push(histogram.valueFromIndex(index), count);
    }
    return { n, minUs, maxUs, sumUs, direct: this.#direct, buckets };
  }

  add(part: SeriesPart): void {
    this.n += part.n;
    this.sumUs += part.sumUs;
    if (part.minUs < this.minUs) this.minUs = part.minUs;
    if (part.maxUs > this.maxUs) this.maxUs = part.maxUs;
    if (part.direct !== null) {
      this.#direct ??= new Uint32Array(DIRECT);
      for (let value = 0; value < DIRECT; value++) this.#direct[value]! += part.direct[value]!;
    }
    for (let i = 0; i < part.buckets.length; i += 2) {
      this.#all.recordValueWithCount(part.buckets[i]!, part.buckets[i + 1]!);
    }
  }
}

/** Which half-decade a value is in: 0 for 0 … 2 µs, 1 for 3 … 9 µs. */
export function halfDecade(valueUs: number): number {
  let half = valueUs < 1 ? 0 : Math.floor(2 * Math.log10(valueUs));
  // Floating point may put a boundary value on either side.
  if (halfDecadeStartUs(half + 1) <= valueUs) half++;
  if (half > 0 && halfDecadeStartUs(half) > valueUs) half--;
  return half;
}

/** Where a half-decade begins, µs. */
export function halfDecadeStartUs(half: number): number {
  return half === 0 ? 0 : Math.round(10 ** (half / 2));
}

/** Recorded values below a bound, to the histogram's resolution. */
function countBelow(histogram: Histogram, boundUs: number): number {
  const end = Math.min(histogram.countsArrayIndex(boundUs), histogram.countsArrayLength);
  let count = 0;
  for (let index = 0; index < end; index++) count += histogram.getCountAtIndex(index);
  return count;
}
