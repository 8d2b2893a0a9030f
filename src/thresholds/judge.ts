import type { Phase } from "../spine/phase.ts";
import type { Measured, Threshold, ThresholdView } from "../spine/threshold.ts";

/**
 * Whether thresholds are met, said only where there is enough to say it.
 *
 * Of 20 replies one may be above the 95th percentile; of fewer the largest is the percentile, and says
 * nothing of the twentieth. So with too few samples a threshold is never met. It is violated all the
 * same if more samples are beyond the limit than chance would put there.
 */

/** That a threshold which is met looks as violated as it does: less likely than this, it is violated. */
const SIGNIFICANT = 0.05;

export function judge(threshold: Threshold, measured: Measured): ThresholdView {
  const samples = samplesOf(threshold, measured);
  const needed = neededBy(threshold);
  const value = measuredValue(threshold, measured);
  return {
    ...threshold,
    verdict: verdictOf(threshold, measured, value, samples >= needed),
    measured: value,
    samples,
    needed,
  };
}

/** @param measuredOf null: of all exchanges */
export function judgeAll(
  thresholds: readonly Threshold[],
  measuredOf: (phase: Phase | null) => Measured,
): ThresholdView[] {
  return thresholds.map((threshold) => judge(threshold, measuredOf(threshold.phase)));
}

function samplesOf({ measure }: Threshold, { seen, times }: Measured): number {
  return measure === "err" || measure === "n" ? seen : (times?.n ?? 0);
}

/** As many that one of them may be beyond the limit. */
function neededBy({ measure, percentile, limit }: Threshold): number {
  if (measure === "n") return 0;
  // 100 / 0.1 is not quite 1000 in floating point.
  const oneIn = (share: number) => Math.ceil(Number((1 / share).toFixed(6)));
  if (measure === "percentile" && percentile !== null && percentile < 100)
    return oneIn((100 - percentile) / 100);
  return measure === "err" && limit > 0 ? oneIn(limit) : 1;
}

function measuredValue({ measure, percentile }: Threshold, { seen, failed, times }: Measured): number | null {
  if (measure === "n") return seen;
  if (measure === "err") return seen === 0 ? null : failed / seen;
  if (times === null || times.n === 0) return null;
  switch (measure) {
    case "max":
      return times.maxUs;
    case "min":
      return times.minUs;
    case "mean":
      return times.sumUs / times.n;
    case "percentile":
      return times.percentileUs(percentile!);
  }
}

function verdictOf(
  threshold: Threshold,
  measured: Measured,
  value: number | null,
  isEnough: boolean,
): ThresholdView["verdict"] {
  if (value === null) return "too-few";
  const isMet = holds(threshold, value);
  if (isEnough) return isMet ? "met" : "violated";
  return !isMet && isBeyondChance(threshold, measured) ? "violated" : "too-few";
}

function holds({ operator, limit }: Threshold, value: number): boolean {
  switch (operator) {
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
  }
}

/** So many of the few samples are beyond the limit that it is no accident. Of upper limits only. */
function isBeyondChance(threshold: Threshold, { seen, failed, times }: Measured): boolean {
  const { measure, percentile, limit, operator } = threshold;
  if (operator !== "<" && operator !== "<=") return false;
  if (measure === "err") return tail(seen, limit, failed) < SIGNIFICANT;
  if (measure !== "percentile" || percentile === null || times === null) return false;
  let beyond = 0;
  // The k-th largest by nearest rank.
  while (
    beyond < times.n &&
    !holds(threshold, times.percentileUs((100 * (times.n - beyond - 0.5)) / times.n))
  )
    beyond++;
  return tail(times.n, (100 - percentile) / 100, beyond) < SIGNIFICANT;
}

/** How likely are at least `k` of `n`, each of which happens with probability `p`? `n` is below 1/p. */
function tail(n: number, p: number, k: number): number {
  let below = 0;
  let term = (1 - p) ** n;
  for (let i = 0; i < k; i++) {
    below += term;
    term *= ((n - i) / (i + 1)) * (p / (1 - p));
  }
  return 1 - below;
}
