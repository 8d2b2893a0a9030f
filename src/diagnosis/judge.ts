import { type Bundle, besideBundles, bundlesOf, type Item } from "./bundles.ts";
import type { Cause, Weight } from "./cause.ts";
import { CAUSES } from "./causes/index.ts";
import { Crowd } from "./crowd.ts";
import { ramp } from "./numbers.ts";
import { type Pattern, patternOf } from "./pattern.ts";
import type { Sample } from "./sample.ts";

/**
 * Judges a whole input: which causes explain which part of the waiting.
 *
 * Every bundle of waiting is weighed by every cause. Those that fit about as well as the best are one
 * class: naming one alone would claim what the packets don't show. Bundles with the same class are put
 * together, and what nothing fits stays unexplained.
 */

/** A cause that fits this share as well as the best one is tied with it. */
const TIE = 0.5;
/** Below it nothing fits. */
const MIN_SCORE = 0.15;
/** A cause that is this sure is taken as proved. */
const PROVED = 0.5;
/** How sure a class must be to be named at all. */
const MIN_SURE = 0.15;

/** Causes that the evidence cannot tell apart, and what they explain together. */
export interface Verdict {
  readonly causes: readonly { readonly cause: Cause; readonly weight: Weight; readonly confidence: number }[];
  readonly items: readonly Item[];
  readonly patterns: readonly Pattern[];
  /** Waiting it explains; `costUs` counts what made mail late besides. */
  readonly explainedUs: number;
  readonly costUs: number;
  /** 0 … 1: that it is one of these causes. */
  readonly sure: number;
}

/** Worst first. */
export function judge(sample: Sample): Verdict[] {
  const crowd = new Crowd(sample);
  const bundles = [...bundlesOf(sample), ...besideBundles(sample)];
  const all = bundles.flatMap((bundle) => {
    const judged = weigh(bundle, patternOf(bundle, crowd));
    return judged === null || judged.sure < MIN_SURE ? [] : [judged];
  });
  const proved = provedIn(all);
  const classes = new Map<string, Judged[]>();
  for (const each of all) {
    const judged = narrowed(each, proved);
    const key = judged.causes
      .map(({ cause }) => cause.id)
      .sort()
      .join(" ");
    const known = classes.get(key);
    if (known === undefined) classes.set(key, [judged]);
    else known.push(judged);
  }
  return [...classes.values()].map(verdictOf).sort(byWeight);
}

/** Causes that stand alone and for sure, with the server that they concern. */
function provedIn(all: readonly Judged[]): Set<string> {
  const alone = all.filter(
    ({ causes, sure, bundle }) => causes.length === 1 && sure >= PROVED && !isBeside(bundle),
  );
  return new Set(alone.map(({ causes, bundle }) => `${bundle.server} ${causes[0]!.cause.id}`));
}

/** What is proved at a server already, and would explain this too, is preferred to what is not seen at all. */
function narrowed(judged: Judged, proved: ReadonlySet<string>): Judged {
  const known = judged.causes.filter(({ cause }) => proved.has(`${judged.bundle.server} ${cause.id}`));
  return known.length === 0 || judged.causes.length === 1 ? judged : { ...judged, causes: known };
}

interface Judged {
  readonly bundle: Bundle;
  readonly pattern: Pattern;
  readonly causes: readonly { readonly cause: Cause; readonly weight: Weight }[];
  readonly sure: number;
}

function weigh(bundle: Bundle, pattern: Pattern): Judged | null {
  const all: { cause: Cause; weight: Weight }[] = [];
  for (const cause of CAUSES) {
    const weight = cause.weigh(bundle, pattern);
    if (weight !== null && weight.score >= MIN_SCORE) all.push({ cause, weight });
  }
  all.sort((a, b) => b.weight.score - a.weight.score);
  const best = all[0];
  if (best === undefined) return null;
  const causes = all.filter(({ weight }) => weight.score >= TIE * best.weight.score);
  return { bundle, pattern, causes, sure: best.weight.score * weightOf(bundle, pattern) };
}

function isBeside({ spent }: Bundle): boolean {
  return (
    spent.kind === "client" ||
    spent.kind === "greylisted" ||
    spent.kind === "early" ||
    spent.kind === "pieces"
  );
}

/** How much a bundle can be trusted: small delays and few dialogues prove little. */
function weightOf(bundle: Bundle, { medianUs, dialogues }: Pattern): number {
  const { kind } = bundle.spent;
  const isPattern = kind === "silence" || kind === "path" || kind === "dribble" || isBeside(bundle);
  const few = isPattern ? [0.4, 0.5] : [0.5, 0.8];
  const enough = dialogues >= 3 ? 1 : few[dialogues - 1]!;
  return enough * sizeWeight(bundle, medianUs);
}

/** 0 for delays (µs) that nobody minds, 1 for those that everybody notices. */
function sizeWeight({ spent }: Bundle, medianUs: number): number {
  switch (spent.kind) {
    case "silence":
      return ramp(medianUs, 60_000, 300_000);
    case "path":
      return ramp(medianUs, 25_000, 600_000);
    case "client":
      return ramp(medianUs, 200_000, 6_000_000);
    case "dribble":
      return spent.how === "ack" ? 1 : ramp(medianUs, 30_000, 250_000);
    case "lookup":
    case "ident":
    case "held":
    case "window":
      return ramp(medianUs, 40_000, 250_000);
    case "lost":
      return ramp(medianUs, 20_000, 200_000);
    default:
      return 1;
  }
}

function verdictOf(judged: readonly Judged[]): Verdict {
  const items = judged.flatMap(({ bundle }) => bundle.items);
  const lengthOf = (each: Judged) =>
    each.bundle.items.reduce((sum, { stretch }) => sum + stretch.lengthUs, 0);
  const total = judged.reduce((sum, each) => sum + lengthOf(each), 0);
  const sure =
    total === 0
      ? Math.max(...judged.map((each) => each.sure))
      : judged.reduce((sum, each) => sum + (each.sure * lengthOf(each)) / total, 0);
  const largest = judged.reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a));
  const scores = largest.causes.reduce((sum, { weight }) => sum + weight.score, 0);
  const explainedUs = judged.reduce((sum, each) => sum + (isBeside(each.bundle) ? 0 : lengthOf(each)), 0);
  return {
    causes: largest.causes.map(({ cause, weight }) => ({
      cause,
      weight,
      confidence: Math.round(((sure * weight.score) / scores) * 100) / 100,
    })),
    items,
    patterns: judged.map(({ pattern }) => pattern),
    explainedUs,
    costUs: total,
    sure,
  };
}

/** What costs time without anybody waiting for a reply counts this much. */
const BESIDE_WEIGHT = 0.2;

function byWeight(a: Verdict, b: Verdict): number {
  return weightIn(b) - weightIn(a) || b.items.length - a.items.length;
}

function weightIn({ explainedUs, costUs, sure }: Verdict): number {
  return sure * (explainedUs > 0 ? explainedUs : costUs * BESIDE_WEIGHT);
}
