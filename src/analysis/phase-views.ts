import type { Recorder } from "../latency/recorder.ts";
import { BODY, CONNECT, PHASES, type Phase } from "../spine/phase.ts";
import type { PhaseView } from "../spine/report.ts";
import type { Measured } from "../spine/threshold.ts";

/** Waited in all phases together, µs. */
export function waitedIn({ phases }: Recorder): number {
  return phases.reduce((sum, phase) => sum + phase.waitedUs, 0);
}

/** Phases that occurred, by share of the waiting time. */
export function phaseViews(recorder: Recorder, percentiles: readonly number[]): PhaseView[] {
  const total = waitedIn(recorder);
  const views: PhaseView[] = [];
  recorder.phases.forEach((record, index) => {
    if (record.seen === 0) return;
    const waits = index !== BODY;
    views.push({
      phase: PHASES[index]!,
      seen: record.seen,
      unanswered: record.unanswered,
      refused: record.refused,
      waitedUs: waits ? record.waitedUs : null,
      share: !waits ? null : total === 0 ? 0 : record.waitedUs / total,
      service: record.service.distribution(percentiles),
      think: index === CONNECT || index === BODY ? null : record.think.distribution(percentiles),
      histogram: record.service.bars(),
    });
  });
  return views.sort((a, b) => (b.waitedUs ?? -1) - (a.waitedUs ?? -1));
}

/** What thresholds on a phase are judged by. */
export function measuredIn({ phases }: Recorder, phase: Phase): Measured {
  const { seen, unanswered, refused, service } = phases[PHASES.indexOf(phase)]!;
  return { seen, failed: unanswered + refused, times: service };
}

/** Exchanges without a reply, or with a 4xx or 5xx. */
export function failedIn({ phases }: Recorder): number {
  const exchanges = phases.filter((_, index) => index !== CONNECT && index !== BODY);
  return exchanges.reduce((sum, { unanswered, refused }) => sum + unanswered + refused, 0);
}
