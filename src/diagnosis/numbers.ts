/** Statistics that one odd value does not spoil. */

/** The middle value; 0 of none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The length at which half of the whole is in longer ones; 0 of none. */
export function weightedMedian(lengths: readonly number[]): number {
  const sorted = [...lengths].sort((a, b) => b - a);
  const half = sorted.reduce((sum, length) => sum + length, 0) / 2;
  let sum = 0;
  for (const length of sorted) {
    sum += length;
    if (sum >= half) return length;
  }
  return 0;
}

/** Median distance from the median, as a share of it: 0 where all are alike. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : median(values.map((value) => Math.abs(value - middle))) / middle;
}

/** Rank correlation (Spearman): −1 … 1; 0 of fewer than three pairs. */
export function correlation(pairs: readonly (readonly [number, number])[]): number {
  if (pairs.length < 3) return 0;
  const x = ranks(pairs.map(([a]) => a));
  const y = ranks(pairs.map(([, b]) => b));
  const mean = (pairs.length - 1) / 2;
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < pairs.length; i++) {
    const a = x[i]! - mean;
    const b = y[i]! - mean;
    xy += a * b;
    xx += a * a;
    yy += b * b;
  }
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const found = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let i = from; i < to; i++) found[order[i]!] = (from + to - 1) / 2;
    from = to;
  }
  return found;
}

/** 0 at `from` and below, 1 at `to` and above, by orders of size in between. */
export function ramp(value: number, from: number, to: number): number {
  if (value <= from) return 0;
  return value >= to ? 1 : Math.log(value / from) / Math.log(to / from);
}
