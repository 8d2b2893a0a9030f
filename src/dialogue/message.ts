import { NO_TIME } from "../spine/wire.ts";
import { Body } from "./body.ts";
import type { ClientOwner } from "./client-owner.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { Held, HeldBudget } from "./held.ts";
import type { ReplyQueue } from "./reply-queue.ts";
import { END_OF_BODY } from "./verbs.ts";

/** A message behind DATA and the exchange that its end begins. */
export class Message {
  readonly #queue: ReplyQueue;
  readonly #body: Body;
  /** An (end-of-data) that was answered before its end was seen. */
  #exchange: ExchangeRecord | null = null;

  constructor(queue: ReplyQueue, budget: HeldBudget, digests: boolean) {
    this.#queue = queue;
    this.#body = new Body(budget, digests);
  }

  clear(): void {
    this.#body.drop();
    this.#exchange = null;
  }

  /** @param fromUs when the 354 was complete, or NO_TIME */
  begin(fromUs: number): void {
    this.#body.begin(fromUs);
  }

  /**
   * @param offset stream offset of `start`
   * @returns the place behind its end, or −1 when all of it is message
   */
  read(buffer: Uint8Array, start: number, end: number, atUs: number, frame: number, offset: number): number {
    const found = this.#body.read(buffer, start, end, atUs, frame, offset);
    if (found >= 0) this.#body.drop();
    return found;
  }

  gap(lengthBytes: number): void {
    this.#body.gap(lengthBytes);
  }

  /**
   * The message is over.
   * @param to stream offset behind its last byte
   * @param throughThen how many commands were through when that byte came, if it is read late
   */
  end(
    atUs: number,
    frame: number,
    to: number,
    throughThen: number | undefined,
    owner: ClientOwner,
  ): ExchangeRecord {
    const exchange = this.#exchange ?? this.#queue.ask(END_OF_BODY, atUs, frame, to - 1, throughThen);
    this.#exchange = null;
    exchange.askedFirst = atUs;
    exchange.askedFirstFrame = frame;
    exchange.askedFrom = to - 1;
    this.#queue.asked(exchange, atUs, frame, to);
    exchange.unkept = this.#body.unkept;
    exchange.endSplit = this.#body.endSplit;
    const { fromUs, hasGap, lengthBytes } = this.#body;
    if (fromUs !== NO_TIME && atUs >= fromUs && !hasGap) owner.bodyOver(atUs - fromUs, lengthBytes, atUs);
    return exchange;
  }

  // ---- A reply comes while it is on its way

  /** Its reply came while it was on its way. */
  get isAnswered(): boolean {
    return this.#exchange !== null;
  }

  /** Where the server may have taken a lone dot as the end. */
  get looseEnd(): Body["looseEnd"] {
    return this.#body.looseEnd;
  }

  certainTo(to: number): number {
    return this.#body.certainTo(to);
  }

  get isUnread(): boolean {
    return this.#body.isUnread;
  }

  /** It ended there. @returns what came behind it, which was no message */
  takeBehindDot(): Held | null {
    return this.#body.takeBehindDot();
  }

  get hasGap(): boolean {
    return this.#body.hasGap;
  }

  /** Its end was missed, or the server did not wait for it. @returns null when it was answered before */
  answeredEarly(): ExchangeRecord | null {
    if (this.#exchange !== null) return null;
    const exchange = this.#queue.aside(END_OF_BODY);
    if (this.#body.hasGap) exchange.taint = "gap";
    else {
      exchange.asking = true;
      this.#exchange = exchange;
    }
    return exchange;
  }
}
