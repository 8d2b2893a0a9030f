import type {
  Conversation,
  DialogueListener,
  Flag,
  TimeAccount,
  TlsHow,
  TlsView,
} from "../spine/conversation.ts";
import type { Unkept } from "../spine/exchange.ts";
import { AUTH as AUTH_PHASE, END_OF_DATA } from "../spine/phase.ts";
import { linesOf, textOf } from "../spine/text.ts";
import {
  type EndCause,
  type GapCause,
  NO_TIME,
  type Side,
  type StreamSink,
  type Transport,
} from "../spine/wire.ts";
import type { Turn } from "./account.ts";
import type { ClientOwner } from "./client-owner.ts";
import type { Desk } from "./desk.ts";
import { Digest } from "./digests.ts";
import type { ExchangePool } from "./exchange-pool.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { judgeCommand, judgeFirstReply, type Verdict } from "./recognise.ts";
import { TlsTurns } from "./tls-turns.ts";
import {
  ANONYMOUS_TLS,
  AUTH,
  AUTH_ANSWER,
  BDAT,
  CONNECT,
  DATA,
  EHLO,
  END_OF_BODY,
  HELO,
  LHLO,
  MAIL,
  QUIT,
  RCPT,
  RSET,
  STARTTLS,
  UNKNOWN,
  UNSOLICITED,
  VERB_NAMES,
  type VerbIndex,
  verbAt,
} from "./verbs.ts";

/**
 * One SMTP dialogue: two byte streams in, exchanges out.
 *
 * Purpose: to guess the state of two programs from what they say, not to judge whether they are right.
 * `client-reader.ts` reads the client's bytes, `reply-reader.ts` the server's; `reply-queue.ts` knows
 * what is pending. Here they meet: each reply is given to what it answers, and what follows from it is
 * told to the reader.
 *
 * WARNING: everything in this room must depend on bytes, their order between the sides and their
 * stamps, and never on how they were split into calls. test/dialogue holds that.
 */

/** Replies after which a stream that never said anything telling is not SMTP. */
const MAX_UNDECIDED_REPLIES = 32;
/** Bytes without a line, on a port that is not mail's, after which it is not SMTP. */
const MAX_UNDECIDED_BYTES = 1_024;

/** What a dialogue shares with all others of its source. */
export interface DialogueContext {
  readonly listener: DialogueListener;
  readonly isMailPort: (port: number) => boolean;
  /** Time after which an acknowledged exchange is taken as settled; 0 where no further copies can come. */
  readonly settleUs: number;
  readonly pool: ExchangePool;
  readonly digests: boolean;
  /** Exchanges of this dialogue wait to settle: it wants to be told of the time. */
  settling(dialogue: Dialogue): void;
  takeDesk(): Desk;
  /** The dialogue is over; its desk is free. */
  closed(dialogue: Dialogue, desk: Desk): void;
}

export class Dialogue implements StreamSink, Conversation, ClientOwner {
  readonly transport: Transport;
  readonly onMailPort: boolean;
  messages = 0;
  ended: EndCause = "open";
  serverReplied = false;
  readonly #context: DialogueContext;
  readonly #desk: Desk;
  #verdict: Verdict = "undecided";
  /** After the 220 to STARTTLS the server's bytes may be TLS: its first byte tells. */
  #serverTls: "no" | "maybe" | "yes" = "no";
  #serverOffset = 0;
  /** Packet in which the latest reply ended. */
  #repliedFrame = 0;
  #replies = 0;
  #tls: TlsTurns | null = null;
  #encrypted: { readonly client: Digest; readonly server: Digest } | null = null;
  #speaksLmtp = false;
  #acceptedRecipients = 0;
  /** A recipient's reply to the message under way was positive. */
  #messageAccepted = false;
  #starttlsOffered = false;
  #endAtUs = NO_TIME;
  #sidesEnded = 0;
  #closed = false;
  /** Exchanges wait to settle, and the clock has been asked for. */
  #waits = false;

  constructor(transport: Transport, context: DialogueContext) {
    this.transport = transport;
    this.#context = context;
    this.#desk = context.takeDesk();
    this.#desk.owner = this;
    this.onMailPort = context.isMailPort(transport.serverPort);
    if (transport.sawHandshake) this.#desk.queue.greet();
    else this.#desk.flags.raise("mid-stream");
  }

  // ---- Conversation: what a listener may read

