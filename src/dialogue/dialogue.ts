import type {
  Conversation,
  DialogueListener,
  Flag,
  TimeAccount,
  TlsHow,
  TlsView,
} from "../spine/conversation.ts";
import type { Taint } from "../spine/exchange.ts";
import { END_OF_DATA } from "../spine/phase.ts";
import { linesOf, textOf } from "../spine/text.ts";
import {
  type EndCause,
  type GapCause,
  NO_TIME,
  type Side,
  type StreamSink,
  type Transport,
} from "../spine/wire.ts";
import { Account, type Turn } from "./account.ts";
import { BodyScanner } from "./body-scanner.ts";
import { ByteText } from "./byte-text.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { Flags } from "./flags.ts";
import { Held, type HeldBudget } from "./held.ts";
import { Preface } from "./preface.ts";
import { judgeCommand, judgeFirstReply, type Verdict } from "./recognise.ts";
import { ReplyReader } from "./reply-reader.ts";
import { type Instant, type TlsListener, TlsTracker } from "./tls.ts";
import { UNKNOWN, VERB_NAMES, type VerbIndex, verbAt, verbIndex } from "./verbs.ts";

/**
 * One SMTP dialogue: two byte streams in, exchanges out.
 *
 * Purpose: to guess the state of two programs from what they say, not to judge whether they are
 * right. Three things are kept apart:
 * - how the client's next bytes are to be read (`Mode`). After DATA, AUTH and STARTTLS that depends on
 *   a reply that has not come, so the bytes are held until it does;
 * - the queue of commands without a reply: replies come in the order of the commands (RFC 5321 §4.1,
 *   RFC 2920), so each reply belongs to the oldest;
 * - the exchanges that have their reply but may yet see a further copy of their bytes (`settling`).
 *
 * WARNING: everything here must depend on bytes, their order between the sides and their stamps, and
 * never on how they were split into calls. test/dialogue holds that.
 *
 * When bytes are missing, the exchanges that this may concern are tainted, until the queue has run
 * empty and it is plain again which reply belongs to what.
 */

/** How the client's next bytes are read. */
type Mode =
  | "commands"
  | "hold" // until the reply to DATA, AUTH or STARTTLS
  | "body"
  | "bdat"
  | "auth-answer"
  | "tls-or-not" // a first byte decides: after STARTTLS, or where a line begins like a TLS record
  | "tls"
  | "preface"
  | "ignored";

/** Exchanges waiting to settle in one dialogue; beyond it the oldest is taken as it is. */
const MAX_SETTLING = 64;
const MAX_SETTLING_CROWDED = 2;
/** Commands without a reply; a client that sends more is not waiting for answers. */
const MAX_PENDING = 1_024;
const MAX_PENDING_CROWDED = 8;
/** Lines of either side after which a stream that never said anything telling is not SMTP. */
const MAX_UNDECIDED_LINES = 32;
const MAX_UNDECIDED_BYTES = 1_024;

const CONNECT = verbIndex("(connect)");
const END_OF_BODY = verbIndex("(end-of-data)");
const AUTH_ANSWER = verbIndex("(auth)");
const TLS = verbIndex("(tls)");
const ENCRYPTED = verbIndex("(encrypted)");
const UNSOLICITED = verbIndex("(unsolicited)");
const EHLO = verbIndex("EHLO");
const LHLO = verbIndex("LHLO");
const HELO = verbIndex("HELO");
const MAIL = verbIndex("MAIL");
const RCPT = verbIndex("RCPT");
const DATA = verbIndex("DATA");
const BDAT = verbIndex("BDAT");
const RSET = verbIndex("RSET");
const AUTH = verbIndex("AUTH");
const STARTTLS = verbIndex("STARTTLS");
const ANONYMOUS_TLS = verbIndex("X-ANONYMOUSTLS");

/** TLS 1.3 has no visible alert: a close_notify is an application record of 1 + 2 + 16 octets and a header of 5. */
const CLOSE_NOTIFY_BYTES = 24;

/** What a dialogue shares with all others of its source. */
export interface DialogueContext {
  readonly listener: DialogueListener;
  readonly isMailPort: (port: number) => boolean;
  /** Time after which an acknowledged exchange is taken as settled; 0 where no further copies can come. */
  readonly settleUs: number;
  take(verb: VerbIndex, ordinal: number): ExchangeRecord;
  give(exchange: ExchangeRecord): void;
  readonly held: HeldBudget;
  /** So much is waiting for replies in all dialogues that each has to do with less. */
  readonly crowded: boolean;
  /** The exchange has grown: its texts are longer than they were. */
  weigh(exchange: ExchangeRecord): void;
  takeDesk(): Desk;
  giveDesk(desk: Desk): void;
  closed(dialogue: Dialogue): void;
}

/** A line of the client's longer than this is not kept whole. RFC 5321 allows 512 octets for a command. */
const MAX_LINE_BYTES = 8_192;

/** What a dialogue works with; the next one takes it over, so that a connection costs little memory. */
export class Desk {
  readonly reply = new ReplyReader();
  readonly line = new ByteText(64, MAX_LINE_BYTES);
  readonly banner = new ByteText(64, MAX_LINE_BYTES);
  readonly account = new Account();
  readonly flags = new Flags();
  readonly scanner = new BodyScanner();
  readonly pending: ExchangeRecord[] = [];
  readonly settling: ExchangeRecord[] = [];

  clear(): void {
    this.reply.clear();
    this.line.wipe();
    this.banner.clear();
    this.account.clear();
    this.flags.clear();
    this.pending.length = 0;
    this.settling.length = 0;
  }
}

