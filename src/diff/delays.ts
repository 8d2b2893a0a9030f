import { type DelayDistribution, type DelayView, HELD_US, type SideName } from "../spine/diff-report.ts";
import { PHASES, type Phase } from "../spine/phase.ts";
import { NO_TIME } from "../spine/wire.ts";
import { type Clock, offsetAt, thinkUs } from "./clock.ts";
import type { PlaceOf } from "./places.ts";
import type { RecordedDialogue, RecordedTurn } from "./recorded.ts";
import type { TurnPair } from "./turns.ts";

/**
 * What the path added to each reply: how much longer it took for the client than for the server. The difference of
 * two intervals, each by one clock, needs no common clock. Only how it divides between the command's way
 * and the reply's does.
 *
 * A message (phase body) runs from the 354 to its last byte, and longer where the server is: by the way of the 354 and
 * that of the last byte. What was held shows in `data` and `end-of-data`, and is counted there only.
 */

/** A stamp is floored to µs: an interval is off by up to one, the difference of two by two. */
const STAMPS_US = 2;
/** Quartz clocks that are not compared run apart by less. */
const UNKNOWN_DRIFT_PPM = 100;

/** The reply to DATA that asks for the message. */
const GO_AHEAD = 354;

interface Sample {
  readonly addedUs: number;
  readonly lastedUs: number;
  readonly commandUs: number | null;
  readonly replyUs: number | null;
  readonly isLost: boolean;
  /** Where the client is. */
  readonly dialogue: RecordedDialogue;
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
      const sample = { addedUs, lastedUs, commandUs: null, replyUs: null, isLost: false, dialogue: client };
      this.#note("connect", sample, [client, 0], [server, 0]);
    }
    turns.forEach(([s, c], i) => {
      if (s === null || c === null || s.hasGap || c.hasGap) return;
      this.#body(server, client, turns[i - 1], s, c);
      const [atServer, atClient] = [thinkUs(s), thinkUs(c)];
      if (atServer === null || atClient === null) return;
      const offset = this.#clock === null ? null : offsetAt(this.#clock, s.askedLast);
      const sample: Sample = {
        addedUs: atClient - atServer,
        lastedUs: atClient,
        commandUs: offset === null ? null : s.askedLast - c.askedLast - offset,
        replyUs: offset === null ? null : c.answeredFirst - s.answeredFirst + offset,
        isLost: s.retransmits !== c.retransmits,
        dialogue: client,
      };
      this.#note(c.phase, sample, [client, c.answeredFrame], [server, s.answeredFrame]);
    });
  }

  /** @param before the turn before the one that may be a message's end */
  #body(
    server: RecordedDialogue,
    client: RecordedDialogue,
    before: TurnPair | undefined,
    s: RecordedTurn,
    c: RecordedTurn,
  ): void {
    const [goAhead, goAheadAtClient] = before ?? [null, null];
    if (s.phase !== "end-of-data" || c.phase !== "end-of-data") return;
    if (goAhead === null || goAheadAtClient === null || goAhead.hasGap || goAheadAtClient.hasGap) return;
    if (goAhead.code !== GO_AHEAD || goAheadAtClient.code !== GO_AHEAD) return;
    const lastedUs = s.askedLast - goAhead.answeredLast;
    const atClient = c.askedLast - goAheadAtClient.answeredLast;
    if ([s, c].some(({ askedLast }) => askedLast === NO_TIME) || lastedUs < 0 || atClient < 0) return;
    const offset = this.#clock === null ? null : offsetAt(this.#clock, s.askedLast);
    const sample: Sample = {
      addedUs: lastedUs - atClient,
      lastedUs,
      commandUs: offset === null ? null : s.askedLast - c.askedLast - offset,
      replyUs: offset === null ? null : goAheadAtClient.answeredLast - goAhead.answeredLast + offset,
      isLost: false,
      dialogue: client,
    };
    this.#note("body", sample, [client, c.askedFrame], [server, s.askedFrame]);
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
    return PHASES.flatMap((phase) => {
      const samples = this.#samples.get(phase);
      const worst = this.#worst.get(phase);
      if (samples === undefined || worst === undefined) return [];
      const lastedUs = samples.map((each) => each.lastedUs).sort((a, b) => a - b)[samples.length >> 1]!;
      const intervals = STAMPS_US + Math.ceil((lastedUs * this.#driftPpm) / 1e6);
      const oneWay = Math.ceil((this.#clock?.uncertaintyUs ?? 0) + STAMPS_US / 2);
      const late = this.#late(phase);
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

  /** Dialogues in which a command or a reply was held. */
  get heldDialogues(): number {
    const phases = PHASES.filter((phase) => phase !== "connect");
    const held = phases.flatMap((phase) => this.#late(phase).filter(({ isLost }) => !isLost));
    return new Set(held.map(({ dialogue }) => dialogue)).size;
  }

  /** Those to which more was added than the way takes. */
  #late(phase: Phase): Sample[] {
    if (phase === "body") return [];
    const connects = this.#samples.get("connect")?.map(({ addedUs }) => addedUs) ?? [];
    const wayUs = connects.reduce((least, each) => Math.min(least, each), connects[0] ?? 0);
    return (this.#samples.get(phase) ?? []).filter(({ addedUs }) => addedUs - wayUs >= HELD_US);
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
