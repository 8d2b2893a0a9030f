import type { AnalysisOptions } from "../analysis/analysis.ts";
import { parseFilter } from "../filter/parser.ts";
import type { FilterSubject } from "../filter/subject.ts";
import type { Settled } from "../spine/settled.ts";
import { FINDING_NAMES } from "./finding-names.ts";

/** What the operator wants to see: -Y, --since, --until. */
export interface Selection {
  readonly filter: string | null;
  readonly sinceAtUs: number | null;
  readonly untilAtUs: number | null;
}

/** `accepts` is null when everything is wanted. A filter selects exchanges, so no stage without one passes it. */
export function compileSelection({
  filter,
  sinceAtUs,
  untilAtUs,
}: Selection): Pick<AnalysisOptions, "accepts" | "acceptsStage"> {
  if (filter === null && sinceAtUs === null && untilAtUs === null) {
    return { accepts: null, acceptsStage: () => true };
  }
  const matches = filter === null ? null : parseFilter(filter, FINDING_NAMES);
  const since = sinceAtUs ?? Number.NEGATIVE_INFINITY;
  const until = untilAtUs ?? Number.POSITIVE_INFINITY;
  const inTime = (atUs: number | null) => atUs !== null && atUs >= since && atUs < until;
  const always = sinceAtUs === null && untilAtUs === null;
  return {
    accepts: (settled) =>
      (always || inTime(timeOf(settled))) && (matches === null || matches.matches(new Subject(settled))),
    acceptsStage: (atUs) => matches === null && inTime(atUs),
  };
}

/** An exchange belongs to the time at which it was asked, or answered if it was not asked. */
function timeOf({ exchange, conversation }: Settled): number | null {
  return exchange.askedLastAtUs ?? exchange.answeredFirstAtUs ?? conversation.transport.firstAtUs;
}

/** A settled exchange as the filter language sees it. */
class Subject implements FilterSubject {
  readonly #settled: Settled;

  constructor(settled: Settled) {
    this.#settled = settled;
  }

  get phase(): string {
    return this.#settled.exchange.phase;
  }
  get verb(): string {
    return this.#settled.exchange.verb;
  }
  command(): string | null {
    return this.#settled.exchange.command();
  }
  get code(): number | null {
    return this.#settled.exchange.code;
  }
  lines(): readonly string[] {
    return this.#settled.exchange.lines();
  }
  get serviceUs(): number | null {
    return this.#settled.exchange.serviceUs;
  }
  get thinkUs(): number | null {
    return this.#settled.exchange.thinkUs;
  }
  get client(): string {
    return this.#settled.conversation.transport.client;
  }
  get server(): string {
    return this.#settled.conversation.transport.server;
  }
  get file(): string {
    return this.#settled.file;
  }
  get tcpStream(): number {
    return this.#settled.tcpStream;
  }
  get askedFrames(): readonly [number, number] | null {
    return this.#settled.askedFrames;
  }
  get answeredFrames(): readonly [number, number] | null {
    return this.#settled.answeredFrames;
  }
  get pipelinedBehind(): number {
    return this.#settled.exchange.pipelinedBehind;
  }
  get retransmits(): number {
    return this.#settled.exchange.retransmits;
  }
  get taint(): string | null {
    return this.#settled.exchange.taint;
  }
  findings(): readonly string[] {
    return this.#settled.findings();
  }
  get conversation(): FilterSubject["conversation"] {
    const { conversation } = this.#settled;
    return {
      tls: conversation.tls !== null,
      starttls: conversation.starttls,
      banner: () => conversation.banner()[0] ?? null,
      ended: conversation.ended === "open" ? null : conversation.ended,
    };
  }
}