export class Dialogue implements StreamSink, Conversation, TlsListener {
  readonly transport: Transport;
  messages = 0;
  ended: EndCause = "open";
  readonly #context: DialogueContext;
  readonly #desk: Desk;
  readonly #account: Account;
  readonly #flags: Flags;
  readonly #reply: ReplyReader;
  readonly #line: ByteText;
  readonly #onMailPort: boolean;
  #verdict: Verdict = "undecided";
  #mode: Mode = "commands";
  #serverTls: "no" | "maybe" | "yes" = "no";
  #ordinal = 0;
  readonly #pending: ExchangeRecord[];
  readonly #settling: ExchangeRecord[];
  #clientOffset = 0;
  #serverOffset = 0;
  #clientSpoke = false;
  #serverReplied = false;
  #linesSeen = 0;
  // The client's line under way.
  #lineFirst = NO_TIME;
  #lineFirstFrame = 0;
  #lineFrom = 0;
  #lineExchange: ExchangeRecord | null = null;
  /** The command whose reply says how to read what follows. */
  #awaited: ExchangeRecord | null = null;
  #held: Held | null = null;
  #preface: Preface | null = null;
  readonly #scanner: BodyScanner;
  #bodyFromUs = NO_TIME;
  #bodyBytes = 0;
  #bodyGap = false;
  /** An (end-of-data) that was answered before its end was seen. */
  #bodyExchange: ExchangeRecord | null = null;
  #looseEnd: Instant | null = null;
  #chunkExchange: ExchangeRecord | null = null;
  #chunkLeft = 0;
  #tls: TlsTracker | null = null;
  /** First bytes of which it is not yet known whether they begin a preface, or TLS; and that this was asked. */
  #probe: Held | null = null;
  #probed = false;
  #turn: ExchangeRecord | null = null;
  #turnAnswered = false;
  #answeredLast = NO_TIME;
  #uncertain = false;
  #lostReplies = false;
  #repliedFrame = 0;
  #taintNext = false;
  #skipLine = false;
  #acceptedRecipients = 0;
  #sawAuth = false;
  #starttlsOffered = false;
  #endAtUs = NO_TIME;
  #closed = false;

  constructor(transport: Transport, context: DialogueContext) {
    this.transport = transport;
    this.#context = context;
    this.#desk = context.takeDesk();
    this.#reply = this.#desk.reply;
    this.#line = this.#desk.line;
    this.#account = this.#desk.account;
    this.#flags = this.#desk.flags;
    this.#scanner = this.#desk.scanner;
    this.#pending = this.#desk.pending;
    this.#settling = this.#desk.settling;
    this.#onMailPort = context.isMailPort(transport.serverPort);
    if (transport.sawHandshake) this.#pending.push(context.take(CONNECT, this.#ordinal++));
    else this.#flags.raise("mid-stream");
  }

  // ---- Conversation: what a listener may read

