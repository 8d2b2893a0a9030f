import { Diagnosis } from "../diagnosis/diagnosis.ts";
import { closeSilent } from "../dialogue/dialogues.ts";
import { type PhasePart, Recorder } from "../latency/recorder.ts";
import { Rewriting } from "../rewriting/rewriting.ts";
import { type Conversation, type DialogueListener, type Flag, NO_TIME_SPENT } from "../spine/conversation.ts";
import type { Exchange, Taint } from "../spine/exchange.ts";
import type { FileFrames } from "../spine/files.ts";
import type { Finding } from "../spine/finding.ts";
import { BODY, CONNECT, type Phase } from "../spine/phase.ts";
import type { Reference } from "../spine/reference.ts";
import type { AccountView, Health, PhaseView, SlowReply, Totals, WaitingView } from "../spine/report.ts";
import type { Settled } from "../spine/settled.ts";
import type { Measured } from "../spine/threshold.ts";
import type { SourceSink, Transport } from "../spine/wire.ts";
import { type GroupKey, type GroupPart, Groups } from "./groups.ts";
import { isConnected, locate, slowReply } from "./located.ts";
import { failedIn, measuredIn, phaseViews, waitedIn } from "./phase-views.ts";
import { SilentServers } from "./silent-servers.ts";
import { Top } from "./top.ts";

/**
 * Folds what dialogues say into a report: the only state that lives as long as the input, and so the
 * only place that must not grow with it. Everything it keeps is a count, a distribution, or a bounded list.
 *
 * Parts of an input are read by several of these at once and added up (`part`, `add`).
 */

export interface AnalysisOptions {
  readonly percentiles: readonly number[];
  readonly top: number;
  readonly by: GroupKey | null;
  /** What to look at; everything when null. */
  readonly accepts: ((settled: Settled) => boolean) | null;
  /** Whether a stage without a reply (connect, body) at this time is to be looked at. */
  readonly acceptsStage: (atUs: number | null) => boolean;
  /** Applied to text from the wire that the report keeps. */
  readonly redact: (text: string) => string;
  /** What the server itself says, to compare with what arrives. */
  readonly references?: readonly Reference[];
  /** Told of each accepted exchange and of each dialogue that had one (or of all, without a filter). */
  readonly onExchange: ((settled: Settled) => void) | null;
  readonly onConversation: ((conversation: Conversation, frames: FileFrames) => void) | null;
}

interface Counts {
  /** Dialogues, whether accepted or not. */
  seen: number;
  dialogues: number;
  messages: number;
  exchanges: number;
  recorded: number;
  unanswered: number;
  unsolicited: number;
  otherStreams: number;
  withGaps: number;
  oneWay: number;
  midStream: number;
  unfinished: number;
  retransmitted: number;
}

/** An analysis on its way between threads: plain values. */
export interface AnalysisPart {
  readonly counts: Counts;
  readonly tainted: Record<Taint, number>;
  readonly flags: Partial<Record<Flag, number>>;
  readonly account: AccountView;
  readonly phases: readonly PhasePart[];
  readonly groups: readonly GroupPart[] | null;
  readonly slowest: readonly SlowReply[];
  readonly unanswered: readonly SlowReply[];
  readonly silentLeftOut: number;
  readonly rewriting: ReturnType<Rewriting["part"]>;
  readonly diagnosis: ReturnType<Diagnosis["part"]>;
}

const NO_ACCOUNT: AccountView = { lengthUs: 0, ...NO_TIME_SPENT };

