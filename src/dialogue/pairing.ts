import type { Transport } from "../spine/wire.ts";
import type { ByteText } from "./byte-text.ts";
import type { ClientReader } from "./client-reader.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { ReplyQueue } from "./reply-queue.ts";
import type { ReplyReader } from "./reply-reader.ts";
import { AUTH, AUTH_ANSWER, CONNECT, DATA, EHLO, LHLO, QUIT, UNKNOWN, UNSOLICITED } from "./verbs.ts";

/** Gives each reply to the exchange that it answers. */
export class Pairing {
  readonly #client: ClientReader;
  readonly #queue: ReplyQueue;
  readonly #reply: ReplyReader;
  readonly #banner: ByteText;
  /** A reply has come. */
  serverReplied = false;
  /** Packet in which the latest one ended. */
  #repliedFrame = 0;
  /** The latest one is the banner. */
  #greeted = false;

  constructor(client: ClientReader, queue: ReplyQueue, reply: ReplyReader, banner: ByteText) {
    this.#client = client;
    this.#queue = queue;
    this.#reply = reply;
    this.#banner = banner;
  }

  clear(): void {
    this.serverReplied = false;
    this.#repliedFrame = 0;
    this.#greeted = false;
  }

  /**
   * A reply is complete. @param counts false where the dialogue is not SMTP
   * @returns the exchange that has it now; null when it answers nothing
   */
  pair(transport: Transport, counts: boolean): ExchangeRecord | null {
    const queue = this.#queue;
    const reply = this.#reply;
    const { code } = reply;
    // A line without a code right behind a reply is the rest of a reply with a line feed in its text.
    // So is an empty one. One of its own may answer any of the pending commands.
    const behind = this.serverReplied && this.#repliedFrame === reply.firstFrame;
    const debris = code === null && (behind || reply.blank);
    if (code === null && !debris && queue.pendingCount > 1) queue.doubt();
    if (debris && this.#greeted) this.#banner.append(reply.text.bytes, 0, reply.text.length);
    const exchange = counts && !debris ? this.#claimant(code, transport) : null;
    this.serverReplied = true;
    this.#repliedFrame = reply.lastFrame;
    if (exchange !== null) {
      this.#answer(exchange, transport.synAckAtUs);
      queue.answered(exchange);
    }
    this.#greeted = debris ? this.#greeted : exchange?.verbIndex === CONNECT;
    reply.clear();
    return exchange;
  }

  /** The exchange that a reply belongs to; null for a line without code that answers nothing. */
  #claimant(code: number | null, transport: Transport): ExchangeRecord | null {
    const client = this.#client;
    const queue = this.#queue;
    if (code !== 354 && queue.repliesLost) client.assumeMessage();
    if (queue.uncertain) this.#skipToOnlyMatch(code, this.#reply.lines);
    const oldest = queue.shift();
    if (oldest !== undefined) {
      if (oldest.verbIndex === CONNECT) queue.askedByHandshake(oldest, transport);
      return oldest;
    }
    if (code === null || queue.passesOver()) return null;
    const greets = code === 220 || code === 421 || code === 554;
    if (greets && !this.serverReplied && !client.spoke) return queue.aside(CONNECT);
    const claimed = code === 421 ? null : client.claimsReply();
    if (claimed !== null) return claimed;
    const unsolicited = queue.aside(UNSOLICITED);
    // What it answers went the other way, past the point of capture.
    if (transport.oneWay) unsolicited.taint = "gap";
    return unsolicited;
  }

  /** Some replies can answer only one command: after a loss they tell which others are over. */
  #skipToOnlyMatch(code: number | null, lines: number): void {
    const queue = this.#queue;
    if (code === 354) queue.skipTo([DATA]);
    else if (code === 334 || code === 235) queue.skipTo([AUTH, AUTH_ANSWER, UNKNOWN]);
    else if (code === 221) queue.skipTo([QUIT]);
    else if (code === 250 && lines > 1) queue.skipTo([EHLO, LHLO]);
  }

  #answer(exchange: ExchangeRecord, synAckAtUs: number | null): void {
    const reply = this.#reply;
    exchange.code = reply.code;
    exchange.answeredFirst = reply.firstAtUs;
    exchange.answeredFirstFrame = reply.firstFrame;
    exchange.answeredLine = reply.lineAtUs;
    exchange.answeredLast = reply.lastAtUs;
    exchange.answeredLastFrame = reply.lastFrame;
    exchange.answeredFrom = reply.from;
    exchange.answeredTo = reply.to;
    // The texts change places: nothing is copied.
    const text = exchange.replyBytes;
    exchange.replyBytes = reply.text;
    reply.text = text;
    if (exchange.verbIndex !== CONNECT) return;
    this.#banner.append(exchange.replyBytes.bytes, 0, exchange.replyBytes.length);
    if (synAckAtUs !== null && exchange.answeredFirst >= synAckAtUs)
      exchange.sinceSynAckUs = exchange.answeredFirst - synAckAtUs;
  }
}
