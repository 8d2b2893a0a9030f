import { type DelayDistribution, type DelayView, HELD_US, type SideName } from "../spine/diff-report.ts";
import { PHASES, type Phase } from "../spine/phase.ts";
import { NO_TIME } from "../spine/wire.ts";
import { type Clock, offsetAt, thinkUs } from "./clock.ts";
import type { PlaceOf } from "./places.ts";
import type { RecordedDialogue } from "./recorded.ts";
import type { TurnPair } from "./turns.ts";

/**
 * What the path added to each reply: how much longer it took for the client than for the server. The difference of
 * two intervals, each by one clock, needs no common clock. Only how it divides between the command's way
 * and the reply's does.
 */

/** A stamp is floored to µs: an interval is off by up to one, the difference of two by two. */
const STAMPS_US = 2;
/** Quartz clocks that are not compared run apart by less. */
const UNKNOWN_DRIFT_PPM = 100;

interface Sample {
  readonly addedUs: number;
  readonly lastedUs: number;
  readonly commandUs: number | null;
  readonly replyUs: number | null;
  readonly isLost: boolean;
}

interface Worst {
  readonly addedUs: number;
  readonly at: Parameters<PlaceOf>;
  readonly atServer: Parameters<PlaceOf>;
}

export class Delays {
  readonly #samples = new Map<Phase, Sample[]>();
  readonly #worst = new Map<Phase, Worst>();
  readonly #clock: Clock | null;
  #firstAt = Number.POSITIVE_INFINITY;
  #lastAt = Number.NEGATIVE_INFINITY;

  /** @param clock of the server's side less the client's */
  constructor(clock: Clock | null) {
    this.#clock = clock;
  }

  /** @param turns the server's side first */
  add(server: RecordedDialogue, client: RecordedDialogue, turns: readonly TurnPair[]): void {
    this.#firstAt = Math.min(this.#firstAt, client.startAt);
    this.#lastAt = Math.max(this.#lastAt, client.startAt);
    const connects = [client.synAt, client.synAckAt, server.synAt, server.synAckAt];
    if (!connects.includes(NO_TIME)) {
      const lastedUs = client.synAckAt - client.synAt;
      const addedUs = lastedUs - (server.synAckAt - server.synAt);
      const sample = { addedUs, lastedUs, commandUs: null, replyUs: null, isLost: false };
      this.#note("connect", sample, [client, 0], [server, 0]);
    }
    for (const [s, c] of turns) {
      if (s === null || c === null || s.hasGap || c.hasGap) continue;
      const [atServer, atClient] = [thinkUs(s), thinkUs(c)];
      if (atServer === null || atClient === null) continue;
      const offset = this.#clock === null ? null : offsetAt(this.#clock, s.askedLast);
      const sample: Sample = {
        addedUs: atClient - atServer,
        lastedUs: atClient,
        commandUs: offset === null ? null : s.askedLast - c.askedLast - offset,
        replyUs: offset === null ? null : c.answeredFirst - s.answeredFirst + offset,
        isLost: s.retransmits !== c.retransmits,
      };
      this.#note(c.phase, sample, [client, c.answeredFrame], [server, s.answeredFrame]);
    }
  }

  #note(phase: Phase, sample: Sample, at: Parameters<PlaceOf>, atServer: Parameters<PlaceOf>): void {
    const samples = this.#samples.get(phase);
    if (samples === undefined) this.#samples.set(phase, [sample]);
    else samples.push(sample);
    const { addedUs } = sample;
    if (addedUs > (this.#worst.get(phase)?.addedUs ?? Number.NEGATIVE_INFINITY))
      this.#worst.set(phase, { addedUs, at, atServer });
  }

  views(placeAtClient: PlaceOf, placeAtServer: PlaceOf, serverSide: SideName): DelayView[] {
    const connects = this.#samples.get("connect")?.map(({ addedUs }) => addedUs) ?? [];
    const wayUs = connects.reduce((least, each) => Math.min(least, each), connects[0] ?? 0);
    return PHASES.flatMap((phase) => {
      const samples = this.#samples.get(phase);
      const worst = this.#worst.get(phase);
      if (samples === undefined || worst === undefined) return [];
      const lastedUs = samples.map((each) => each.lastedUs).sort((a, b) => a - b)[samples.length >> 1]!;
      const intervals = STAMPS_US + Math.ceil((lastedUs * this.#driftPpm) / 1e6);
      const oneWay = Math.ceil((this.#clock?.uncertaintyUs ?? 0) + STAMPS_US / 2);
      const late = samples.filter(({ addedUs }) => addedUs - wayUs >= HELD_US);
      const [client, server] = [placeAtClient(...worst.at), placeAtServer(...worst.atServer)];
      return {
        serverSide,
        phase,
        added: distribution(
          samples.map((each) => each.addedUs),
          intervals,
        )!,
        held: late.filter(({ isLost }) => !isLost).length,
        lost: late.filter(({ isLost }) => isLost).length,
        command: distribution(known(samples.map((each) => each.commandUs)), oneWay),
        reply: distribution(known(samples.map((each) => each.replyUs)), oneWay),
        worst: {
          addedUs: worst.addedUs,
          inside: serverSide === "inside" ? server : client,
          outside: serverSide === "inside" ? client : server,
        },
      };
    });
  }

  /** How far the clocks may run apart unnoticed: the offset was within its bounds from first to last. */
  get #driftPpm(): number {
    const spanUs = this.#lastAt - this.#firstAt;
    if (this.#clock === null || this.#clock.agreeing < 2 || !(spanUs > 0)) return UNKNOWN_DRIFT_PPM;
    return Math.min(UNKNOWN_DRIFT_PPM, ((2 * this.#clock.uncertaintyUs) / spanUs) * 1e6);
  }
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function distribution(values: readonly number[], uncertaintyUs: number): DelayDistribution | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (percent: number) =>
    Math.round(sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!);
  return {
    n: sorted.length,
    minUs: at(0),
    p50Us: at(50),
    p95Us: at(95),
    maxUs: at(100),
    uncertaintyUs,
  };
}