export class Analysis implements DialogueListener {
  readonly silent = new SilentServers();
  readonly #options: AnalysisOptions;
  #frames: () => FileFrames;
  readonly #recorder = new Recorder();
  readonly #rewriting: Rewriting;
  readonly #diagnosis = new Diagnosis();
  readonly #groups: Groups | null;
  readonly #slowest: Top;
  readonly #unanswered: Top;
  /** Dialogues of which an exchange was accepted, until they end. */
  readonly #accepted = new Set<Conversation>();
  readonly #counts: Counts = {
    seen: 0,
    dialogues: 0,
    messages: 0,
    exchanges: 0,
    recorded: 0,
    unanswered: 0,
    unsolicited: 0,
    otherStreams: 0,
    withGaps: 0,
    oneWay: 0,
    midStream: 0,
    unfinished: 0,
    retransmitted: 0,
  };
  readonly #tainted: Record<Taint, number> = { gap: 0, clock: 0, unanswered: 0, early: 0 };
  readonly #flags: Partial<Record<Flag, number>> = {};
  readonly #account: { -readonly [K in keyof AccountView]: number } = { ...NO_ACCOUNT };

  /** @param frames where packets are; asked when something is to be shown */
  constructor(options: AnalysisOptions, frames: () => FileFrames) {
    this.#options = options;
    this.#frames = frames;
    this.#groups = options.by === null ? null : new Groups(options.by);
    this.#slowest = new Top(options.top);
    this.#unanswered = new Top(options.top);
    this.#rewriting = new Rewriting({ redact: options.redact, references: options.references ?? [] });
  }

  /** Sees what passes beside the mail on its way to `sink`. */
  watch(sink: SourceSink): SourceSink {
    return this.#rewriting.watch(this.#diagnosis.watch(sink));
  }

  // ---- what dialogues say

  exchange(exchange: Exchange, conversation: Conversation): void {
    const { accepts, onExchange } = this.#options;
    this.#rewriting.exchange(exchange, conversation);
    if (accepts !== null || onExchange !== null) {
      const settled = this.#locate(exchange, conversation);
      if (accepts !== null) {
        if (!accepts(settled)) {
          this.#diagnosis.exchange(exchange, conversation, false);
          return;
        }
        this.#accepted.add(conversation);
      }
      onExchange?.(settled);
    }
    this.#diagnosis.exchange(exchange, conversation, true);
    const counts = this.#counts;
    const { taint } = exchange;
    counts.exchanges++;
    if (exchange.retransmits > 0) counts.retransmitted++;
    if (taint !== null) this.#tainted[taint]++;
    if (taint === "unanswered") counts.unanswered++;
    if (exchange.unsolicited) counts.unsolicited++;
    const { code, serviceUs, thinkUs, waitedUs } = exchange;
    if (this.#recorder.reply(exchange.phaseIndex, serviceUs, thinkUs, waitedUs, taint, code)) {
      counts.recorded++;
      const wholeUs = Math.max(waitedUs, serviceUs!);
      if (this.#slowest.wants(wholeUs)) this.#slowest.add(this.#slow(exchange, conversation, wholeUs));
    }
    if (taint === "unanswered") {
      const spentUs = isConnected(conversation) ? waitedUs : conversation.account.connectUs;
      if (this.#unanswered.wants(spentUs)) this.#unanswered.add(this.#slow(exchange, conversation, spentUs));
    }
    this.#groups?.record(exchange, conversation);
  }

  body(durationUs: number, _lengthBytes: number, atUs: number, _conversation: Conversation): void {
    if (this.#options.acceptsStage(atUs)) this.#recorder.stage(BODY, durationUs, 0);
  }

  conversation(conversation: Conversation): void {
    this.#counts.seen++;
    this.silent.spoke(conversation.transport.server);
    const connects = this.#connect(conversation);
    const found = () => this.#rewriting.foundIn(conversation);
    this.#diagnosis.conversation(conversation, connects, found, this.#frames());
    const accepted = this.#options.accepts === null || this.#accepted.delete(conversation);
    this.#rewriting.conversation(conversation, this.#frames(), accepted);
    if (!accepted) return;
    this.#options.onConversation?.(conversation, this.#frames());
    const counts = this.#counts;
    const { flags } = conversation;
    counts.dialogues++;
    counts.messages += conversation.messages;
    if (flags.size > 0) {
      for (const flag of flags) this.#flags[flag] = (this.#flags[flag] ?? 0) + 1;
      if (flags.has("gap")) counts.withGaps++;
      if (flags.has("one-way")) counts.oneWay++;
      if (flags.has("mid-stream")) counts.midStream++;
    }
    if (!isFinished(conversation)) counts.unfinished++;
    this.#add(conversation.account);
  }

  /** @returns whether the time it took to connect counts */
  #connect(conversation: Conversation): boolean {
    const { synAtUs, synAckAtUs } = conversation.transport;
    if (synAtUs === null || !this.#options.acceptsStage(synAtUs)) return false;
    const { connectUs } = conversation.account;
    const answered = synAckAtUs !== null && synAckAtUs >= synAtUs;
    if (!answered && isConnected(conversation)) return false;
    this.#recorder.stage(CONNECT, answered ? synAckAtUs - synAtUs : null, connectUs);
    return true;
  }

  other(_transport: Transport): void {
    this.#counts.otherStreams++;
  }

  undecided(transport: Transport): void {
    this.silent.add(transport, this.#frames());
  }

  /** The input is over: silent connections to servers that spoke SMTP somewhere in it are dialogues. */
  resolveSilent(speaksSmtp: (server: string) => boolean): void {
    const current = this.#frames;
    this.silent.resolve((transport, frames) => {
      if (!speaksSmtp(transport.server)) {
        this.#counts.otherStreams++;
        return;
      }
      this.#frames = () => frames;
      closeSilent(transport, this);
    });
    this.#frames = current;
  }

  #add(account: Conversation["account"]): void {
    const sum = this.#account;
    sum.connectUs += account.connectUs;
    sum.serverUs += account.serverUs;
    sum.pathUs += account.pathUs;
    sum.clientUs += account.clientUs;
    sum.transferUs += account.transferUs;
    sum.unknownUs += account.unknownUs;
  }

  #locate(exchange: Exchange, conversation: Conversation): Settled {
    const findings = () => this.#rewriting.foundIn(conversation);
    return locate(exchange, conversation, this.#frames(), findings);
  }

  #slow(exchange: Exchange, conversation: Conversation, waitedUs: number): SlowReply {
    const settled = this.#locate(exchange, conversation);
    return slowReply(settled, waitedUs, this.#frames(), this.#options.redact);
  }

  /** From here on what arrives is compared with these. */
  compareWith(references: readonly Reference[]): void {
    this.#rewriting.compareWith(references);
  }

  // ---- parts and wholes

  part(): AnalysisPart {
    return {
      counts: this.#counts,
      tainted: this.#tainted,
      flags: this.#flags,
      account: this.#account,
      phases: this.#recorder.part(),
      groups: this.#groups?.part() ?? null,
      slowest: this.#slowest.entries,
      unanswered: this.#unanswered.entries,
      silentLeftOut: this.silent.leftOut,
      rewriting: this.#rewriting.part(),
      diagnosis: this.#diagnosis.part(),
    };
  }

  add(part: AnalysisPart): void {
    addCounts(this.#counts, part.counts);
    addCounts(this.#tainted, part.tainted);
    for (const [flag, count] of Object.entries(part.flags) as [Flag, number][]) {
      this.#flags[flag] = (this.#flags[flag] ?? 0) + count;
    }
    this.#add(part.account);
    this.silent.leftOut += part.silentLeftOut;
    this.#rewriting.add(part.rewriting);
    this.#diagnosis.add(part.diagnosis);
    this.#recorder.add(part.phases);
    if (part.groups !== null) this.#groups?.add(part.groups);
    for (const entry of part.slowest) if (this.#slowest.wants(entry.waitedUs)) this.#slowest.add(entry);
    for (const entry of part.unanswered)
      if (this.#unanswered.wants(entry.waitedUs)) this.#unanswered.add(entry);
  }

  // ---- the report's parts

  totals(packets: number, packetBytes: number, connections: number): Totals {
    const { dialogues, messages, exchanges, recorded, unanswered, unsolicited, otherStreams } = this.#counts;
    return {
      packets,
      packetBytes,
      connections,
      dialogues,
      dialoguesSeen: this.#counts.seen,
      messages,
      exchanges,
      recorded,
      unanswered,
      unsolicited,
      otherStreams,
      silentLeftOut: this.silent.leftOut,
    };
  }

  health(
    droppedPackets: number,
    packetsCutBySnaplen: number,
    packetsOutOfOrder: number,
    undecodedPackets: Record<string, number>,
  ): Health {
    const { withGaps, oneWay, midStream, unfinished, retransmitted } = this.#counts;
    return {
      droppedPackets,
      packetsCutBySnaplen,
      packetsOutOfOrder,
      undecodedPackets,
      dialoguesWithGaps: withGaps,
      oneWayDialogues: oneWay,
      midStreamDialogues: midStream,
      unfinishedDialogues: unfinished,
      retransmittedExchanges: retransmitted,
      taintedExchanges: { ...this.#tainted },
      flags: { ...this.#flags },
    };
  }

  get account(): AccountView {
    const { connectUs, serverUs, pathUs, clientUs, transferUs, unknownUs } = this.#account;
    const lengthUs = connectUs + serverUs + pathUs + clientUs + transferUs + unknownUs;
    return { ...this.#account, lengthUs };
  }

  get waitedUs(): number {
    return waitedIn(this.#recorder);
  }

  conclude(): { findings: Finding[]; waiting: WaitingView } {
    const { findings, waiting } = this.#diagnosis.conclude();
    return { findings: [...this.#rewriting.findings(), ...findings], waiting };
  }

  /** Phases that occurred, by share of the waiting time. */
  phases(): PhaseView[] {
    return phaseViews(this.#recorder, this.#options.percentiles);
  }

  /** What thresholds are judged by. @param phase null: all exchanges */
  measured(phase: Phase | null): Measured {
    if (phase !== null) return measuredIn(this.#recorder, phase);
    return { seen: this.#counts.exchanges, failed: failedIn(this.#recorder), times: null };
  }

  groups(): ReturnType<Groups["table"]> | null {
    return this.#groups?.table(this.#options.percentiles) ?? null;
  }

  get slowest(): readonly SlowReply[] {
    return this.#slowest.entries;
  }

  get unanswered(): readonly SlowReply[] {
    return this.#unanswered.entries;
  }
}

/** What never became a connection cannot be open. */
function isFinished({ ended, transport }: Conversation): boolean {
  if (transport.refused || (transport.live?.failure ?? null) !== null) return true;
  return ended !== "open" && ended !== "idle";
}

function addCounts<T extends { [K in keyof T]: number }>(sum: T, part: T): void {
  for (const key of Object.keys(sum) as (keyof T)[]) sum[key] = (sum[key] + part[key]) as T[keyof T];
}
