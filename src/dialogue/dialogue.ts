import type { Conversation, DialogueListener, Flag, TimeAccount, TlsView } from "../spine/conversation.ts";
import type { Unkept } from "../spine/exchange.ts";
import { linesOf } from "../spine/text.ts";
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
import { kindOfReply } from "./disclosure.ts";
import type { ExchangePool } from "./exchange-pool.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { Settlement } from "./settling.ts";
import { CONNECT, UNKNOWN, VERB_NAMES, type VerbIndex } from "./verbs.ts";
import type { Waiting } from "./waiting-list.ts";

/**
 * One SMTP dialogue: two byte streams in, exchanges out.
 *
 * Purpose: to guess the state of two programs from what they say, not to judge whether they are right.
 * `client-reader.ts` reads the client's bytes, `reply-reader.ts` the server's; `reply-queue.ts` knows
 * what is pending, `pairing.ts` gives each reply to what it answers, and `consequences.ts` tells the
 * client's reader what follows from it. Here they meet (see `desk.ts`).
 *
 * WARNING: everything in this room must depend on bytes, their order between the sides and their
 * stamps, and never on how they were split into calls. test/dialogue holds that.
 */

/** What a dialogue shares with all others of its source. */
export interface DialogueContext {
  readonly listener: DialogueListener;
  readonly isMailPort: (port: number) => boolean;
  /** Time after which an acknowledged exchange is taken as settled; 0 where no further copies can come. */
  readonly settleUs: number;
  readonly pool: ExchangePool;
  /** Exchanges of this dialogue wait to settle: it wants to be told of the time. */
  settling(dialogue: Dialogue): void;
  takeDesk(): Desk;
  /** The dialogue is over; its desk is free. */
  closed(dialogue: Dialogue, desk: Desk): void;
}

export class Dialogue implements StreamSink, Conversation, ClientOwner, Settlement, Waiting<Dialogue> {
  readonly transport: Transport;
  readonly onMailPort: boolean;
  kept: object | null = null;
  ended: EndCause = "open";
  before: Dialogue | null = null;
  behind: Dialogue | null = null;
  listed = false;
  readonly #context: DialogueContext;
  #taken: Desk | null = null;
  #serverOffset = 0;
  #endAtUs = NO_TIME;
  #sidesEnded = 0;
  #closed = false;
  /** Exchanges wait to settle, and the clock has been asked for. */
  #waits = false;

  constructor(transport: Transport, context: DialogueContext) {
    this.transport = transport;
    this.#context = context;
    this.onMailPort = context.isMailPort(transport.serverPort);
  }

