import type { BeforeAfter, PhaseChange, TextChange, Verdict } from "../spine/before-after.ts";
import { PHASES, type Phase } from "../spine/phase.ts";
import { binned, type Period, type PhaseTimes, type Texts } from "./period.ts";
import { compareCounts } from "./significance.ts";

/**
 * Two periods compared: before a change and after it. Each phase gets two tests; so that one of all of them calls
 * chance a difference only once in twenty comparisons, each has to pass a level divided by how many there are
 * (Bonferroni).
 */

const LEVEL = 0.05;
const TESTS_A_PHASE = 2;
/** Below this on either side the tests' formulas do not hold, and nobody should conclude anything. */
const MIN_SAMPLES = 8;
/** A percentile needs so many times that one lies beyond it. */
const PERCENTILES = [
  { percentile: 50, least: 1 },
  { percentile: 95, least: 20 },
  { percentile: 99, least: 100 },
] as const;

export function compareProfiles(before: Period, after: Period, version: string): BeforeAfter {
  const there = PHASES.filter((phase) => before.phases.has(phase) || after.phases.has(phase));
  const tested = there.filter((phase) => isTestable(before.phases.get(phase), after.phases.get(phase)));
  const level = LEVEL / Math.max(1, tested.length * TESTS_A_PHASE);
  return {
    kind: "before-after",
    schema: 1,
    tool: { name: "smtpscope", version },
    before: { dialogues: before.dialogues },
    after: { dialogues: after.dialogues },
    level,
    phases: there.map((phase) =>
      phaseChange(phase, before.phases.get(phase), after.phases.get(phase), level),
    ),
    banners: textChanges(before.banners, after.banners),
    keywords: textChanges(before.keywords, after.keywords),
  };
}

function isTestable(a: PhaseTimes | undefined, b: PhaseTimes | undefined): boolean {
  return a !== undefined && b !== undefined && Math.min(a.n, b.n) >= MIN_SAMPLES;
}

function phaseChange(
  phase: Phase,
  a: PhaseTimes | undefined,
  b: PhaseTimes | undefined,
  level: number,
): PhaseChange {
  const [before, after] = [timesView(a), timesView(b)];
  const views = { phase, before, after, change: changeOf(before, after) };
  if (a === undefined || b === undefined) {
    return { ...views, verdict: a === undefined ? "only after" : "only before", p: null, basis: null };
  }
  const isBinned = a.isBinned || b.isBinned;
  const basis = isBinned ? "histogram" : "samples";
  if (!isTestable(a, b)) return { ...views, verdict: "too few samples", p: null, basis };
  const result = isBinned ? compareCounts(binned(a), binned(b)) : compareCounts(a.counts, b.counts);
  const { mannWhitneyP, kolmogorovSmirnovP, superiority } = result;
  const p = Math.min(mannWhitneyP, kolmogorovSmirnovP);
  let verdict: Verdict = "same";
  if (mannWhitneyP <= level) verdict = superiority > 0.5 ? "slower" : "faster";
  else if (kolmogorovSmirnovP <= level) verdict = "different";
  return { ...views, verdict, p, basis };
}

function timesView(times: PhaseTimes | undefined): PhaseChange["before"] {
  if (times === undefined) return null;
  const at = (percentile: number) => {
    const { least } = PERCENTILES.find((each) => each.percentile === percentile)!;
    return times.n < least ? null : times.percentileUs(percentile);
  };
  return { n: times.n, p50Us: at(50), p95Us: at(95), p99Us: at(99) };
}

function changeOf(before: PhaseChange["before"], after: PhaseChange["after"]): PhaseChange["change"] {
  if (before === null || after === null) return null;
  const by = (a: number | null, b: number | null) => (a === null || b === null ? null : b - a);
  return {
    p50Us: by(before.p50Us, after.p50Us),
    p95Us: by(before.p95Us, after.p95Us),
    p99Us: by(before.p99Us, after.p99Us),
  };
}

// ---- Banners and keywords

/** Shown of each. */
const MAX_CHANGES = 32;
/** Seen in a share of one period that differs by so much from the other's. */
const MIN_SHARE = 0.05;

/** Texts that came, went, or became rarer or more frequent; null where a side does not say. */
function textChanges(before: Texts | null, after: Texts | null): TextChange[] | null {
  if (before === null || after === null) return null;
  const all = new Set([...before.times.keys(), ...after.times.keys()]);
  const share = ({ of, times }: Texts, text: string) => (of === 0 ? 0 : (times.get(text) ?? 0) / of);
  return [...all]
    .map((text) => ({ text, before: share(before, text), after: share(after, text) }))
    .filter((each) => before.of > 0 && after.of > 0 && differs(each))
    .sort((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before) || (x.text < y.text ? -1 : 1))
    .slice(0, MAX_CHANGES);
}

function differs({ before, after }: TextChange): boolean {
  return (
    Math.abs(after - before) >= MIN_SHARE || ((before === 0) !== (after === 0) && before + after >= MIN_SHARE)
  );
}
