import type { Taint } from "../spine/exchange.ts";
import { PHASES, type PhaseIndex } from "../spine/phase.ts";
import { Series, type SeriesPart } from "./series.ts";

/** One phase's counts and distributions. */
export interface PhaseRecord {
  seen: number;
  unanswered: number;
  /** Replies that say 4xx or 5xx. */
  refused: number;
  waitedUs: number;
  readonly service: Series;
  readonly think: Series;
}

/** A phase on its way between threads. */
export interface PhasePart {
  readonly seen: number;
  readonly unanswered: number;
  readonly refused: number;
  readonly waitedUs: number;
  readonly service: SeriesPart;
  readonly think: SeriesPart;
}

/** Times by phase. Tainted ones are counted, never recorded. */
export class Recorder {
  readonly phases: readonly PhaseRecord[] = PHASES.map(() => emptyPhase());

  /** One exchange. `null` durations are not recorded. */
  reply(
    phase: PhaseIndex,
    serviceUs: number | null,
    thinkUs: number | null,
    waitedUs: number,
    taint: Taint | null,
    code: number | null,
  ): boolean {
    const record = this.phases[phase]!;
    record.seen++;
    record.waitedUs += waitedUs;
    if (taint === "unanswered") record.unanswered++;
    if (code !== null && code >= 400) record.refused++;
    if (taint !== null || serviceUs === null) return false;
    record.service.record(serviceUs);
    if (thinkUs !== null) record.think.record(thinkUs);
    return true;
  }

  /** A stage without a reply: `connect`, `body`. */
  stage(phase: PhaseIndex, durationUs: number | null, waitedUs: number): void {
    const record = this.phases[phase]!;
    record.seen++;
    record.waitedUs += waitedUs;
    if (durationUs === null) record.unanswered++;
    else record.service.record(durationUs);
  }

  part(): PhasePart[] {
    return this.phases.map(({ seen, unanswered, refused, waitedUs, service, think }) => ({
      seen,
      unanswered,
      refused,
      waitedUs,
      service: service.part(),
      think: think.part(),
    }));
  }

  add(parts: readonly PhasePart[]): void {
    parts.forEach((part, index) => {
      const record = this.phases[index]!;
      record.seen += part.seen;
      record.unanswered += part.unanswered;
      record.refused += part.refused;
      record.waitedUs += part.waitedUs;
      record.service.add(part.service);
      record.think.add(part.think);
    });
  }
}

function emptyPhase(): PhaseRecord {
  return { seen: 0, unanswered: 0, refused: 0, waitedUs: 0, service: new Series(), think: new Series() };
}
