import type { TlsHow, TlsView } from "../spine/conversation.ts";
import type { Side } from "../spine/wire.ts";
import type { Turn } from "./account.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { ReplyQueue } from "./reply-queue.ts";
import { type Instant, type TlsListener, TlsTracker } from "./tls.ts";
import { ENCRYPTED, TLS } from "./verbs.ts";

/**
 * What can be timed of an encrypted dialogue: the handshake from ClientHello to ServerHello, and after
 * it each turn of the client with the server's answer to it.
 */

/** TLS 1.3 has no visible alert: a close_notify is an application record of 1 + 2 + 16 octets and a header of 5. */
const CLOSE_NOTIFY_BYTES = 24;

export class TlsTurns implements TlsListener {
  readonly #queue: ReplyQueue;
  readonly #tracker: TlsTracker;
  #turn: ExchangeRecord | null = null;
  #answered = false;

  constructor(how: TlsHow, queue: ReplyQueue) {
    this.#queue = queue;
    this.#tracker = new TlsTracker(how, this);
  }

  get view(): TlsView {
    return this.#tracker.view;
  }

  /** Nothing further can be told. */
  get broken(): boolean {
    return this.#tracker.broken;
  }

  /** The stream was joined after its handshake. */
  assumeEstablished(): void {
    this.#tracker.assumeEstablished();
  }

  bytes(
    side: Side,
    atUs: number,
    frame: number,
    offset: number,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): number {
    return this.#tracker.bytes(side, atUs, frame, offset, buffer, start, end);
  }

  gap(side: Side, lengthBytes: number): void {
    this.#tracker.gap(side, lengthBytes);
    if (this.#turn !== null) this.#turn.taint = "gap";
    else if (this.#queue.oldest !== undefined) this.#queue.oldest.taint = "gap";
  }

  /** Whose time passes while a turn is under way, given what is about to happen; null between turns. */
  turnNow(from: Side | null): Turn | null {
    if (this.#turn === null) return null;
    if (from === "server") return "server";
    if (this.#answered) return "client";
    return from === "client" ? "transfer" : "server";
  }

  clientHello(first: Instant, last: Instant): void {
    const exchange = this.#queue.ask(TLS, first.atUs, first.frame, first.offset);
    this.#queue.asked(exchange, last.atUs, last.frame, last.offset + 1);
  }

  serverHello(first: Instant, last: Instant): void {
    const exchange = this.#queue.oldest;
    if (exchange?.verbIndex !== TLS) return;
    this.#queue.shift();
    answeredBetween(exchange, first, last);
    this.#queue.answered(exchange);
  }

  turn(side: Side, first: Instant, last: Instant): void {
    if (side === "client") {
      if (this.#turn !== null && this.#answered) this.finish();
      this.#turn ??= this.#queue.ask(ENCRYPTED, first.atUs, first.frame, first.offset);
      this.#queue.asked(this.#turn, last.atUs, last.frame, last.offset + 1);
    } else if (this.#turn !== null) {
      if (!this.#answered) answeredBetween(this.#turn, first, last);
      else answeredUpTo(this.#turn, last);
      this.#answered = true;
    }
  }

  /** A turn is over when the client speaks again, or the connection ends. */
  finish(): void {
    const turn = this.#turn;
    if (turn === null) return;
    this.#turn = null;
    if (this.#answered) {
      this.#queue.withdraw(turn);
      this.#queue.answered(turn);
    } else if (turn.askedTo - turn.askedFrom === CLOSE_NOTIFY_BYTES && this.#tracker.version === "1.3") {
      this.#queue.forget(turn);
    }
    this.#answered = false;
  }
}

function answeredBetween(exchange: ExchangeRecord, first: Instant, last: Instant): void {
  exchange.answeredFirst = first.atUs;
  exchange.answeredFirstFrame = first.frame;
  exchange.answeredFrom = first.offset;
  answeredUpTo(exchange, last);
}

function answeredUpTo(exchange: ExchangeRecord, last: Instant): void {
  exchange.answeredLast = last.atUs;
  exchange.answeredLastFrame = last.frame;
  exchange.answeredTo = last.offset + 1;
}
