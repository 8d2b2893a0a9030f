import { END_OF_DATA } from "../spine/phase.ts";
import { textOf } from "../spine/text.ts";
import { NO_TIME } from "../spine/wire.ts";
import { Body } from "./body.ts";
import { ByteText } from "./byte-text.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { Flags } from "./flags.ts";
import { Held, type HeldBudget } from "./held.ts";
import { Preface } from "./preface.ts";
import type { ReplyQueue } from "./reply-queue.ts";
import { isAuthMisspelt, keepAuth, mayHoldSecret } from "./secrets.ts";
import {
  ANONYMOUS_TLS,
  AUTH,
  AUTH_ANSWER,
  BDAT,
  DATA,
  END_OF_BODY,
  STARTTLS,
  UNKNOWN,
  type VerbIndex,
  verbAt,
} from "./verbs.ts";

/**
 * Reads the client's bytes: commands, messages, chunks, answers to AUTH challenges.
 *
 * How bytes are to be read is the `mode`. After DATA, AUTH and STARTTLS it depends on a reply that has
 * not come, so the bytes are held until it does. Held bytes may be secrets or a message: they are
 * bounded, and overwritten when they have been read.
 */

/** How the client's next bytes are read. */
type Mode =
  | "commands"
  | "hold" // until the reply to DATA, AUTH or STARTTLS
  | "body"
  | "bdat"
  | "auth-answer"
  | "tls-or-not" // two bytes decide: after STARTTLS, or where a line begins like a TLS record
  | "tls"
  | "preface"
  | "ignored";

/** A line of the client's longer than this is not kept whole. RFC 5321 allows 512 octets for a command. */
const MAX_LINE_BYTES = 8_192;

/** First byte of a TLS handshake record, and the major version behind it (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 3;

/** No verb is longer. */
const MAX_VERB_BYTES = 20;

/** What the reader asks and tells of the dialogue it is part of. */
export interface ClientOwner {
  /** The connection's start was captured. */
  readonly sawHandshake: boolean;
  readonly onMailPort: boolean;
  /** A reply has come. */
  readonly serverReplied: boolean;
  /** A command was said. @returns false when the dialogue turns out not to be SMTP */
  heard(verb: VerbIndex): boolean;
  /** The stream was joined in the middle of a message. */
  joinedMessage(): void;
  /** So many bytes without a line. @returns false when the dialogue turns out not to be SMTP */
  heardNoLine(lengthBytes: number): boolean;
  /** The client's bytes are TLS from here on. @param recordType that of the first record */
  beginTls(recordType: number): void;
  /** They could have been TLS, but are not. */
  noTls(): void;
  tlsBytes(atUs: number, frame: number, offset: number, buffer: Uint8Array, start: number, end: number): void;
  /** The first of what may be TLS is missing. */
  tlsLost(): void;
  /** @returns false when nothing more can be told */
  tlsGap(lengthBytes: number): boolean;
  /** A message has gone over. */
  bodyOver(durationUs: number, lengthBytes: number, atUs: number): void;
}

/** Between two dialogues. */
const NOBODY: ClientOwner = {
  sawHandshake: false,
  onMailPort: false,
  serverReplied: false,
  heard: () => false,
  joinedMessage: () => {},
  heardNoLine: () => false,
  beginTls: () => {},
  noTls: () => {},
  tlsBytes: () => {},
  tlsGap: () => false,
  tlsLost: () => {},
  bodyOver: () => {},
};

