import { AUTH as AUTH_PHASE, END_OF_DATA } from "../spine/phase.ts";
import type { ClientReader } from "./client-reader.ts";
import type { Encryption } from "./encryption.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { Flags } from "./flags.ts";
import type { ReplyQueue } from "./reply-queue.ts";
import {
  ANONYMOUS_TLS,
  AUTH,
  AUTH_ANSWER,
  BDAT,
  DATA,
  EHLO,
  END_OF_BODY,
  HELO,
  LHLO,
  MAIL,
  RCPT,
  RSET,
  STARTTLS,
  UNKNOWN,
  UNSOLICITED,
  verbAt,
} from "./verbs.ts";

/** What replies mean for how a dialogue goes on: how the client is read, and what of a message has arrived. */
export class Consequences {
  readonly #client: ClientReader;
  readonly #queue: ReplyQueue;
  readonly #flags: Flags;
  readonly #encryption: Encryption;
  /** Messages that the server took. */
  messages = 0;
  starttlsOffered = false;
  #speaksLmtp = false;
  acceptedRecipients = 0;
  /** A recipient's reply to the message under way was positive. */
  #messageAccepted = false;

  constructor(client: ClientReader, queue: ReplyQueue, flags: Flags, encryption: Encryption) {
    this.#client = client;
    this.#queue = queue;
    this.#flags = flags;
    this.#encryption = encryption;
  }

  clear(): void {
    this.messages = 0;
    this.starttlsOffered = false;
    this.#speaksLmtp = false;
    this.acceptedRecipients = 0;
    this.#messageAccepted = false;
  }

  /** An exchange has got its reply. */
  conclude(exchange: ExchangeRecord): void {
    const client = this.#client;
    const queue = this.#queue;
    const { code } = exchange;
    const positive = code !== null && code >= 200 && code < 300;
    const awaited = client.awaits(exchange);
    switch (exchange.verbIndex) {
      case EHLO:
      case LHLO:
        if (positive) this.#readKeywords(exchange);
        this.#greeted(positive, exchange.verbIndex === LHLO);
        break;
      case HELO:
        this.#greeted(positive, false);
        break;
      case RSET:
      case MAIL:
        // A second MAIL within a message is refused (503), and the message goes on (RFC 5321 §4.1.4).
        if (code === null || code < 400) this.acceptedRecipients = 0;
        break;
      case RCPT:
        if (positive) this.acceptedRecipients++;
        break;
      case DATA:
        if (code === 354) queue.certain();
        // A 250 is no answer to DATA: somebody on the path may have made it of a 354.
        if (awaited && code !== 354 && (positive || exchange.taint === "gap")) client.doubtMessage();
        if (awaited && code === 354) client.readOn("body", exchange.answeredLast);
        else if (awaited) client.refused();
        break;
      case AUTH:
      case AUTH_ANSWER:
        if (awaited) client.readOn(code === 334 ? "auth-answer" : "commands");
        break;
      case STARTTLS:
      case ANONYMOUS_TLS:
        if (code === 220) this.#encryption.announced();
        if (awaited) client.readOn(code === 220 ? "tls-or-not" : "commands");
        break;
      case UNKNOWN:
        // The client of a stream joined midway, or after a gap, may have been answering a challenge.
        if (code === 334 || code === 235 || code === 535) this.#wasAuthAnswer(exchange);
        break;
      case UNSOLICITED:
        // Its DATA is missing; what follows is a message all the same.
        if (code === 354 && client.expectMessage()) queue.certain();
        break;
      case END_OF_BODY:
        this.#concludeMessage(exchange, positive);
        if (awaited) client.readOn("commands");
        break;
      case BDAT:
        if (exchange.phaseIndex === END_OF_DATA) this.#concludeMessage(exchange, positive);
        break;
    }
    // Whatever the path made of the command, the server takes it for DATA.
    if (code === 354 && exchange.verbIndex !== DATA && exchange.verbIndex !== UNSOLICITED)
      client.expectMessage();
    if (code !== 421) return;
    this.listMissingAnswers();
    queue.abandon(queue.uncertain ? "gap" : "unanswered", exchange.answeredLast);
    client.awaitNothing();
  }

  /** No replies will come any more: of a message by LMTP each recipient's is missing. */
  listMissingAnswers(): void {
    const queue = this.#queue;
    const { oldest } = queue;
    if (oldest === undefined || !this.#speaksLmtp || oldest.asking) return;
    if (oldest.phaseIndex !== END_OF_DATA) return;
    if (this.#messageAccepted) this.messages++;
    this.#messageAccepted = false;
    queue.shift();
    const all = [oldest];
    for (; this.acceptedRecipients > 1; this.acceptedRecipients--) all.push(queue.repeat(oldest));
    for (const exchange of all.reverse()) queue.putFirst(exchange);
  }

  #greeted(positive: boolean, inLmtp: boolean): void {
    if (positive) {
      this.acceptedRecipients = 0;
      this.#speaksLmtp = inLmtp;
    }
    if (this.#speaksLmtp) this.#flags.raise("lmtp");
  }

  /** LMTP answers a message once for each recipient it had accepted (RFC 2033 §4.2). */
  #concludeMessage(exchange: ExchangeRecord, positive: boolean): void {
    const queue = this.#queue;
    this.#messageAccepted ||= positive;
    if (this.#speaksLmtp && this.acceptedRecipients > 1) {
      this.acceptedRecipients--;
      queue.putFirst(queue.repeat(exchange));
      return;
    }
    this.acceptedRecipients = 0;
    if (this.#messageAccepted) this.messages++;
    this.#messageAccepted = false;
  }

  #wasAuthAnswer(exchange: ExchangeRecord): void {
    exchange.secret = true;
    exchange.commandBytes.wipe();
    exchange.verbIndex = AUTH_ANSWER;
    exchange.phaseIndex = AUTH_PHASE;
    if (exchange.code === 334) this.#client.expectAuthAnswer();
  }

  #readKeywords(exchange: ExchangeRecord): void {
    const { bytes, length } = exchange.replyBytes;
    let lines = 0;
    for (let at = 0; at >= 0 && at + 4 < length; lines++) {
      if (verbAt(bytes, at + 4, length) === STARTTLS) this.starttlsOffered = true;
      const next = bytes.indexOf(0x0a, at);
      at = next < 0 ? -1 : next + 1;
    }
    // Nothing else is answered with a list.
    if (lines > 1) this.#queue.certain();
  }
}