  get tls(): TlsView | null {
    return this.#tls?.view ?? null;
  }
  get endedAtUs(): number | null {
    return this.#endAtUs === NO_TIME ? null : this.#endAtUs;
  }
  get account(): TimeAccount {
    return this.#desk.account;
  }
  get flags(): ReadonlySet<Flag> {
    return this.#desk.flags.set;
  }
  get starttls(): "used" | "offered" | "none" {
    if (this.#tls?.view.how === "starttls") return "used";
    return this.#starttlsOffered ? "offered" : "none";
  }
  encrypted(side: Side): Unkept | null {
    return this.#encrypted?.[side].result ?? null;
  }
  banner(): readonly string[] {
    const { bytes, length, omitted } = this.#desk.banner;
    return linesOf(bytes, length, omitted);
  }

  // ---- StreamSink: what a source says

  get wanted(): boolean {
    return this.#verdict !== "other";
  }

  bytes(from: Side, atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    if (this.#verdict === "other") return;
    const { account, client, queue } = this.#desk;
    queue.clockSteps = this.transport.clockSteps;
    account.book(this.transport, atUs, this.#turnNow(from));
    if (from === "client") client.bytes(atUs, frame, buffer, start, end);
    else this.#fromServer(atUs, frame, buffer, start, end);
    if (queue.overfull) this.#settle(atUs);
  }

  gap(from: Side, atUs: number, frame: number, lengthBytes: number, _why: GapCause): void {
    if (this.#verdict === "other") return;
    const { account, client, flags } = this.#desk;
    account.book(this.transport, atUs, "unknown");
    flags.raise("gap");
    if (from === "client") client.gap(atUs, frame, lengthBytes);
    else this.#serverGap(lengthBytes);
  }

  copy(from: Side, fromOffset: number, toOffset: number, frame: number): void {
    this.#desk.queue.copy(from === "client", fromOffset, toOffset, frame);
  }

  end(_from: Side, atUs: number, how: EndCause): void {
    this.#desk.account.book(this.transport, atUs, this.#turnNow(null));
    if (this.ended !== "rst") this.ended = how;
    this.#sidesEnded += how === "rst" ? 2 : 1;
    if (atUs > this.#endAtUs) this.#endAtUs = atUs;
  }

  /** @returns false when nothing waits any more */
  tick(atUs: number): boolean {
    this.#settle(atUs);
    return this.#desk.queue.settlingCount > 0;
  }

  close(atUs: number): void {
    if (this.#closed) return;
    this.#closed = true;
    // One side alone that has finished does not end a dialogue: the last packet does.
    if (this.#sidesEnded < 2 && atUs > this.#endAtUs) this.#endAtUs = atUs;
    if (this.#verdict !== "other") this.#finish();
    if (this.#verdict === "other") this.#context.listener.other(this.transport);
    this.#context.closed(this, this.#desk);
  }

  #finish(): void {
    const { account, client, queue, reply } = this.#desk;
    const { listener } = this.#context;
    const lastTurn = this.#turnNow(null);
    if (reply.active && reply.cutShort()) this.#replied();
    client.resolve();
    if (this.#verdict === "undecided") this.#decideAtClose();
    if (this.#verdict !== "smtp") return;
    this.#flagsAtClose();
    account.close(this.transport, this.#endAtUs, lastTurn);
    // Stamps that step back, or a segment that comes behind the FIN.
    if (account.untilUs > this.#endAtUs) this.#endAtUs = account.untilUs;
    this.#tls?.finish();
    const oldest = queue.oldest;
    if (oldest?.verbIndex === CONNECT) queue.askedByHandshake(oldest, this.transport);
    this.#listMissingAnswers();
    // For lack of room, or one direction only: replies may have come that are not here.
    const missing = queue.uncertain || this.ended === "idle" || this.#halfCaptured;
    queue.abandon(missing ? "gap" : "unanswered", this.#endAtUs);
    queue.settleAll((exchange) => listener.exchange(exchange, this));
    listener.conversation(this);
  }

  #settle(nowUs: number): void {
    const { queue } = this.#desk;
    const { settleUs, listener } = this.#context;
    // So much said, and nothing telling: the port has to decide.
    if (queue.overfull) this.#judge(this.onMailPort ? "smtp" : "other");
    if (this.#verdict === "smtp") {
      queue.settle(nowUs, settleUs, this.transport, (exchange) => listener.exchange(exchange, this));
    }
    const waits = queue.settlingCount > 0;
    if (waits !== this.#waits) {
      this.#waits = waits;
      if (waits) this.#context.settling(this);
    }
  }

  // ---- The server's bytes

  #fromServer(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    const { client, reply } = this.#desk;
    let i = start;
    while (i < end && client.prefaceReply(buffer[i]!)) i++;
    while (i < end && this.#verdict !== "other") {
      const offset = this.#serverOffset + (i - start);
      if (this.#isTls(buffer[i]!)) {
        this.#tls?.bytes("server", atUs, frame, offset, buffer, i, end);
        this.#encrypted?.server.bytes(buffer, i, end);
        break;
      }
      const next = reply.read(buffer, i, end, atUs, frame, offset);
      if (next < 0) {
        if (!this.onMailPort && reply.cannotHaveCode) this.#judge("other");
        break;
      }
      i = next;
      this.#replied();
    }
    this.#serverOffset += end - start;
  }

  #isTls(first: number): boolean {
    if (this.#serverTls === "maybe" && first < 0x20) this.#serverTls = "yes";
    if (this.#serverTls !== "no") return this.#serverTls === "yes";
    const { client, reply } = this.#desk;
    if (first !== 23 || this.transport.sawHandshake || !this.onMailPort) return false;
    if (client.spoke || this.serverReplied || reply.active) return false;
    // Joined in the middle of its encrypted part.
    client.readOn("tls");
    this.beginTls(first);
    return true;
  }

  /** A reply is complete: whose is it, and what follows from it? */
  #replied(): void {
    const { flags, queue, reply } = this.#desk;
    const { code } = reply;
    if (reply.mixedCodes) flags.raise("mixed-codes");
    if (reply.bareLf) flags.raise("bare-lf");
    if (reply.text.nul) flags.raise("nul");
    if (code === null) flags.raise("reply-without-code");
    this.#judgeReply(code);
    // A line without a code right behind a reply is the rest of a reply with a line feed in its text.
    // So is an empty one. One of its own may answer any of the pending commands.
    const behind = this.serverReplied && this.#repliedFrame === reply.firstFrame;
    const debris = code === null && (behind || reply.blank);
    if (code === null && !debris && queue.pendingCount > 1) queue.doubt();
    const exchange = this.#verdict === "other" || debris ? null : this.#claimant(code);
    this.serverReplied = true;
    this.#repliedFrame = reply.lastFrame;
    if (exchange !== null) {
      this.#answer(exchange, code);
      queue.answered(exchange);
    }
    reply.clear();
    if (exchange === null) return;
    this.#conclude(exchange, code);
    this.#settle(exchange.answeredLast);
  }

  /** The exchange that a reply belongs to; null for a line without code that answers nothing. */
  #claimant(code: number | null): ExchangeRecord | null {
    const { client, queue, reply } = this.#desk;
    if (code !== 354 && queue.repliesLost) client.assumeMessage();
    if (queue.uncertain) this.#skipToOnlyMatch(code, reply.lines);
    const oldest = queue.shift();
    if (oldest !== undefined) {
      if (oldest.verbIndex === CONNECT) queue.askedByHandshake(oldest, this.transport);
      return oldest;
    }
    if (code === null || queue.passesOver()) return null;
    const greets = code === 220 || code === 421 || code === 554;
    if (greets && !this.serverReplied && !client.spoke) return queue.aside(CONNECT);
    const claimed = code === 421 ? null : client.claimsReply();
    if (claimed !== null) return claimed;
    const unsolicited = queue.aside(UNSOLICITED);
    // What it answers went the other way, past the point of capture.
    if (this.transport.oneWay) unsolicited.taint = "gap";
    return unsolicited;
  }

  /** Some replies can answer only one command: after a loss they tell which others are over. */
  #skipToOnlyMatch(code: number | null, lines: number): void {
    const { queue } = this.#desk;
    if (code === 354) queue.skipTo([DATA]);
    else if (code === 334 || code === 235) queue.skipTo([AUTH, AUTH_ANSWER, UNKNOWN]);
    else if (code === 221) queue.skipTo([QUIT]);
    else if (code === 250 && lines > 1) queue.skipTo([EHLO, LHLO]);
  }

  #answer(exchange: ExchangeRecord, code: number | null): void {
    const { banner, reply } = this.#desk;
    exchange.code = code;
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
    banner.append(exchange.replyBytes.bytes, 0, exchange.replyBytes.length);
    const { synAckAtUs } = this.transport;
    if (synAckAtUs !== null && exchange.answeredFirst >= synAckAtUs) {
      exchange.sinceSynAckUs = exchange.answeredFirst - synAckAtUs;
    }
  }

  /** What a reply means for how the dialogue goes on. */
  #conclude(exchange: ExchangeRecord, code: number | null): void {
    const { client, flags, queue } = this.#desk;
    const positive = code !== null && code >= 200 && code < 300;
    const awaited = client.awaits(exchange);
    switch (exchange.verbIndex) {
      case EHLO:
      case LHLO:
        this.#acceptedRecipients = 0;
        if (positive) this.#readKeywords(exchange);
        if (positive) this.#speaksLmtp = exchange.verbIndex === LHLO;
        if (this.#speaksLmtp) flags.raise("lmtp");
        break;
      case HELO:
        if (positive) this.#speaksLmtp = false;
        this.#acceptedRecipients = 0;
        break;
      case RSET:
      case MAIL:
        this.#acceptedRecipients = 0;
        break;
      case RCPT:
        if (positive) this.#acceptedRecipients++;
        break;
      case DATA:
        if (code === 354) queue.certain();
        if (awaited && code !== 354 && exchange.taint === "gap") client.doubtMessage();
        if (awaited && code === 354) client.readOn("body", exchange.answeredLast);
        else if (awaited) client.refused();
        break;
      case AUTH:
      case AUTH_ANSWER:
        if (awaited) client.readOn(code === 334 ? "auth-answer" : "commands");
        break;
      case STARTTLS:
      case ANONYMOUS_TLS:
        if (code === 220) this.#serverTls = "maybe";
        if (awaited) client.readOn(code === 220 ? "tls-or-not" : "commands");
        break;
      case UNKNOWN:
        // The client of a stream joined midway, or after a gap, may have been answering a challenge.
        if (code === 334 || code === 235 || code === 535) this.#wasAuthAnswer(exchange, code);
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
    if (code !== 421) return;
    this.#listMissingAnswers();
    queue.abandon(queue.uncertain ? "gap" : "unanswered", exchange.answeredLast);
    client.awaitNothing();
  }

  /** LMTP answers a message once for each recipient it had accepted (RFC 2033 §4.2). */
  #concludeMessage(exchange: ExchangeRecord, positive: boolean): void {
    const { queue } = this.#desk;
    this.#messageAccepted ||= positive;
    if (this.#speaksLmtp && this.#acceptedRecipients > 1) {
      this.#acceptedRecipients--;
      queue.putFirst(queue.repeat(exchange));
      return;
    }
    this.#acceptedRecipients = 0;
    if (this.#messageAccepted) this.messages++;
    this.#messageAccepted = false;
  }

  /** No replies will come any more: of a message by LMTP each recipient's is missing. */
  #listMissingAnswers(): void {
    const { queue } = this.#desk;
    const oldest = queue.oldest;
    if (oldest === undefined || !this.#speaksLmtp || oldest.asking) return;
    if (oldest.phaseIndex !== END_OF_DATA) return;
    if (this.#messageAccepted) this.messages++;
    this.#messageAccepted = false;
    queue.shift();
    const all = [oldest];
    for (; this.#acceptedRecipients > 1; this.#acceptedRecipients--) all.push(queue.repeat(oldest));
    for (const exchange of all.reverse()) queue.putFirst(exchange);
  }

  /** Something was said, and only one direction of it captured. */
  get #halfCaptured(): boolean {
    return this.transport.oneWay && (this.#desk.client.spoke || this.serverReplied);
  }

  #wasAuthAnswer(exchange: ExchangeRecord, code: number): void {
    exchange.secret = true;
    exchange.commandBytes.wipe();
    exchange.verbIndex = AUTH_ANSWER;
    exchange.phaseIndex = AUTH_PHASE;
    if (code === 334) this.#desk.client.expectAuthAnswer();
  }

  #readKeywords(exchange: ExchangeRecord): void {
    const { bytes, length } = exchange.replyBytes;
    let lines = 0;
    for (let at = 0; at >= 0 && at + 4 < length; lines++) {
      if (verbAt(bytes, at + 4, length) === STARTTLS) this.#starttlsOffered = true;
      const next = bytes.indexOf(0x0a, at);
      at = next < 0 ? -1 : next + 1;
    }
    // Nothing else is answered with a list.
    if (lines > 1) this.#desk.queue.certain();
  }

  #serverGap(lengthBytes: number): void {
    const { queue, reply } = this.#desk;
    this.#serverOffset += lengthBytes;
    if (this.#serverTls === "yes") {
      this.#tls?.gap("server", lengthBytes);
      this.#encrypted?.server.gap(lengthBytes);
      return;
    }
    queue.lost("replies");
    if (!reply.active) return;
    if (!reply.cutShort() || (reply.expectsMore && queue.oldest === undefined)) {
      reply.clear();
      return;
    }
    this.#replied();
    queue.repliesFound();
  }

  // ---- ClientOwner: what the client's reader tells

  get sawHandshake(): boolean {
    return this.transport.sawHandshake;
  }

  heard(verb: VerbIndex): boolean {
    if (this.#verdict === "undecided") {
      const word = verb === UNKNOWN ? this.#desk.client.firstWord : VERB_NAMES[verb]!;
      this.#judge(judgeCommand(word, this.onMailPort));
    }
    return this.#verdict !== "other";
  }

  joinedMessage(): void {
    this.#judge("smtp");
  }

  heardNoLine(lengthBytes: number): boolean {
    if (!this.onMailPort && lengthBytes > MAX_UNDECIDED_BYTES) this.#judge("other");
    return this.#verdict !== "other";
  }

  beginTls(recordType: number): void {
    const { queue } = this.#desk;
    const how: TlsHow =
      this.#serverTls !== "no" ? "starttls" : this.serverReplied ? "unannounced" : "implicit";
    this.#judge(this.onMailPort ? "smtp" : "other");
    this.#serverTls = "yes";
    this.#tls = new TlsTurns(how, queue);
    if (this.#context.digests) this.#encrypted = { client: new Digest(), server: new Digest() };
    if (recordType === 23) this.#tls.assumeEstablished();
    // Behind TLS there is a greeting too, but nobody outside can see it come.
    if (how === "implicit" && queue.oldest?.verbIndex === CONNECT) queue.forget(queue.oldest);
  }

  noTls(): void {
    if (this.#serverTls !== "no") this.#desk.flags.raise("decrypted");
    this.#serverTls = "no";
  }

  tlsBytes(
    atUs: number,
    frame: number,
    offset: number,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#tls?.bytes("client", atUs, frame, offset, buffer, start, end);
    this.#encrypted?.client.bytes(buffer, start, end);
  }

  tlsLost(): void {
    if (this.#serverTls === "maybe") this.#serverTls = "yes";
  }

  tlsGap(lengthBytes: number): boolean {
    this.#tls?.gap("client", lengthBytes);
    this.#encrypted?.client.gap(lengthBytes);
    return !(this.#tls?.broken ?? true);
  }

  bodyOver(durationUs: number, lengthBytes: number, atUs: number): void {
    if (this.#verdict === "smtp") this.#context.listener.body(durationUs, lengthBytes, atUs, this);
  }

  // ---- What it is

  #judge(verdict: Verdict): void {
    if (this.#verdict === "undecided") this.#verdict = verdict;
  }

  #judgeReply(code: number | null): void {
    if (this.#verdict !== "undecided") return;
    const { bytes, length } = this.#desk.reply.text;
    if (this.serverReplied) {
      if (++this.#replies > MAX_UNDECIDED_REPLIES) this.#judge("other");
      return;
    }
    this.#judge(
      judgeFirstReply({
        code,
        text: () => textOf(bytes, 0, Math.min(length, 512)),
        isGreeting: this.sawHandshake,
        onMailPort: this.onMailPort,
      }),
    );
  }

  /** Nothing telling was said until the end. */
  #decideAtClose(): void {
    const { client, reply } = this.#desk;
    const silent = !this.serverReplied && !reply.active && this.sawHandshake;
    if (this.onMailPort && (silent || this.serverReplied)) this.#verdict = "smtp";
    else if (silent && !client.spoke) this.#context.listener.undecided(this.transport);
    else this.#verdict = "other";
  }

  #flagsAtClose(): void {
    const { client, flags } = this.#desk;
    const { oneWay, refused, synAckFrame, synCount, synFrame } = this.transport;
    const said = client.spoke || this.serverReplied;
    if (oneWay && said) flags.raise("one-way");
    if (synCount > 1) flags.raise("syn-retransmitted");
    if (refused) flags.raise("refused");
    else if (synFrame > 0 && synAckFrame === 0 && !said) flags.raise("syn-unanswered");
    else if (!this.serverReplied && this.#tls === null && !oneWay) flags.raise("silent-server");
    if (client.inMessage) flags.raise("unfinished-message");
  }

  /** Whose time it is, given that something is about to happen on `from`'s side. */
  #turnNow(from: Side | null): Turn {
    const { client, queue } = this.#desk;
    const { oneWay, synAckFrame, synFrame } = this.transport;
    const said = client.spoke || this.serverReplied;
    if (!said && synFrame > 0 && synAckFrame === 0) return "connect";
    if (queue.uncertain || client.lost || (oneWay && said)) return "unknown";
    const encrypted = this.#tls?.turnNow(from);
    if (encrypted) return encrypted;
    const oldest = queue.oldest;
    if (oldest !== undefined && !oldest.asking) return "server";
    return client.inMessage ? "transfer" : "client";
  }
}