  get tls(): TlsView | null {
    return this.#tls?.view ?? null;
  }
  get endedAtUs(): number | null {
    return this.#endAtUs === NO_TIME ? null : this.#endAtUs;
  }
  get account(): TimeAccount {
    return this.#account;
  }
  get flags(): ReadonlySet<Flag> {
    return this.#flags.set;
  }
  get starttls(): "used" | "offered" | "none" {
    if (this.#tls?.how === "starttls") return "used";
    return this.#starttlsOffered ? "offered" : "none";
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
    this.#account.book(this.transport, atUs, this.#turnNow(from));
    if (from === "client") this.#fromClient(atUs, frame, buffer, start, end);
    else this.#fromServer(atUs, frame, buffer, start, end);
  }

  gap(from: Side, atUs: number, frame: number, lengthBytes: number, why: GapCause): void {
    if (this.#verdict === "other") return;
    void why;
    this.#account.book(this.transport, atUs, "unknown");
    this.#flags.raise("gap");
    if (from === "client") this.#clientGap(atUs, frame, lengthBytes);
    else this.#serverGap(lengthBytes);
  }

  copy(from: Side, fromOffset: number, toOffset: number): void {
    const client = from === "client";
    for (const list of [this.#pending, this.#settling]) {
      for (const exchange of list) {
        const spanFrom = client ? exchange.askedFrom : exchange.answeredFrom;
        const spanTo = client ? exchange.askedTo : exchange.answeredTo;
        if (fromOffset < spanTo && toOffset > spanFrom) exchange.retransmits++;
      }
    }
  }

  end(from: Side, atUs: number, how: EndCause): void {
    void from;
    this.#account.book(this.transport, atUs, this.#turnNow(null));
    if (this.ended !== "rst") this.ended = how;
    if (atUs > this.#endAtUs) this.#endAtUs = atUs;
  }

  tick(atUs: number): void {
    if (this.#settling.length > 0) this.#settle(atUs);
  }

  close(atUs: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#context.closed(this);
    if (this.ended === "open" && atUs > this.#endAtUs) this.#endAtUs = atUs;
    if (this.#verdict === "other") {
      this.#release();
      this.#context.listener.other(this.transport);
      return;
    }
    const atClose = this.#turnNow(null);
    if (this.#reply.active && this.#reply.cutShort()) this.#replied();
    this.#resolveHeld();
    if (this.#verdict === "undecided" && !this.#decideAtClose()) return;
    this.#flagsAtClose();
    this.#account.close(this.transport, this.#endAtUs, atClose);
    this.#finishTurn();
    if (this.#mode === "body" || this.#mode === "bdat") this.#flags.raise("unfinished-message");
    this.#abandonPending(this.#uncertain ? "gap" : "unanswered", this.#endAtUs);
    for (const exchange of this.#settling) exchange.asking = false;
    this.#settle(Number.POSITIVE_INFINITY);
    this.#context.listener.conversation(this);
    this.#wipe();
    this.#context.giveDesk(this.#desk);
  }

  // ---- The client's bytes

  #fromClient(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    this.#clientSpoke = true;
    let i = start;
    while (i < end) {
      const from = i;
      switch (this.#mode) {
        case "commands":
          i = this.#readLine(atUs, frame, buffer, i, end);
          break;
        case "auth-answer":
          i = this.#readLine(atUs, frame, buffer, i, end);
          break;
        case "hold":
          this.#hold(atUs, frame, buffer, i, end);
          return;
        case "body":
          i = this.#readBody(atUs, frame, buffer, i, end);
          break;
        case "bdat":
          i = this.#readChunk(atUs, frame, i, end);
          break;
        case "tls-or-not":
          i = this.#probeTls(atUs, frame, buffer, i);
          continue; // it keeps the offset itself
        case "tls":
          this.#tls?.bytes("client", atUs, frame, this.#clientOffset, buffer, i, end);
          i = end;
          break;
        case "preface":
          i = this.#readPreface(atUs, frame, buffer, i, end);
          continue;
        case "ignored":
          i = end;
          break;
      }
      this.#clientOffset += i - from;
      if (this.#verdict === "other") return;
    }
  }

  #readLine(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): number {
    const line = this.#line;
    if (line.length === 0) {
      const first = buffer[start]!;
      if (
        this.#clientOffset === 0 &&
        this.transport.sawHandshake &&
        Preface.mayBegin(first) &&
        this.#preface === null
      ) {
        this.#preface = new Preface();
        this.#mode = "preface";
        return start;
      }
      if (first === 0x16 && this.#tls === null && this.#mode === "commands" && !this.#probed) {
        this.#mode = "tls-or-not";
        return start;
      }
      this.#probed = false;
      this.#lineFirst = atUs;
      this.#lineFirstFrame = frame;
      this.#lineFrom = this.#clientOffset;
    }
    const next = line.appendLine(buffer, start, end);
    if (buffer[next - 1] !== 0x0a) {
      if (this.#verdict === "undecided" && !this.#onMailPort && line.length > MAX_UNDECIDED_BYTES)
        this.#judge("other");
      return end;
    }
    if (line.nul) this.#flags.raise("nul");
    const secret = this.#mode === "auth-answer";
    this.#command(line.bytes, 0, line.length, line.omitted, this.#clientOffset + (next - start), atUs, frame);
    if (secret || this.#mode === "hold") line.wipe();
    else line.clear();
    return next;
  }

  /** A whole line of the client: bytes[start, end), its end at stream offset `to`. */
  #command(
    bytes: Uint8Array,
    start: number,
    end: number,
    omitted: number,
    to: number,
    atUs: number,
    frame: number,
  ): void {
    let textEnd = end;
    if (omitted > 0) this.#flags.raise("line-too-long");
    else {
      textEnd--;
      if (textEnd > start && bytes[textEnd - 1] === 0x0d) textEnd--;
      else this.#flags.raise("bare-lf");
    }
    const answer = this.#mode === "auth-answer";
    const verb = answer ? AUTH_ANSWER : verbAt(bytes, start, textEnd);
    if (this.#skipLine) {
      this.#skipLine = false;
      if (verb === UNKNOWN) return;
    }
    if (this.#joinsBody(verb, bytes, start, textEnd)) return;
    if (this.#verdict === "undecided")
      this.#judge(judgeCommand(VERB_NAMES[verb]!, this.#onMailPort, this.#serverReplied));
    if (this.#verdict === "other") return;
    const early = this.#lineExchange;
    const exchange = early ?? this.#ask(verb, this.#lineFirst, this.#lineFirstFrame, this.#lineFrom);
    this.#lineExchange = null;
    this.#asked(exchange, atUs, frame, to);
    exchange.commandBytes.clear();
    this.#keepCommand(exchange, bytes, start, textEnd);
    if (early !== null) return;
    this.#afterCommand(exchange, bytes, start, textEnd);
  }

  #keepCommand(exchange: ExchangeRecord, bytes: Uint8Array, start: number, end: number): void {
    if (exchange.verbIndex === AUTH_ANSWER) return;
    if (exchange.verbIndex !== AUTH) {
      if (exchange.verbIndex === UNKNOWN && this.#mayBeSecret(bytes, start, end)) exchange.secret = true;
      else exchange.commandBytes.append(bytes, start, end);
      return;
    }
    this.#sawAuth = true;
    // "AUTH PLAIN " and then a secret: the mechanism is kept, the initial response is not.
    let at = start + 4;
    while (at < end && bytes[at] === 0x20) at++;
    while (at < end && bytes[at] !== 0x20) at++;
    exchange.commandBytes.append(bytes, start, at);
    if (at < end) exchange.commandBytes.append(REDACTED_BYTES, 0, REDACTED_BYTES.length);
  }

  /** A line that is one word of base64 where a client may have been answering a challenge unseen. */
  #mayBeSecret(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#sawAuth && !this.#flags.has("mid-stream") && !this.#flags.has("gap")) return false;
    return end - start >= 4 && /^[A-Za-z0-9+/=_-]+$/.test(textOf(bytes, start, end));
  }

  #afterCommand(exchange: ExchangeRecord, bytes: Uint8Array, start: number, end: number): void {
    switch (exchange.verbIndex) {
      case DATA:
      case AUTH:
      case AUTH_ANSWER:
      case STARTTLS:
      case ANONYMOUS_TLS:
        this.#mode = "hold";
        this.#awaited = exchange;
        break;
      case BDAT:
        this.#beginChunk(exchange, bytes, start + 4, end);
        break;
      case LHLO:
        this.#flags.raise("lmtp");
        break;
    }
  }

  /** A stream joined in the middle of a message begins with lines that are no commands. */
  #joinsBody(verb: VerbIndex, bytes: Uint8Array, start: number, end: number): boolean {
    const first = this.#linesSeen++ === 0;
    if (!first || this.transport.sawHandshake || verb !== UNKNOWN || !this.#onMailPort || this.#serverReplied)
      return false;
    if (end - start === 1 && bytes[start] === 0x2e) return false;
    this.#verdict = "smtp";
    this.#beginBody(NO_TIME);
    this.#bodyGap = true;
    return true;
  }

  // ---- Bodies and chunks

  #beginBody(atUs: number): void {
    this.#mode = "body";
    this.#scanner.start();
    this.#bodyFromUs = atUs;
    this.#bodyBytes = 0;
    this.#bodyGap = false;
    this.#looseEnd = null;
  }

  #readBody(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): number {
    const scanner = this.#scanner;
    const found = scanner.scan(buffer, start, end);
    if (found < 0) {
      this.#bodyBytes += end - start;
      this.#noteLooseEnd(scanner.looseAt, atUs, frame, buffer, start, end);
      return end;
    }
    this.#bodyBytes += found - start;
    this.#endBody(atUs, frame, this.#clientOffset + (found - start), false);
    return found;
  }

  /** The body is over; `to` is the stream offset behind its last byte. */
  #endBody(atUs: number, frame: number, to: number, loose: boolean): void {
    this.#mode = "commands";
    this.#held = loose ? this.#held : null;
    this.#looseEnd = null;
    const early = this.#bodyExchange;
    this.#bodyExchange = null;
    const exchange = early ?? this.#ask(END_OF_BODY, atUs, frame, to - 1);
    exchange.askedFirst = atUs;
    exchange.askedFirstFrame = frame;
    exchange.askedFrom = to - 1;
    this.#asked(exchange, atUs, frame, to);
    if (
      this.#bodyFromUs !== NO_TIME &&
      atUs >= this.#bodyFromUs &&
      !this.#bodyGap &&
      this.#verdict === "smtp"
    ) {
      this.#context.listener.body(atUs - this.#bodyFromUs, this.#bodyBytes, atUs, this);
    }
  }

  /** A lone dot between bare line feeds: an end for some servers. What follows is kept for that case. */
  #noteLooseEnd(
    looseAt: number,
    atUs: number,
    frame: number,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    const newer = looseAt >= 0 && (this.#looseEnd === null || this.#looseEnd.frame !== frame);
    if (newer) {
      this.#looseEnd = { atUs, frame, offset: this.#clientOffset + (looseAt - start) };
      this.#held = new Held(this.#context.held);
      this.#held.bytes(atUs, frame, buffer, looseAt, end);
    } else if (
      this.#looseEnd !== null &&
      this.#held !== null &&
      !this.#held.bytes(atUs, frame, buffer, start, end)
    ) {
      this.#looseEnd = null;
      this.#held = null;
    }
  }

  #beginChunk(exchange: ExchangeRecord, bytes: Uint8Array, start: number, end: number): void {
    const match = /^\s+(\d{1,15})(\s+last)?\s*$/i.exec(textOf(bytes, start, end));
    if (match === null) return;
    if (match[2] !== undefined) exchange.phaseIndex = END_OF_DATA;
    this.#chunkLeft = Number(match[1]);
    if (this.#chunkLeft === 0) return;
    this.#chunkExchange = exchange;
    exchange.asking = true;
    this.#mode = "bdat";
  }

  #readChunk(atUs: number, frame: number, start: number, end: number): number {
    const n = Math.min(this.#chunkLeft, end - start);
    this.#chunkLeft -= n;
    if (this.#chunkLeft === 0) {
      const exchange = this.#chunkExchange!;
      this.#chunkExchange = null;
      this.#mode = "commands";
      this.#asked(exchange, atUs, frame, this.#clientOffset + n);
    }
    return start + n;
  }

  // ---- Bytes whose meaning a reply will tell

  #hold(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    this.#held ??= new Held(this.#context.held);
    if (this.#held.bytes(atUs, frame, buffer, start, end)) return;
    // More than any client says before it listens: DATA's 354 was missed, or will come.
    this.#resolveHeld();
    this.#fromClient(atUs, frame, buffer, start, end);
  }

  /** Reads what was held in the mode that is known by now. */
  #releaseHeld(): void {
    this.#awaited = null;
    const held = this.#held;
    this.#held = null;
    if (held === null) return;
    for (const piece of held.pieces) {
      if (piece.bytes === null) this.#clientGap(piece.atUs, piece.frame, piece.lengthBytes);
      else this.#fromClient(piece.atUs, piece.frame, piece.bytes, 0, piece.bytes.length);
    }
    held.wipe();
  }

  /** The awaited reply is not going to come: after DATA a body follows, after AUTH a secret, else commands. */
  #resolveHeld(): void {
    while (this.#mode === "hold" && this.#held !== null) {
      const awaited = this.#awaited?.verbIndex;
      if (awaited === DATA) this.#beginBody(NO_TIME);
      else if (awaited === AUTH || awaited === AUTH_ANSWER) this.#mode = "auth-answer";
      else this.#mode = "commands";
      this.#releaseHeld();
    }
  }

  #readPreface(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): number {
    const preface = this.#preface!;
    let i = start;
    while (i < end && !preface.done) {
      const probing = preface.kind === "undecided";
      preface.clientByte(buffer[i]!);
      if (probing) this.#keepProbe(atUs, frame, buffer, i);
      else this.#clientOffset++;
      i++;
      if (probing && preface.flag !== null) {
        this.#clientOffset += this.#probe!.lengthBytes;
        this.#probe = null;
      }
    }
    if (!preface.done) return i;
    this.#mode = "commands";
    if (preface.flag !== null) this.#flags.raise(preface.flag);
    else this.#readProbe();
    return i;
  }

  /** After STARTTLS, or where a line begins with 0x16: TLS records, or text of a decrypted capture? */
  #probeTls(atUs: number, frame: number, buffer: Uint8Array, start: number): number {
    this.#keepProbe(atUs, frame, buffer, start);
    const probe = this.#probe!;
    const type = probe.pieces[0]!.bytes![0]!;
    const major = probe.pieces[1]?.bytes?.[0];
    const possible = type >= 20 && type <= 23;
    if (possible && major === undefined) return start + 1;
    if (possible && major === 3) this.#beginTls(type);
    else {
      this.#mode = "commands";
      this.#probed = true;
      if (this.#serverTls === "maybe") this.#flags.raise("decrypted");
      this.#serverTls = "no";
    }
    this.#readProbe();
    return start + 1;
  }

  #keepProbe(atUs: number, frame: number, buffer: Uint8Array, at: number): void {
    this.#probe ??= new Held(this.#context.held);
    this.#probe.bytes(atUs, frame, buffer, at, at + 1);
  }

  /** What was looked at is the dialogue's own after all. */
  #readProbe(): void {
    const probe = this.#probe;
    this.#probe = null;
    for (const { atUs, frame, bytes } of probe?.pieces ?? [])
      this.#fromClient(atUs, frame, bytes!, 0, bytes!.length);
  }

  #beginTls(firstType: number): void {
    const how: TlsHow =
      this.#serverTls === "maybe" ? "starttls" : this.#serverReplied ? "unannounced" : "implicit";
    if (this.#verdict === "undecided") this.#judge(this.#onMailPort ? "smtp" : "other");
    this.#mode = "tls";
    this.#serverTls = "yes";
    this.#tls = new TlsTracker(how, this);
    if (firstType === 23) this.#tls.assumeEstablished();
    // Behind TLS there is a greeting too, but nobody outside can see it come.
    const first = this.#pending[0];
    if (how === "implicit" && first?.verbIndex === CONNECT) {
      this.#pending.shift();
      this.#context.give(first);
      this.#ordinal--;
    }
  }

  // ---- The server's bytes

  #fromServer(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    let i = start;
    const preface = this.#preface;
    if (preface !== null && !preface.done && preface.flag !== null && preface.flag !== "proxy-protocol") {
      while (i < end && !preface.done) preface.serverByte(buffer[i++]!);
      if (preface.done) {
        this.#mode = "commands";
        this.#flags.raise(preface.flag);
      }
    }
    while (i < end && this.#verdict !== "other") {
      const offset = this.#serverOffset + (i - start);
      if (this.#serverTls === "yes" || (this.#serverTls === "maybe" && buffer[i]! < 0x20)) {
        this.#tls?.bytes("server", atUs, frame, offset, buffer, i, end);
        break;
      }
      if (!this.#serverReplied && !this.#reply.active && this.#joinsTls(buffer[i]!)) continue;
      const next = this.#reply.read(buffer, i, end, atUs, frame, offset);
      if (next < 0) {
        if (this.#verdict === "undecided" && !this.#onMailPort && this.#reply.cannotHaveCode)
          this.#judge("other");
        break;
      }
      i = next;
      this.#replied();
    }
    this.#serverOffset += end - start;
  }

  /** A stream joined in the middle of its encrypted part. */
  #joinsTls(first: number): boolean {
    if (first !== 23 || this.transport.sawHandshake || !this.#onMailPort || this.#clientSpoke) return false;
    this.#serverReplied = true;
    this.#beginTls(first);
    return true;
  }

  /** A reply is complete: whose is it, and what follows from it? */
  #replied(): void {
    const reply = this.#reply;
    const code = reply.code;
    if (reply.mixedCodes) this.#flags.raise("mixed-codes");
    if (reply.bareLf) this.#flags.raise("bare-lf");
    if (reply.text.nul) this.#flags.raise("nul");
    if (code === null) this.#flags.raise("reply-without-code");
    if (this.#verdict === "undecided") this.#judgeReply(code);
    // A line without a code right behind a reply is the rest of a reply with a line feed in its text.
    const debris = code === null && this.#repliedFrame === reply.firstFrame && this.#serverReplied;
    const exchange = this.#verdict === "other" || debris ? null : this.#claimant(code);
    this.#serverReplied = true;
    this.#repliedFrame = reply.lastFrame;
    if (exchange === null) {
      reply.clear();
      return;
    }
    this.#answer(exchange, code);
    reply.clear();
    this.#conclude(exchange, code);
    this.#settling.push(exchange);
    this.#settle(exchange.answeredLast);
  }

  /** The exchange that a reply belongs to; null for a line without code that answers nothing. */
  #claimant(code: number | null): ExchangeRecord | null {
    const oldest = this.#pending.shift();
    if (oldest !== undefined) {
      if (oldest.verbIndex === CONNECT) this.#askedByHandshake(oldest);
      return oldest;
    }
    if (code === null) return null;
    if (!this.#serverReplied && !this.#clientSpoke && (code === 220 || code === 421 || code === 554)) {
      return this.#context.take(CONNECT, this.#ordinal++);
    }
    if (this.#mode === "body" && code !== 421) {
      if (this.#looseEnd !== null) return this.#takeLooseEnd(this.#looseEnd);
      if (this.#bodyExchange === null) return this.#answeredInBody();
    }
    if (this.#mode === "commands" && this.#line.length > 0 && this.#lineExchange === null && code !== 421) {
      const early = this.#ask(
        verbAt(this.#line.bytes, 0, this.#line.length),
        this.#lineFirst,
        this.#lineFirstFrame,
        this.#lineFrom,
      );
      this.#pending.pop();
      early.asking = true;
      this.#lineExchange = early;
      if (early.verbIndex !== UNKNOWN) this.#keepCommand(early, this.#line.bytes, 0, this.#line.length);
      return early;
    }
    const exchange = this.#context.take(UNSOLICITED, this.#ordinal++);
    if (this.#uncertain) exchange.taint = "gap";
    return exchange;
  }

  /** The reply shows that the server took a lone dot as the end. */
  #takeLooseEnd(end: Instant): ExchangeRecord {
    this.#flags.raise("loose-end-of-data");
    const behind = this.#clientOffset - end.offset;
    this.#clientOffset = end.offset;
    this.#bodyBytes -= behind;
    this.#endBody(end.atUs, end.frame, end.offset, true);
    const exchange = this.#pending.pop()!;
    // What came after the dot was commands after all; read once this reply is dealt with.
    this.#awaited = exchange;
    this.#mode = "hold";
    return exchange;
  }

  /** A reply while the message is still on its way: the end was missed, or the server did not wait for it. */
  #answeredInBody(): ExchangeRecord {
    const exchange = this.#context.take(END_OF_BODY, this.#ordinal++);
    if (this.#bodyGap) {
      exchange.taint = "gap";
      this.#mode = "commands";
      this.#skipLine = true;
      this.#uncertain = true;
      this.#taintNext = true;
    } else {
      exchange.asking = true;
      this.#bodyExchange = exchange;
    }
    return exchange;
  }

  #answer(exchange: ExchangeRecord, code: number | null): void {
    const reply = this.#reply;
    exchange.code = code;
    exchange.answeredFirst = reply.firstAtUs;
    exchange.answeredFirstFrame = reply.firstFrame;
    exchange.answeredLine = reply.lineAtUs;
    exchange.answeredLast = reply.lastAtUs;
    exchange.answeredLastFrame = reply.lastFrame;
    exchange.answeredFrom = reply.from;
    exchange.answeredTo = reply.to;
    const text = exchange.replyBytes;
    exchange.replyBytes = reply.text;
    reply.text = text;
    this.#context.weigh(exchange);
    if (exchange.verbIndex === CONNECT) this.#keepBanner(exchange);
    if (
      exchange.verbIndex === CONNECT &&
      this.transport.synAckAtUs !== null &&
      exchange.answeredFirst !== NO_TIME
    ) {
      exchange.sinceSynAckUs = exchange.answeredFirst - this.transport.synAckAtUs;
    }
    this.#completed(exchange);
  }

  /** The reply's last byte is known: what follows for times and taint. */
  #completed(exchange: ExchangeRecord): void {
    exchange.done = true;
    exchange.previousAnsweredLast = this.#answeredLast;
    const overlapsAsking = exchange.asking || exchange.askedLastFrame > exchange.answeredFirstFrame;
    if (exchange.taint === null && overlapsAsking) exchange.taint = "early";
    if (exchange.answeredFirst === NO_TIME) exchange.taint ??= "clock";
    else if (exchange.askedLast !== NO_TIME) {
      if (exchange.answeredFirst < exchange.askedLast) exchange.taint ??= "clock";
      exchange.waitedUs = Math.max(
        0,
        exchange.answeredLast - Math.max(exchange.askedLast, this.#answeredLast),
      );
    } else if (exchange.askedLastFrame > 0) exchange.taint ??= "clock";
    if (exchange.answeredLast > this.#answeredLast) this.#answeredLast = exchange.answeredLast;
  }

  /** What a reply means for how the dialogue goes on. */
  #conclude(exchange: ExchangeRecord, code: number | null): void {
    const positive = code !== null && code >= 200 && code < 300;
    const wasAwaited = exchange === this.#awaited;
    switch (exchange.verbIndex) {
      case EHLO:
      case LHLO:
        if (positive) this.#readKeywords(exchange);
        this.#acceptedRecipients = 0;
        if (positive && exchange.replyBytes.length > 8) this.#certain();
        break;
      case HELO:
      case RSET:
      case MAIL:
        this.#acceptedRecipients = 0;
        break;
      case RCPT:
        if (positive) this.#acceptedRecipients++;
        break;
      case DATA:
        if (code === 354) this.#certain();
        if (!wasAwaited) break;
        if (code === 354) this.#beginBody(exchange.answeredLast);
        else this.#mode = "commands";
        break;
      case AUTH:
      case AUTH_ANSWER:
        if (wasAwaited) this.#mode = code === 334 ? "auth-answer" : "commands";
        break;
      case STARTTLS:
      case ANONYMOUS_TLS:
        if (!wasAwaited) break;
        this.#mode = code === 220 ? "tls-or-not" : "commands";
        if (code === 220) this.#serverTls = "maybe";
        break;
      case UNKNOWN:
        // The client of a stream joined midway, or after a gap, may have been answering a challenge.
        if (code === 334 || code === 235 || code === 535) this.#wasAuthAnswer(exchange, code);
        break;
      case END_OF_BODY:
        this.#concludeMessage(exchange, positive);
        if (wasAwaited) this.#mode = "commands";
        break;
      case BDAT:
        if (exchange.phaseIndex === END_OF_DATA) this.#concludeMessage(exchange, positive);
        break;
    }
    if (code === 421) this.#abandonPending(this.#uncertain ? "gap" : "unanswered", exchange.answeredLast);
    if (code === 421 && this.#mode === "hold" && !wasAwaited) this.#mode = "commands";
    if (wasAwaited || (this.#awaited !== null && this.#mode !== "hold")) this.#releaseHeld();
  }

  /** LMTP answers a message once for each recipient it had accepted (RFC 2033 §4.2). */
  #concludeMessage(exchange: ExchangeRecord, positive: boolean): void {
    if (this.#flags.has("lmtp") && this.#acceptedRecipients > 1) {
      this.#acceptedRecipients--;
      const next = this.#context.take(exchange.verbIndex, this.#ordinal++);
      next.phaseIndex = exchange.phaseIndex;
      next.askedFirst = exchange.askedFirst;
      next.askedFirstFrame = exchange.askedFirstFrame;
      next.askedFrom = exchange.askedFrom;
      next.pipelinedBehind = exchange.pipelinedBehind;
      this.#asked(next, exchange.askedLast, exchange.askedLastFrame, exchange.askedTo);
      if (this.#uncertain) next.taint = "gap";
      this.#pending.unshift(next);
    } else {
      this.#acceptedRecipients = 0;
      if (positive) this.messages++;
    }
  }

  #wasAuthAnswer(exchange: ExchangeRecord, code: number): void {
    exchange.secret = true;
    exchange.commandBytes.wipe();
    exchange.verbIndex = AUTH_ANSWER;
    exchange.phaseIndex = AUTH_PHASE;
    if (code === 334 && this.#mode === "commands" && this.#line.length === 0) this.#mode = "auth-answer";
  }

  #readKeywords(exchange: ExchangeRecord): void {
    const { bytes, length } = exchange.replyBytes;
    for (let at = 0; at >= 0 && at + 4 < length; ) {
      if (verbAt(bytes, at + 4, length) === STARTTLS) this.#starttlsOffered = true;
      const next = bytes.indexOf(0x0a, at);
      at = next < 0 ? -1 : next + 1;
    }
  }

  #keepBanner(exchange: ExchangeRecord): void {
    const { bytes, length } = exchange.replyBytes;
    this.#desk.banner.append(bytes, 0, length);
  }

  // ---- The queue

  #ask(verb: VerbIndex, atUs: number, frame: number, offset: number): ExchangeRecord {
    const exchange = this.#context.take(verb, this.#ordinal++);
    exchange.askedFirst = atUs;
    exchange.askedFirstFrame = frame;
    exchange.askedFrom = offset;
    exchange.askedTo = offset;
    exchange.pipelinedBehind = this.#unansweredAt(frame);
    if (exchange.pipelinedBehind > 0) this.#flags.raise("pipelining");
    if (this.#pending[0]?.verbIndex === CONNECT) this.#flags.raise("early-talker");
    if (this.#lostReplies && this.#pending.length > 0 && !this.#flags.has("pipelining")) {
      this.#abandonPending("gap", atUs);
    }
    this.#lostReplies = false;
    if (this.#uncertain && !this.#taintNext && this.#pending.length === 0)
      this.#uncertain = this.#flags.has("pipelining") && this.#uncertain;
    if (this.#uncertain || this.#taintNext) exchange.taint = "gap";
    this.#taintNext = false;
    this.#pending.push(exchange);
    if (
      this.#pending.length > MAX_PENDING ||
      (this.#context.crowded && this.#pending.length > MAX_PENDING_CROWDED)
    ) {
      this.#abandonOldest("unanswered", atUs);
      this.#settle(atUs);
    }
    return exchange;
  }

  #asked(exchange: ExchangeRecord, atUs: number, frame: number, to: number): void {
    exchange.askedLast = atUs;
    exchange.askedLastFrame = frame;
    exchange.askedTo = to;
    exchange.asking = false;
  }

  #askedByHandshake(exchange: ExchangeRecord): void {
    const { handshakeFrame, handshakeAtUs, synAckFrame, synAckAtUs } = this.transport;
    const frame = handshakeFrame > 0 ? handshakeFrame : synAckFrame;
    const atUs = (handshakeFrame > 0 ? handshakeAtUs : synAckAtUs) ?? NO_TIME;
    exchange.askedFirst = atUs;
    exchange.askedFirstFrame = frame;
    this.#asked(exchange, atUs, frame, 0);
  }

  /** Commands that had no complete reply when the packet `frame` was seen. */
  #unansweredAt(frame: number): number {
    let count = 0;
    for (const exchange of this.#pending) if (exchange.verbIndex !== CONNECT) count++;
    for (let i = this.#settling.length - 1; i >= 0; i--) {
      const exchange = this.#settling[i]!;
      if (exchange.answeredLastFrame < frame && exchange.answeredLastFrame > 0) break;
      if (
        exchange.verbIndex !== CONNECT &&
        exchange.verbIndex !== UNSOLICITED &&
        exchange.answeredLastFrame > 0
      )
        count++;
    }
    return count;
  }

  /** The pending commands get no reply any more. The wait is the oldest one's, up to `untilUs`. */
  #abandonPending(taint: Taint, untilUs: number): void {
    while (this.#pending.length > 0) this.#abandonOldest(taint, untilUs);
  }

  #abandonOldest(taint: Taint, untilUs: number): void {
    const exchange = this.#pending.shift()!;
    if (exchange.verbIndex === CONNECT) this.#askedByHandshake(exchange);
    exchange.taint = exchange.taint ?? taint;
    exchange.done = true;
    if (exchange === this.#chunkExchange) exchange.asking = true;
    if (exchange.askedLast !== NO_TIME && untilUs !== NO_TIME && taint === "unanswered") {
      const since = Math.max(exchange.askedLast, this.#answeredLast);
      exchange.waitedUs = Math.max(0, untilUs - since);
      if (untilUs > this.#answeredLast) this.#answeredLast = untilUs;
    }
    this.#settling.push(exchange);
  }

  /** Hands on what is settled: nothing about it can change any more. */
  #settle(nowUs: number): void {
    if (this.#verdict !== "smtp") {
      if (this.#settling.length > MAX_UNDECIDED_LINES) this.#judge("other");
      return;
    }
    const { settleUs, listener } = this.#context;
    const settling = this.#settling;
    const most = this.#context.crowded ? MAX_SETTLING_CROWDED : MAX_SETTLING;
    let count = 0;
    while (count < settling.length) {
      const exchange = settling[count]!;
      if (settling.length - count <= most) {
        if (exchange.asking) break;
        if (nowUs !== Number.POSITIVE_INFINITY && settleUs > 0) {
          const since = exchange.answeredLast === NO_TIME ? this.#answeredLast : exchange.answeredLast;
          if (nowUs - since < settleUs || !this.#acknowledged(exchange)) break;
        }
      }
      listener.exchange(exchange, this);
      this.#context.give(exchange);
      count++;
    }
    if (count > 0) settling.splice(0, count);
  }

  #acknowledged(exchange: ExchangeRecord): boolean {
    return (
      this.transport.oneWay ||
      (this.transport.acknowledged("client") >= exchange.askedTo &&
        this.transport.acknowledged("server") >= exchange.answeredTo)
    );
  }

  // ---- TLS: what its records tell

  clientHello(first: Instant, last: Instant): void {
    const exchange = this.#ask(TLS, first.atUs, first.frame, first.offset);
    this.#asked(exchange, last.atUs, last.frame, last.offset + 1);
  }

  serverHello(first: Instant, last: Instant): void {
    const exchange = this.#pending[0];
    if (exchange?.verbIndex !== TLS) return;
    this.#pending.shift();
    this.#answeredBetween(exchange, first, last);
    this.#completed(exchange);
    this.#settling.push(exchange);
  }

  established(): void {
    this.#turn = null;
  }

  turn(side: Side, first: Instant, last: Instant): void {
    if (side === "client") {
      if (this.#turn !== null && this.#turnAnswered) this.#finishTurn();
      this.#turn ??= this.#ask(ENCRYPTED, first.atUs, first.frame, first.offset);
      this.#asked(this.#turn, last.atUs, last.frame, last.offset + 1);
    } else if (this.#turn !== null) {
      if (!this.#turnAnswered) {
        this.#turnAnswered = true;
        this.#answeredBetween(this.#turn, first, last);
      } else {
        this.#turn.answeredLast = last.atUs;
        this.#turn.answeredLastFrame = last.frame;
        this.#turn.answeredTo = last.offset + 1;
      }
    }
  }

  #answeredBetween(exchange: ExchangeRecord, first: Instant, last: Instant): void {
    exchange.answeredFirst = first.atUs;
    exchange.answeredFirstFrame = first.frame;
    exchange.answeredFrom = first.offset;
    exchange.answeredLast = last.atUs;
    exchange.answeredLastFrame = last.frame;
    exchange.answeredTo = last.offset + 1;
  }

  /** An encrypted exchange is over when the client speaks again, or the connection ends. */
  #finishTurn(): void {
    const turn = this.#turn;
    if (turn === null) return;
    const answered = this.#turnAnswered;
    this.#turn = null;
    this.#turnAnswered = false;
    this.#pending.splice(this.#pending.indexOf(turn), 1);
    if (answered) {
      this.#completed(turn);
      this.#settling.push(turn);
      this.#settle(turn.answeredLast);
    } else if (turn.askedTo - turn.askedFrom === CLOSE_NOTIFY_BYTES && this.#tls?.version === "1.3") {
      this.#context.give(turn);
      this.#ordinal--;
    } else this.#pending.push(turn);
  }

  // ---- Missing bytes

  #clientGap(atUs: number, frame: number, lengthBytes: number): void {
    if (this.#mode === "hold") {
      this.#held ??= new Held(this.#context.held);
      if (this.#held.gap(atUs, frame, lengthBytes)) return;
      this.#resolveHeld();
    }
    this.#clientOffset += lengthBytes;
    switch (this.#mode) {
      case "body":
        this.#scanner.gap(lengthBytes);
        this.#bodyGap = true;
        this.#bodyBytes += lengthBytes;
        this.#looseEnd = null;
        this.#held = null;
        return;
      case "bdat":
        this.#gapInChunk(lengthBytes);
        return;
      case "tls":
        this.#gapInTls("client", lengthBytes);
        return;
      case "ignored":
        return;
    }
    // A command of which the end is missing is a command all the same; what else was lost is unknown.
    const line = this.#line;
    const verb = line.length > 0 ? verbAt(line.bytes, 0, line.length) : UNKNOWN;
    if (verb !== UNKNOWN && this.#mode === "commands" && this.#verdict !== "other") {
      const exchange = this.#ask(verb, this.#lineFirst, this.#lineFirstFrame, this.#lineFrom);
      this.#keepCommand(exchange, line.bytes, 0, line.length);
      if (verb !== BDAT) this.#afterCommand(exchange, line.bytes, 0, line.length);
    }
    if (this.#mode === "tls-or-not" || this.#mode === "preface") this.#mode = "ignored";
    line.wipe();
    this.#lineExchange = null;
    this.#skipLine = true;
    this.#taintNext = true;
    this.#lost();
  }

  #gapInChunk(lengthBytes: number): void {
    const exchange = this.#chunkExchange;
    if (exchange !== null) exchange.taint = "gap";
    if (lengthBytes < this.#chunkLeft) {
      this.#chunkLeft -= lengthBytes;
      return;
    }
    const beyond = lengthBytes - this.#chunkLeft;
    this.#chunkLeft = 0;
    this.#chunkExchange = null;
    if (exchange !== null) this.#asked(exchange, NO_TIME, 0, exchange.askedTo);
    this.#mode = "commands";
    if (beyond > 0) {
      this.#skipLine = true;
      this.#taintNext = true;
      this.#lost();
    }
  }

  #gapInTls(side: Side, lengthBytes: number): void {
    this.#tls?.gap(side, lengthBytes);
    for (const exchange of this.#pending) exchange.taint = "gap";
    if (this.#turn !== null) this.#turn.taint = "gap";
    if (this.#tls?.broken) this.#mode = "ignored";
  }

  #serverGap(lengthBytes: number): void {
    this.#serverOffset += lengthBytes;
    if (this.#serverTls === "yes") {
      this.#gapInTls("server", lengthBytes);
      return;
    }
    this.#lost();
    this.#lostReplies = true;
    const reply = this.#reply;
    if (!reply.active) return;
    if (!reply.cutShort() || (reply.expectsMore && this.#pending.length === 0)) {
      reply.clear();
      return;
    }
    this.#replied();
    this.#lostReplies = false;
  }

  /** Which reply belongs to which command is uncertain from here on. */
  #lost(): void {
    this.#uncertain = true;
    for (const exchange of this.#pending) exchange.taint = "gap";
  }

  /** A reply that can answer only one thing has come: it is plain again what belongs together. */
  #certain(): void {
    if (this.#pending.length === 0) this.#uncertain = false;
  }

  // ---- What it is

  #judge(verdict: Verdict): void {
    if (this.#verdict !== "undecided" || verdict === "undecided") return;
    this.#verdict = verdict;
    if (verdict === "other") this.#release();
  }

  #judgeReply(code: number | null): void {
    const { bytes, length } = this.#reply.text;
    const first = !this.#serverReplied;
    if (first) {
      this.#judge(
        judgeFirstReply({
          code,
          text: () => textOf(bytes, 0, Math.min(length, 512)),
          isGreeting: this.transport.sawHandshake,
          onMailPort: this.#onMailPort,
        }),
      );
    } else if (++this.#linesSeen > MAX_UNDECIDED_LINES) this.#judge("other");
  }

  /** Nothing telling was said until the end. @returns true if it counts as SMTP */
  #decideAtClose(): boolean {
    const { listener } = this.#context;
    const silent = !this.#serverReplied && !this.#reply.active;
    if (this.#onMailPort && silent && this.transport.sawHandshake) {
      this.#verdict = "smtp";
      return true;
    }
    const nothingSaid = silent && !this.#clientSpoke && this.transport.sawHandshake;
    this.#verdict = "other";
    this.#release();
    if (nothingSaid) listener.undecided(this.transport);
    else listener.other(this.transport);
    return false;
  }

  #flagsAtClose(): void {
    const { transport } = this;
    if (transport.oneWay && (this.#clientSpoke || this.#serverReplied)) this.#flags.raise("one-way");
    if (transport.synCount > 1) this.#flags.raise("syn-retransmitted");
    if (transport.refused) this.#flags.raise("refused");
    else if (transport.synFrame > 0 && transport.synAckFrame === 0 && !this.#clientSpoke)
      this.#flags.raise("syn-unanswered");
    else if (!this.#serverReplied && this.#tls === null && !transport.oneWay)
      this.#flags.raise("silent-server");
  }

  /** Whose time it is, given that something is about to happen on `from`'s side. */
  #turnNow(from: Side | null): Turn {
    const { transport } = this;
    if (transport.synFrame > 0 && transport.synAckFrame === 0 && !this.#clientSpoke && !this.#serverReplied)
      return "connect";
    if (this.#uncertain || (transport.oneWay && (this.#clientSpoke || this.#serverReplied))) return "unknown";
    if (this.#turn !== null) {
      if (from === "server") return "server";
      if (this.#turnAnswered) return "client";
      return from === "client" ? "transfer" : "server";
    }
    const oldest = this.#pending[0];
    if (oldest !== undefined && !oldest.asking) return "server";
    if (this.#mode === "body" || this.#mode === "bdat") return "transfer";
    return this.#mode === "ignored" ? "unknown" : "client";
  }

  #release(): void {
    for (const exchange of this.#pending) this.#context.give(exchange);
    for (const exchange of this.#settling) this.#context.give(exchange);
    this.#pending.length = 0;
    this.#settling.length = 0;
    this.#wipe();
  }

  #wipe(): void {
    this.#held?.wipe();
    this.#held = null;
  }
}

const REDACTED_BYTES = Buffer.from(" [redacted]");
const AUTH_PHASE = 6;