export class ClientReader {
  /** Something has been said. */
  spoke = false;
  #owner: ClientOwner = NOBODY;
  readonly #queue: ReplyQueue;
  readonly #flags: Flags;
  readonly #budget: HeldBudget;
  readonly #line = new ByteText(64, MAX_LINE_BYTES);
  readonly #body: Body;
  #mode: Mode = "commands";
  #offset = 0;
  #lines = 0;
  // The line under way: where it began, and its exchange if it was answered before it ended.
  #lineFirst = NO_TIME;
  #lineFirstFrame = 0;
  #lineFrom = 0;
  #lineExchange: ExchangeRecord | null = null;
  /** What is left of a line whose beginning is missing. */
  #skipLine = false;
  /** While held bytes are read: how many commands were through when they came. */
  #throughThen: number | undefined = undefined;
  #lineThroughThen: number | undefined = undefined;
  /** The command whose reply says how to read what follows. */
  #awaited: ExchangeRecord | null = null;
  #held: Held | null = null;
  #preface: Preface | null = null;
  /** First bytes of which it is not yet known what they begin; and that this has been looked into. */
  #probe: Held | null = null;
  #probed = false;
  /** An (end-of-data) that was answered before its end was seen. */
  #bodyExchange: ExchangeRecord | null = null;
  #chunkExchange: ExchangeRecord | null = null;
  #chunkLeft = 0;
  #sawAuth = false;
  /** The line under way holds a secret. */
  #saidSecret = false;
  /** Lines that are no commands may be a message that nobody asked for: their text is not kept. */
  #hideUnknown = false;
  /** The next line is a command, or a message's first. */
  #mayBeMessage = false;

  constructor(queue: ReplyQueue, flags: Flags, budget: HeldBudget) {
    this.#queue = queue;
    this.#flags = flags;
    this.#budget = budget;
    this.#body = new Body(budget);
  }

  set owner(owner: ClientOwner) {
    this.#owner = owner;
  }

  /** What its buffer has grown to. */
  get bufferBytes(): number {
    return this.#line.bytes.length;
  }

  /** As new, for another dialogue; whatever was held is overwritten. */
  clear(): void {
    this.#owner = NOBODY;
    this.spoke = false;
    this.#line.wipe();
    this.#body.drop();
    this.#mode = "commands";
    this.#offset = 0;
    this.#lines = 0;
    this.#lineExchange = null;
    this.#skipLine = false;
    this.#awaited = null;
    this.#held?.wipe();
    this.#held = null;
    this.#preface = null;
    this.#probe?.wipe();
    this.#probe = null;
    this.#probed = false;
    this.#bodyExchange = null;
    this.#chunkExchange = null;
    this.#chunkLeft = 0;
    this.#sawAuth = false;
    this.#saidSecret = false;
    this.#hideUnknown = false;
    this.#mayBeMessage = false;
  }

  /** The first word of the line under way, in capitals. */
  get firstWord(): string {
    const { bytes, length } = this.#line;
    let end = 0;
    while (end < length && end < MAX_VERB_BYTES && bytes[end]! > 0x20) end++;
    return textOf(bytes, 0, end).toUpperCase();
  }

  /** A message or a chunk is under way. */
  get inMessage(): boolean {
    return this.#mode === "body" || this.#mode === "bdat";
  }

  /** What comes cannot be read any more. */
  get lost(): boolean {
    return this.#mode === "ignored";
  }

  // ---- Bytes