  /**
   * Taken when something is said: a flood of connections that say nothing costs no desks. No getter: those
   * of private names are calls into the engine.
   */
  #desk(): Desk {
    return this.#taken ?? this.#takeDesk();
  }

  #takeDesk(): Desk {
    const desk = this.#context.takeDesk();
    this.#taken = desk;
    desk.owner = this;
    desk.disclosure.transport = this.transport;
    desk.queue.startedUs = this.transport.synAtUs ?? this.transport.firstAtUs ?? NO_TIME;
    if (this.transport.sawHandshake) desk.queue.greet();
    else desk.flags.raise("mid-stream");
    return desk;
  }

  // ---- Conversation: what a listener may read

  get tls(): TlsView | null {
    return this.#desk().encryption.view;
  }
  get endedAtUs(): number | null {
    return this.#endAtUs === NO_TIME ? null : this.#endAtUs;
  }
  get account(): TimeAccount {
    return this.#desk().account;
  }
  get flags(): ReadonlySet<Flag> {
    return this.#desk().flags.set;
  }
  get announcedClient(): string | null {
    return this.#taken?.client.announcedClient ?? null;
  }
  get acceptedRecipients(): number {
    return this.#desk().consequences.acceptedRecipients;
  }
  get starttls(): "used" | "offered" | "none" {
    if (this.tls?.how === "starttls") return "used";
    return this.#desk().consequences.starttlsOffered ? "offered" : "none";
  }
  get messages(): number {
    return this.#desk().consequences.messages;
  }
  encrypted(side: Side): Unkept | null {
    return this.#desk().encryption.digest(side);
  }
  banner(): readonly string[] {
    const { bytes, length, omitted } = this.#desk().banner;
    return linesOf(bytes, length, omitted);
  }

  // ---- StreamSink: what a source says

  get wanted(): boolean {
    return !this.#closed && this.#taken?.recognition.verdict !== "other";
  }

  get isUnread(): boolean {
    return !this.#closed && this.#taken?.client.isUnread === true;
  }

  bytes(from: Side, atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    if (!this.wanted) return;
    const { account, client, queue } = this.#desk();
    queue.clockSteps = this.transport.clockSteps;
    account.book(this.transport, atUs, this.#turnNow(from));
    if (from === "client") client.bytes(atUs, frame, buffer, start, end);
    else this.#fromServer(atUs, frame, buffer, start, end);
    if (queue.settling.mustSettle) this.#settle(atUs);
  }

  gap(from: Side, atUs: number, frame: number, lengthBytes: number, _why: GapCause): void {
    if (!this.wanted) return;
    const { account, client, flags } = this.#desk();
    account.book(this.transport, atUs, "unknown");
    flags.raise("gap");
    if (from === "client") client.gap(atUs, frame, lengthBytes);
    else this.#serverGap(lengthBytes);
  }

  copy(from: Side, fromOffset: number, toOffset: number, frame: number): void {
    this.#desk().queue.copy(from === "client", fromOffset, toOffset, frame);
  }

  end(_from: Side, atUs: number, how: EndCause): void {
    this.#desk().account.book(this.transport, atUs, this.#turnNow(null));
    if (this.ended !== "rst") this.ended = how;
    this.#sidesEnded += how === "rst" ? 2 : 1;
    if (atUs > this.#endAtUs) this.#endAtUs = atUs;
  }

  /** @returns false when nothing waits any more */
  tick(atUs: number): boolean {
    this.#settle(atUs);
    return this.#desk().queue.settling.count > 0;
  }

  close(atUs: number): void {
    if (this.#closed) return;
    // One side alone that has finished does not end a dialogue: the last packet does.
    if (this.#sidesEnded < 2 && atUs > this.#endAtUs) this.#endAtUs = atUs;
    if (this.wanted) this.#finish();
    if (!this.wanted) this.#context.listener.other(this.transport);
    // From here on the desk may be another dialogue's.
    this.#closed = true;
    this.#context.closed(this, this.#desk());
  }

  #finish(): void {
    const { account, client, consequences, encryption, queue, recognition, reply } = this.#desk();
    const { listener } = this.#context;
    const lastTurn = this.#turnNow(null);
    if (reply.active && reply.cutShort()) this.#replied();
    client.resolve();
    if (recognition.verdict === "undecided") this.#decideAtClose();
    if (recognition.verdict !== "smtp") return;
    this.#flagsAtClose();
    account.close(this.transport, this.#endAtUs, lastTurn);
    // Stamps that step back, or a segment that comes behind the FIN.
    if (account.untilUs > this.#endAtUs) this.#endAtUs = account.untilUs;
    encryption.finish();
    const oldest = queue.oldest;
    if (oldest?.verbIndex === CONNECT) queue.askedByHandshake(oldest, this.transport);
    consequences.listMissingAnswers();
    // For lack of room, or one direction only: replies may have come that are not here.
    const missing = queue.uncertain || this.ended === "idle" || this.#halfCaptured();
    queue.abandon(missing ? "gap" : "unanswered", this.#endAtUs);
    queue.settling.settleAll(this);
    listener.conversation(this);
  }

  // ---- Settlement: what the queue tells

  settled(exchange: ExchangeRecord): void {
    this.#desk().disclosure.settled(exchange);
    this.#context.listener.exchange(exchange, this);
  }

  #settle(nowUs: number): void {
    const { queue, recognition } = this.#desk();
    const { settleUs } = this.#context;
    // So much said, and nothing telling: the port has to decide.
    if (queue.settling.overfull) recognition.judge(this.onMailPort ? "smtp" : "other");
    if (recognition.verdict === "smtp") {
      queue.settle(nowUs, settleUs, this.transport, this);
    }
    const waits = queue.settling.count > 0;
    if (waits !== this.#waits) {
      this.#waits = waits;
      if (waits) this.#context.settling(this);
    }
  }

  // ---- The server's bytes

  #fromServer(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    const { client, disclosure, encryption, recognition, reply } = this.#desk();
    let i = start;
    while (i < end && client.prefaceReply(buffer[i]!)) i++;
    if (i > start) disclosure.server(this.#serverOffset + (i - start), "plain");
    while (i < end && this.wanted) {
      const offset = this.#serverOffset + (i - start);
      const begun = encryption.serverEncrypts;
      if (encryption.ofServer(buffer[i]!) || this.#joinsTls(buffer[i]!)) {
        const known = encryption.bytes("server", atUs, frame, offset, buffer, i, end);
        // The first byte told that it is TLS, whatever came of it.
        disclosure.server(offset + Math.max(known - i, begun ? 0 : 1), "plain");
        if (known < end) disclosure.server(offset + (end - i), "secret");
        break;
      }
      const next = reply.read(buffer, i, end, atUs, frame, offset);
      if (next < 0) {
        // The same is found of it when its line is whole.
        if (!this.onMailPort && !this.serverReplied && reply.cannotHaveCode) recognition.judge("other");
        break;
      }
      i = next;
      this.#replied();
    }
    this.#serverOffset += end - start;
  }

  /** The stream was joined in the middle of its encrypted part. */
  #joinsTls(first: number): boolean {
    if (first !== 23 || this.transport.sawHandshake || !this.onMailPort) return false;
    const { client, encryption, reply } = this.#desk();
    if (encryption.wasAnnounced || client.spoke || this.serverReplied || reply.active) return false;
    client.readOn("tls");
    this.beginTls(first);
    return true;
  }

  /** A reply is complete: whose is it, and what follows from it? */
  #replied(): void {
    const { consequences, disclosure, flags, pairing, queue, recognition, reply } = this.#desk();
    const { code, to } = reply;
    if (reply.mixedCodes) flags.raise("mixed-codes");
    if (reply.bareLf) flags.raise("bare-lf");
    if (reply.text.nul) flags.raise("nul");
    if (code === null) flags.raise("reply-without-code");
    recognition.replied(reply, !this.serverReplied, this.sawHandshake, this.onMailPort);
    const exchange = pairing.pair(this.transport, this.wanted);
    disclosure.server(to, kindOfReply(code, exchange, queue.uncertain));
    if (exchange === null) return;
    consequences.conclude(exchange);
    this.#settle(exchange.answeredLast);
  }

  /** Something was said, and only one direction of it captured. */
  #halfCaptured(): boolean {
    return this.transport.oneWay && (this.#desk().client.spoke || this.serverReplied);
  }

  #serverGap(lengthBytes: number): void {
    const { disclosure, encryption, queue, reply } = this.#desk();
    const before = this.#serverOffset;
    this.#serverOffset += lengthBytes;
    if (encryption.serverEncrypts) {
      encryption.gap("server", lengthBytes);
      return;
    }
    queue.lost("replies");
    if (!reply.active) return;
    if (!reply.cutShort() || (reply.expectsMore && queue.oldest === undefined)) {
      reply.clear();
      disclosure.server(before, "challenge");
      return;
    }
    this.#replied();
    queue.repliesFound();
  }

  // ---- ClientOwner: what the client's reader tells

  get sawHandshake(): boolean {
    return this.transport.sawHandshake;
  }

  get serverReplied(): boolean {
    return this.#desk().pairing.serverReplied;
  }

  heard(verb: VerbIndex): boolean {
    const { client, recognition } = this.#desk();
    if (recognition.verdict === "undecided")
      recognition.commanded(verb === UNKNOWN ? client.firstWord : VERB_NAMES[verb]!, this.onMailPort);
    return this.wanted;
  }

  joinedMessage(): void {
    this.#desk().recognition.judge("smtp");
  }

  heardNoLine(lengthBytes: number): boolean {
    this.#desk().recognition.saidNoLine(lengthBytes, this.onMailPort);
    return this.wanted;
  }

  beginTls(recordType: number): void {
    const { encryption, recognition } = this.#desk();
    recognition.judge(this.onMailPort ? "smtp" : "other");
    encryption.begin(this.serverReplied, recordType);
  }

  noTls(): void {
    const { encryption, flags } = this.#desk();
    if (encryption.wasAnnounced) flags.raise("decrypted");
    encryption.none();
  }

  tlsBytes(
    atUs: number,
    frame: number,
    offset: number,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): number {
    return this.#desk().encryption.bytes("client", atUs, frame, offset, buffer, start, end);
  }

  tlsLost(): void {
    this.#desk().encryption.assume();
  }

  tlsGap(lengthBytes: number): boolean {
    return this.#desk().encryption.gap("client", lengthBytes);
  }

  bodyOver(durationUs: number, lengthBytes: number, atUs: number): void {
    if (this.#desk().recognition.verdict === "smtp")
      this.#context.listener.body(durationUs, lengthBytes, atUs, this);
  }

  // ---- At the end

  /** Nothing telling was said until the end. */
  #decideAtClose(): void {
    const { client, recognition, reply } = this.#desk();
    const silent = !this.serverReplied && !reply.active && this.sawHandshake;
    if (this.onMailPort && (silent || this.serverReplied)) recognition.judge("smtp");
    else if (silent && !client.spoke) this.#context.listener.undecided(this.transport);
    else recognition.judge("other");
  }

  #flagsAtClose(): void {
    const { client, flags } = this.#desk();
    const { oneWay, refused, synAckFrame, synCount, synFrame } = this.transport;
    const said = client.spoke || this.serverReplied;
    if (oneWay && said) flags.raise("one-way");
    if (synCount > 1) flags.raise("syn-retransmitted");
    if (refused) flags.raise("refused");
    else if (synFrame > 0 && synAckFrame === 0 && !said) flags.raise("syn-unanswered");
    else if (!this.serverReplied && this.tls === null && !oneWay) flags.raise("silent-server");
    if (client.inMessage) flags.raise("unfinished-message");
  }

  /** Whose time it is, given that something is about to happen on `from`'s side. */
  #turnNow(from: Side | null): Turn {
    const { client, encryption, queue } = this.#desk();
    const { oneWay, synAckFrame, synFrame } = this.transport;
    const said = client.spoke || this.serverReplied;
    if (!said && synFrame > 0 && synAckFrame === 0) return "connect";
    if (queue.uncertain || client.lost || (oneWay && said)) return "unknown";
    const encrypted = encryption.turnNow(from);
    if (encrypted !== null) return encrypted;
    const oldest = queue.oldest;
    if (oldest !== undefined && !oldest.asking) return "server";
    return client.inMessage ? "transfer" : "client";
  }
}
