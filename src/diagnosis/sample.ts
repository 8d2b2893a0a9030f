import { hostOf } from "../spine/address.ts";
import type { Conversation } from "../spine/conversation.ts";
import type { Draft } from "./draft.ts";
import type { DialogueFacts } from "./facts.ts";

/**
 * What is kept of a whole input: exact sums, and of each kind of dialogue (late, prompt) a sample of
 * bounded size. Which ones are in a sample depends on the dialogues alone, not on the order in which
 * they came or on how the input was divided, so samples of parts add up to the sample of the whole.
 */

/** Late dialogues kept with all their replies, at some 5 KB each; prompt ones as a line each. */
const MAX_LATE = 2_048;
const MAX_VISITS = 1_024;

/** A prompt dialogue. */
export interface Visit {
  readonly client: string;
  readonly server: string;
  readonly fromUs: number;
  readonly toUs: number;
  readonly delivered: boolean;
}

export interface SamplePart {
  readonly late: readonly DialogueFacts[];
  readonly lateCount: number;
  readonly lateWaitedUs: number;
  readonly unseenUs: number;
  readonly visits: readonly Visit[];
  readonly visitCount: number;
  readonly promptWaitedUs: number;
}

export class Sample {
  readonly #late = new Lowest<DialogueFacts>(MAX_LATE);
  readonly #visits = new Lowest<Visit>(MAX_VISITS);
  lateCount = 0;
  /** Waited in late dialogues, kept or not. */
  lateWaitedUs = 0;
  /** Of that, past the point of capture. */
  unseenUs = 0;
  visitCount = 0;
  promptWaitedUs = 0;

  get late(): readonly DialogueFacts[] {
    return this.#late.kept;
  }

  get visits(): readonly Visit[] {
    return this.#visits.kept;
  }

  add(facts: DialogueFacts): void {
    this.lateCount++;
    this.lateWaitedUs += waitedIn(facts);
    for (const { accepted, unseenUs } of facts.replies) if (accepted) this.unseenUs += unseenUs;
    const key = keyOf(facts.fromUs, facts.toUs);
    if (this.#late.wants(key)) this.#late.add(key, facts);
  }

  prompt(
    { transport, messages, endedAtUs, announcedClient }: Conversation,
    draft: Draft,
    connectUs: number,
  ): void {
    this.visitCount++;
    this.promptWaitedUs += draft.totalUs + connectUs;
    const fromUs = transport.firstAtUs ?? 0;
    const toUs = endedAtUs ?? fromUs;
    const key = keyOf(fromUs, toUs);
    if (!this.#visits.wants(key)) return;
    const { server } = transport;
    const client = announcedClient ?? hostOf(transport.client);
    this.#visits.add(key, { client, server, fromUs, toUs, delivered: messages > 0 });
  }

  part(): SamplePart {
    return {
      late: this.late,
      lateCount: this.lateCount,
      lateWaitedUs: this.lateWaitedUs,
      unseenUs: this.unseenUs,
      visits: this.visits,
      visitCount: this.visitCount,
      promptWaitedUs: this.promptWaitedUs,
    };
  }

  addPart(part: SamplePart): void {
    for (const facts of part.late) this.#late.add(keyOf(facts.fromUs, facts.toUs), facts);
    for (const visit of part.visits) this.#visits.add(keyOf(visit.fromUs, visit.toUs), visit);
    this.lateCount += part.lateCount;
    this.lateWaitedUs += part.lateWaitedUs;
    this.unseenUs += part.unseenUs;
    this.visitCount += part.visitCount;
    this.promptWaitedUs += part.promptWaitedUs;
  }
}

export function waitedIn({ replies, unlistedUs }: DialogueFacts): number {
  return replies.reduce((sum, { accepted, waitedUs }) => sum + (accepted ? waitedUs : 0), unlistedUs);
}

/** The entries with the lowest keys: a random sample when keys are hashes. */
class Lowest<T> {
  readonly #size: number;
  #entries: { key: number; value: T }[] = [];
  /** Keys above it are not among the lowest. */
  #limit = Number.POSITIVE_INFINITY;

  constructor(size: number) {
    this.#size = size;
  }

  get kept(): T[] {
    this.#trim();
    return this.#entries.map(({ value }) => value);
  }

  wants(key: number): boolean {
    return key <= this.#limit;
  }

  add(key: number, value: T): void {
    if (key > this.#limit) return;
    this.#entries.push({ key, value });
    if (this.#entries.length >= 2 * this.#size) this.#trim();
  }

  #trim(): void {
    this.#entries.sort((a, b) => a.key - b.key);
    this.#entries = this.#entries.slice(0, this.#size);
    if (this.#entries.length === this.#size) this.#limit = this.#entries.at(-1)!.key;
  }
}

/** 32 bits of when it began and ended, mixed (the finaliser of MurmurHash3). */
function keyOf(fromUs: number, toUs: number): number {
  let hash = Math.imul((fromUs % 4_294_967_296) | 0, 0x9e3779b1) ^ ((toUs % 4_294_967_296) | 0);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