  /** @returns false when the dialogue turned out not to be SMTP */
  bytes(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): boolean {
    this.spoke = true;
    let i = start;
    while (i < end) {
      const from = i;
      switch (this.#mode) {
        case "commands":
        case "auth-answer":
          i = this.#readLine(atUs, frame, buffer, i, end);
          if (i < 0) return false;
          break;
        case "hold":
          return this.#hold(atUs, frame, buffer, i, end);
        case "body":
          i = this.#readBody(atUs, frame, buffer, i, end);
          break;
        case "bdat":
          i = this.#readChunk(atUs, frame, i, end);
          break;
        case "tls":
          this.#owner.tlsBytes(atUs, frame, this.#offset, buffer, i, end);
          i = end;
          break;
        case "ignored":
          i = end;
          break;
        case "tls-or-not":
          if (!this.#probeTls(atUs, frame, buffer, i++)) return false;
          continue; // what it has looked at counts when it is read
        case "preface":
          if (!this.#readPreface(atUs, frame, buffer, i++)) return false;
          continue;
      }
      this.#offset += i - from;
    }
    return true;
  }

  /** @returns the place behind what was read; −1 when the dialogue turned out not to be SMTP */
  #readLine(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): number {
    const line = this.#line;
    if (line.length === 0) {
      if (this.#opensSomething(buffer[start]!)) return start;
      this.#lineFirst = atUs;
      this.#lineThroughThen = this.#throughThen;
      this.#lineFirstFrame = frame;
      this.#lineFrom = this.#offset;
    }
    const next = line.appendLine(buffer, start, end);
    if (buffer[next - 1] !== 0x0a) return this.#owner.heardNoLine(line.length) ? end : -1;
    if (line.nul) this.#flags.raise("nul");
    this.#saidSecret = this.#mode === "auth-answer";
    const goesOn = this.#command(this.#offset + (next - start), atUs, frame);
    if (this.#saidSecret || this.#mode === "hold") line.wipe();
    else line.clear();
    return goesOn ? next : -1;
  }

  /** A line's first byte may begin something that is no line; it is read again in the mode set here. */
  #opensSomething(first: number): boolean {
    if (this.#probed) {
      this.#probed = false;
      return false;
    }
    if (
      this.#offset === 0 &&
      this.#owner.sawHandshake &&
      !this.#owner.serverReplied &&
      Preface.mayBegin(first)
    ) {
      this.#preface = new Preface();
      this.#mode = "preface";
      return true;
    }
    const joined = this.#offset === 0 && !this.#owner.sawHandshake && this.#owner.onMailPort;
    const mayBeTls = first === TLS_HANDSHAKE || (joined && first >= 20 && first <= 23);
    if (!mayBeTls || this.#mode !== "commands") return false;
    this.#mode = "tls-or-not";
    return true;
  }

  /** A line is whole; its end is at stream offset `to`. */
  #command(to: number, atUs: number, frame: number): boolean {
    const { bytes, length, omitted } = this.#line;
    let end = length;
    if (omitted > 0) this.#flags.raise("line-too-long");
    else {
      end--;
      if (end > 0 && bytes[end - 1] === 0x0d) end--;
      else this.#flags.raise("bare-lf");
    }
    const verb = this.#mode === "auth-answer" ? AUTH_ANSWER : verbAt(bytes, 0, end);
    if (this.#skipLine) {
      this.#skipLine = false;
      if (verb === UNKNOWN) return true;
    }
    if (this.#lines++ === 0 && this.#joinsBody(verb, end)) return true;
    if (this.#mayBeMessage) {
      this.#mayBeMessage = false;
      const isDot = end === 1 && bytes[0] === 0x2e;
      if (verb === UNKNOWN && !isDot) {
        this.#beginBody(NO_TIME);
        return true;
      }
    }
    if (!this.#owner.heard(verb)) return false;
    const early = this.#lineExchange;
    const exchange =
      early ??
      this.#queue.ask(verb, this.#lineFirst, this.#lineFirstFrame, this.#lineFrom, this.#lineThroughThen);
    this.#lineExchange = null;
    this.#queue.asked(exchange, atUs, frame, to);
    this.#keepCommand(exchange, end);
    if (early === null) this.#afterCommand(exchange, end);
    return true;
  }

  #keepCommand(exchange: ExchangeRecord, end: number): void {
    const { bytes } = this.#line;
    const kept = exchange.commandBytes;
    kept.clear();
    if (exchange.verbIndex === AUTH_ANSWER) return;
    if (exchange.verbIndex !== AUTH) {
      if (exchange.verbIndex !== UNKNOWN) this.#hideUnknown = false;
      else if (this.#hideUnknown || this.#mayBeSecret(end)) {
        exchange.secret = true;
        this.#saidSecret = true;
        return;
      }
      kept.append(bytes, 0, end);
      return;
    }
    this.#sawAuth = true;
    keepAuth(kept, bytes, end);
  }

  #mayBeSecret(end: number): boolean {
    const text = textOf(this.#line.bytes, 0, end);
    if (isAuthMisspelt(text)) this.#sawAuth = true;
    const unseen = this.#sawAuth || this.#flags.has("mid-stream") || this.#flags.has("gap");
    return mayHoldSecret(text, unseen);
  }

  #afterCommand(exchange: ExchangeRecord, end: number): void {
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
        this.#beginChunk(exchange, end);
        break;
    }
  }

  // ---- Messages

  /** A stream joined in the middle of a message begins with a line that is no command. */
  #joinsBody(verb: VerbIndex, end: number): boolean {
    const { sawHandshake, onMailPort, serverReplied } = this.#owner;
    if (sawHandshake || verb !== UNKNOWN || !onMailPort || serverReplied) return false;
    if (end === 1 && this.#line.bytes[0] === 0x2e) return false;
    this.#owner.joinedMessage();
    this.#beginBody(NO_TIME);
    this.#body.gap(0);
    return true;
  }

  #beginBody(fromUs: number): void {
    this.#mode = "body";
    this.#body.begin(fromUs);
  }

