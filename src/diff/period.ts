import { type PhasePart, Recorder } from "../latency/recorder.ts";
import { halfDecade, halfDecadeStartUs, type SeriesPart } from "../latency/series.ts";
import type { Conversation, DialogueListener } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import { BODY, CONNECT, EHLO, PHASES, type Phase } from "../spine/phase.ts";
import type { Report } from "../spine/report.ts";
import type { Counts } from "./significance.ts";

/** What one of two periods was like: its times by phase, its banners, what its servers offered. */
export interface Period {
  readonly dialogues: number;
  readonly phases: ReadonlyMap<Phase, PhaseTimes>;
  /** Text → dialogues with it; null where the source does not say (a saved report). */
  readonly banners: Texts | null;
  /** Keyword line → replies with it. */
  readonly keywords: Texts | null;
}

export interface PhaseTimes {
  readonly n: number;
  /** Single times to 0.1 %, or bars of a saved report by their lower edge. */
  readonly counts: Counts;
  readonly isBinned: boolean;
  readonly percentileUs: (percentile: number) => number | null;
}

export interface Texts {
  /** Dialogues or replies in all. */
  readonly of: number;
  readonly times: ReadonlyMap<string, number>;
}

/** Different banners and keyword lines of a period; a server has one and a dozen. */
const MAX_TEXTS = 4_096;

class TextCounts implements Texts {
  of = 0;
  readonly times = new Map<string, number>();

  note(texts: Iterable<string>): void {
    this.of++;
    for (const text of texts) {
      const known = this.times.get(text);
      if (known !== undefined || this.times.size < MAX_TEXTS) this.times.set(text, (known ?? 0) + 1);
    }
  }
}

/** Reads a period from a capture. */
export class PeriodRecorder implements DialogueListener {
  readonly #recorder = new Recorder();
  readonly #banners = new TextCounts();
  readonly #keywords = new TextCounts();
  #dialogues = 0;

  exchange(exchange: Exchange): void {
    const { phaseIndex, serviceUs, thinkUs, waitedUs, taint, code } = exchange;
    this.#recorder.reply(phaseIndex, serviceUs, thinkUs, waitedUs, taint, code);
    if (phaseIndex !== EHLO || code !== 250 || taint === "gap") return;
    // A set: a line that comes twice is one keyword all the same.
    this.#keywords.note(new Set(exchange.lines().slice(1).map(withoutCode)));
  }

  body(durationUs: number): void {
    this.#recorder.stage(BODY, durationUs, 0);
  }

  conversation(conversation: Conversation): void {
    this.#dialogues++;
    const { synAtUs, synAckAtUs, synCount } = conversation.transport;
    if (synAtUs !== null && synAckAtUs !== null && synAckAtUs >= synAtUs && synCount > 0)
      this.#recorder.stage(CONNECT, synAckAtUs - synAtUs, 0);
    const banner = conversation.banner();
    if (banner.length > 0) this.#banners.note([banner.map(generalised).join(" / ")]);
  }

  other(): void {}
  undecided(): void {}

  get period(): Period {
    const phases = timesOf(this.#recorder);
    return { dialogues: this.#dialogues, phases, banners: this.#banners, keywords: this.#keywords };
  }
}

/** Takes a period from an analysis: its times, no texts. */
export function periodOfTimes(parts: readonly PhasePart[], dialogues: number): Period {
  const recorder = new Recorder();
  recorder.add(parts);
  return { dialogues, phases: timesOf(recorder), banners: null, keywords: null };
}

function timesOf(recorder: Recorder): Period["phases"] {
  const phases = new Map<Phase, PhaseTimes>();
  recorder.phases.forEach(({ service }, index) => {
    if (service.n === 0) return;
    const counts = countsOf(service.part());
    const percentileUs = (percentile: number) => service.percentileUs(percentile);
    phases.set(PHASES[index]!, { n: service.n, counts, isBinned: false, percentileUs });
  });
  return phases;
}

/** Each value once: of a series that was asked and went on, short times are in both places. */
function countsOf({ direct, buckets }: SeriesPart): Counts {
  const counts = new Map<number, number>();
  direct?.forEach((count, value) => {
    if (count > 0) counts.set(value, count);
  });
  for (let i = 0; i < buckets.length; i += 2)
    counts.set(buckets[i]!, (counts.get(buckets[i]!) ?? 0) + buckets[i + 1]!);
  return [...counts].sort(([a], [b]) => a - b);
}

function withoutCode(line: string): string {
  return line.replace(/^\d{3}[ -]?/, "");
}

/** A banner with what changes from one connection to the next (dates, times, process numbers, ids) as `…`; the host stays. */
export function generalised(line: string): string {
  return line
    .slice(0, MAX_BANNER_CHARACTERS)
    .split(" ")
    .map((word, i) => (i > 1 && VARIABLE.test(word) ? "…" : word))
    .join(" ")
    .replace(/…(?: …)+/g, "…");
}

const MAX_BANNER_CHARACTERS = 512;
const VARIABLE =
  /^[<([]?(?:(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|\d+|\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?|[+-]\d{4}|(?=[^\s]*\d)(?=[^\s]*[a-z])[\w+/=.-]{10,}|\d{4}-\d\d-\d\d\S*)[\])>,;.]*$/i;

/** Takes a period from a report that `replay -o json` saved: what it says in bars and percentiles. */
export function periodOf(report: Report): Period {
  const phases = new Map<Phase, PhaseTimes>();
  for (const { phase, service, histogram } of report.phases) {
    if (service.n === 0) continue;
    phases.set(phase, {
      n: service.n,
      counts: histogram.filter(({ count }) => count > 0).map(({ fromUs, count }) => [fromUs, count]),
      isBinned: true,
      percentileUs: (percentile) => service.percentilesUs[String(percentile)] ?? null,
    });
  }
  return { dialogues: report.totals.dialogues, phases, banners: null, keywords: null };
}

/** Single times in the bars of a saved report: half-decades from 1 µs, the first from 0. */
export function binned({ counts, isBinned }: PhaseTimes): Counts {
  if (isBinned) return counts;
  const bars = new Map<number, number>();
  for (const [value, count] of counts) {
    const fromUs = halfDecadeStartUs(halfDecade(value));
    bars.set(fromUs, (bars.get(fromUs) ?? 0) + count);
  }
  return [...bars].sort(([a], [b]) => a - b);
}