  #readBody(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): number {
    const found = this.#body.read(buffer, start, end, atUs, frame, this.#offset);
    if (found < 0) return end;
    this.#body.drop();
    this.#endBody(atUs, frame, this.#offset + (found - start));
    return found;
  }

  /** The message is over; `to` is the stream offset behind its last byte. */
  #endBody(atUs: number, frame: number, to: number): ExchangeRecord {
    this.#mode = "commands";
    const exchange =
      this.#bodyExchange ?? this.#queue.ask(END_OF_BODY, atUs, frame, to - 1, this.#throughThen);
    this.#bodyExchange = null;
    exchange.askedFirst = atUs;
    exchange.askedFirstFrame = frame;
    exchange.askedFrom = to - 1;
    this.#queue.asked(exchange, atUs, frame, to);
    const { fromUs, hasGap, lengthBytes } = this.#body;
    if (fromUs !== NO_TIME && atUs >= fromUs && !hasGap)
      this.#owner.bodyOver(atUs - fromUs, lengthBytes, atUs);
    return exchange;
  }

  #beginChunk(exchange: ExchangeRecord, end: number): void {
    const match = /^\s+(\d{1,15})(\s+last)?\s*$/i.exec(textOf(this.#line.bytes, 4, end));
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
    if (this.#chunkLeft === 0) this.#endChunk(atUs, frame, this.#offset + n);
    return start + n;
  }

  #endChunk(atUs: number, frame: number, to: number): void {
    const exchange = this.#chunkExchange!;
    this.#chunkExchange = null;
    this.#mode = "commands";
    this.#queue.asked(exchange, atUs, frame, to);
  }

  // ---- Bytes whose meaning is not known yet

  #hold(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): boolean {
    this.#held ??= new Held(this.#budget);
    if (this.#held.bytes(atUs, frame, buffer, start, end, this.#throughThen ?? this.#queue.throughCount))
      return true;
    // More than any client says before it listens: the reply was missed, or will come.
    this.#guess();
    return this.#releaseHeld() && this.bytes(atUs, frame, buffer, start, end);
  }

  /** Reads what was held in the mode that is known by now. */
  #releaseHeld(): boolean {
    this.#awaited = null;
    const held = this.#held;
    this.#held = null;
    return this.#readPieces(held);
  }

  #readPieces(held: Held | null): boolean {
    let goesOn = true;
    const before = this.#throughThen;
    for (const { atUs, frame, bytes, lengthBytes, throughThen } of held?.pieces ?? []) {
      if (throughThen !== undefined) this.#throughThen = throughThen;
      if (bytes === null) this.gap(atUs, frame, lengthBytes);
      else if (goesOn) goesOn = this.bytes(atUs, frame, bytes, 0, bytes.length);
    }
    this.#throughThen = before;
    held?.wipe();
    return goesOn;
  }

  /** The awaited reply is not going to come: after DATA a message follows, after AUTH a secret, else commands. */
  #guess(): void {
    const awaited = this.#awaited?.verbIndex;
    if (awaited === DATA) this.#beginBody(NO_TIME);
    else this.#mode = awaited === AUTH || awaited === AUTH_ANSWER ? "auth-answer" : "commands";
  }

  /** No reply will come any more: reads what is held as best it can be. */
  resolve(): void {
    while (this.#mode === "hold" && this.#held !== null) {
      this.#guess();
      this.#releaseHeld();
    }
  }

  /** One byte that may belong to a preface. */
  #readPreface(atUs: number, frame: number, buffer: Uint8Array, at: number): boolean {
    const preface = this.#preface!;
    const undecided = preface.kind === "undecided";
    preface.clientByte(buffer[at]!);
    if (undecided) this.#keepProbe(atUs, frame, buffer, at);
    else this.#offset++;
    if (undecided && preface.flag !== null) {
      this.#offset += this.#probe?.lengthBytes ?? 0;
      this.#probe?.wipe();
      this.#probe = null;
    }
    return !preface.done || this.#endPreface();
  }

  #endPreface(): boolean {
    const flag = this.#preface?.flag ?? null;
    this.#preface?.wipe();
    this.#preface = null;
    this.#mode = "commands";
    if (flag !== null) this.#flags.raise(flag);
    return this.#readProbe();
  }

  /** Takes one byte of the server's, if a preface is under way that it belongs to. */
  prefaceReply(byte: number): boolean {
    const preface = this.#preface;
    if (preface?.kind === "undecided" && this.#mode === "preface") {
      // What comes in front is complete before the server speaks, or recognised.
      preface.giveUp();
      this.#endPreface();
    }
    if (preface === null || preface.done || preface.flag === null || preface.flag === "proxy-protocol")
      return false;
    preface.serverByte(byte);
    if (preface.done) this.#endPreface();
    return true;
  }

  /** Is it a TLS record, or text: of a decrypted capture, or of somebody who types control characters? */
  #probeTls(atUs: number, frame: number, buffer: Uint8Array, at: number): boolean {
    this.#keepProbe(atUs, frame, buffer, at);
    const [first, second] = this.#probe!.pieces;
    const type = first!.bytes![0]!;
    const possible = type >= 20 && type <= 23;
    if (possible && second === undefined) return true;
    if (possible && second?.bytes?.[0] === TLS_MAJOR) {
      this.#mode = "tls";
      this.#owner.beginTls(type);
    } else {
      this.#mode = "commands";
      this.#owner.noTls();
    }
    return this.#readProbe();
  }

  #keepProbe(atUs: number, frame: number, buffer: Uint8Array, at: number): void {
    this.#probe ??= new Held(this.#budget);
    this.#probe.bytes(atUs, frame, buffer, at, at + 1);
  }

  /** What was looked at is the dialogue's own: it is read for good. */
  #readProbe(): boolean {
    const probe = this.#probe;
    this.#probe = null;
    this.#probed = this.#mode === "commands" && probe !== null;
    return this.#readPieces(probe);
  }

  // ---- What replies mean for the client's bytes

  /** The reply to this command says how to read on. */
  awaits(exchange: ExchangeRecord): boolean {
    return exchange === this.#awaited;
  }

  /** The awaited reply has come: reads on like this. @param fromUs for a message: when the 354 was complete */
  readOn(how: "commands" | "body" | "auth-answer" | "tls-or-not" | "tls", fromUs = NO_TIME): boolean {
    if (how === "commands" && this.#heldIsMessage()) this.#hideUnknown = true;
    if (how === "body") this.#beginBody(fromUs);
    else this.#mode = how;
    return this.#releaseHeld();
  }

  /** Nothing that was awaited will come. */
  awaitNothing(): boolean {
    if (this.#mode !== "hold") return true;
    if (this.#heldIsMessage()) {
      // Nobody will answer it line by line.
      this.#offset += this.#held?.lengthBytes ?? 0;
      this.#held?.wipe();
      this.#held = null;
    }
    return this.readOn("commands");
  }

  /** Replies are missing, and another one comes: if a message is held, the 354 is among them. */
  assumeMessage(): void {
    if (this.#mode !== "hold" || !this.#heldIsMessage()) return;
    if (this.#awaited !== null) this.#queue.missed(this.#awaited);
    this.readOn("body");
  }

  /** What is held behind DATA does not begin like a command. */
  #heldIsMessage(): boolean {
    if (this.#awaited?.verbIndex !== DATA || this.#held === null) return false;
    const start = this.#held.peek(MAX_VERB_BYTES);
    const line = start.indexOf(0x0a);
    return verbAt(start, 0, line < 0 ? start.length : line) === UNKNOWN;
  }

  /** DATA got a reply that may be another command's: a message follows, or commands. */
  doubtMessage(): void {
    this.#mayBeMessage = true;
  }

  /** A message follows although its DATA was not seen. @returns false when it cannot be so */
  expectMessage(): boolean {
    if (this.#mode !== "commands" || this.#line.length > 0) return false;
    this.#skipLine = false;
    this.#beginBody(NO_TIME);
    return true;
  }

  /** The server has challenged a client whose AUTH was not seen. */
  expectAuthAnswer(): void {
    if (this.#mode === "commands" && this.#line.length === 0) this.#mode = "auth-answer";
  }

  /** A reply has come while nothing is pending: does it answer something that is under way? */
  claimsReply(): ExchangeRecord | null {
    if (this.#mode === "body") {
      if (this.#body.looseEnd !== null) return this.#endAtDot();
      return this.#bodyExchange === null ? this.#answeredInBody() : null;
    }
    if (this.#mode !== "commands" || this.#line.length === 0 || this.#lineExchange !== null) return null;
    const verb = verbAt(this.#line.bytes, 0, this.#line.length);
    const exchange = this.#queue.ask(verb, this.#lineFirst, this.#lineFirstFrame, this.#lineFrom);
    this.#queue.withdraw(exchange);
    exchange.asking = true;
    this.#lineExchange = exchange;
    if (verb !== UNKNOWN) this.#keepCommand(exchange, this.#line.length);
    return exchange;
  }

  /** The server took a lone dot as the end. What came behind it was commands after all: read after this reply. */
  #endAtDot(): ExchangeRecord {
    this.#flags.raise("loose-end-of-data");
    const { atUs, frame, offset } = this.#body.looseEnd!;
    const behind = this.#body.takeBehindDot();
    this.#offset = offset;
    const exchange = this.#endBody(atUs, frame, offset);
    this.#queue.withdraw(exchange);
    this.#held = behind;
    this.#awaited = exchange;
    this.#mode = "hold";
    return exchange;
  }

  /** A reply while the message is still on its way: its end was missed, or the server did not wait for it. */
  #answeredInBody(): ExchangeRecord {
    const exchange = this.#queue.aside(END_OF_BODY);
    if (this.#body.hasGap) {
      exchange.taint = "gap";
      this.#mode = "commands";
      this.#skipLine = true;
      this.#queue.lost("commands");
    } else {
      exchange.asking = true;
      this.#bodyExchange = exchange;
    }
    return exchange;
  }

  // ---- Missing bytes

  gap(atUs: number, frame: number, lengthBytes: number): void {
    if (this.#mode === "hold") {
      this.#held ??= new Held(this.#budget);
      if (this.#held.gap(atUs, frame, lengthBytes)) return;
      this.resolve();
    }
    this.#offset += lengthBytes;
    switch (this.#mode) {
      case "body":
        this.#body.gap(lengthBytes);
        break;
      case "bdat":
        this.#gapInChunk(lengthBytes);
        break;
      case "tls":
        if (!this.#owner.tlsGap(lengthBytes)) this.#mode = "ignored";
        break;
      case "tls-or-not":
        this.#owner.tlsLost();
        this.#mode = "ignored";
        this.#queue.lost("commands");
        break;
      case "preface":
        this.#mode = "ignored";
        this.#queue.lost("commands");
        break;
      case "ignored":
        break;
      default:
        this.#gapInLine();
    }
  }

  /** A command of which the end is missing is a command all the same; what else was lost is unknown. */
  #gapInLine(): void {
    const line = this.#line;
    const verb = line.length > 0 && this.#mode === "commands" ? verbAt(line.bytes, 0, line.length) : UNKNOWN;
    if (verb !== UNKNOWN && this.#owner.heard(verb)) {
      const exchange = this.#queue.ask(verb, this.#lineFirst, this.#lineFirstFrame, this.#lineFrom);
      this.#keepCommand(exchange, line.length);
      if (verb !== BDAT) this.#afterCommand(exchange, line.length);
    }
    line.wipe();
    this.#lineExchange = null;
    this.#skipLine = true;
    this.#queue.lost("commands");
  }

  #gapInChunk(lengthBytes: number): void {
    const exchange = this.#chunkExchange!;
    exchange.taint = "gap";
    const beyond = lengthBytes - this.#chunkLeft;
    this.#chunkLeft -= Math.min(lengthBytes, this.#chunkLeft);
    if (this.#chunkLeft > 0) return;
    this.#endChunk(NO_TIME, 0, exchange.askedTo);
    if (beyond === 0) return;
    this.#skipLine = true;
    this.#queue.lost("commands");
  }
}
