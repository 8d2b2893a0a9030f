import { NO_TIME } from "../spine/wire.ts";
import { Awaited } from "./awaited.ts";
import type { TextBudget } from "./byte-text.ts";
import { Chunk } from "./chunk.ts";
import { type ClientOwner, NOBODY } from "./client-owner.ts";
import { CommandReader } from "./command-reader.ts";
import type { Disclosure } from "./disclosure.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { Flags } from "./flags.ts";
import type { Held, HeldBudget } from "./held.ts";
import { Message } from "./message.ts";
import { NO_RECORD, Opening, TOO_SHORT } from "./opening.ts";
import type { ReplyQueue } from "./reply-queue.ts";
import { ANONYMOUS_TLS, AUTH, AUTH_ANSWER, BDAT, DATA, STARTTLS } from "./verbs.ts";

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

export class ClientReader {
  /** Something has been said. */
  spoke = false;
  #owner: ClientOwner = NOBODY;
  readonly #queue: ReplyQueue;
  readonly #disclosure: Disclosure;
  readonly #flags: Flags;
  readonly #commands: CommandReader;
  /** Made when the first message comes. */
  #messages: Message | null = null;
  readonly #budget: HeldBudget;
  readonly #digests: boolean;
  readonly #chunk: Chunk;
  readonly #awaited: Awaited;
  readonly #opening: Opening;
  #mode: Mode = "commands";
  #offset = 0;
  /** While held bytes are read: how many commands were through when they came. */
  #throughThen: number | undefined = undefined;

  /** @param digests of messages, chunks and secrets are wanted */
  constructor(
    queue: ReplyQueue,
    flags: Flags,
    budget: HeldBudget,
    texts: TextBudget,
    digests: boolean,
    disclosure: Disclosure,
  ) {
    this.#queue = queue;
    this.#disclosure = disclosure;
    this.#flags = flags;
    this.#commands = new CommandReader(queue, flags, texts, digests, disclosure);
    this.#budget = budget;
    this.#digests = digests;
    this.#chunk = new Chunk(queue, digests);
    this.#awaited = new Awaited(budget);
    this.#opening = new Opening(budget);
  }

  set owner(owner: ClientOwner) {
    this.#owner = owner;
  }

  /** What its buffer has grown to. */
  get bufferBytes(): number {
    return this.#commands.bufferBytes;
  }

  /** It is not used any more. */
  release(): void {
    this.#commands.release();
  }

  /** As new, for another dialogue; whatever was held is overwritten. */
  clear(): void {
    this.#owner = NOBODY;
    this.spoke = false;
    this.#commands.clear();
    this.#messages?.clear();
    this.#chunk.clear();
    this.#awaited.clear();
    this.#opening.clear();
    this.#mode = "commands";
    this.#offset = 0;
  }

  /** The first word of the line under way, in capitals. */
  get firstWord(): string {
    return this.#commands.firstWord;
  }

  /** A message or a chunk is under way. */
  get inMessage(): boolean {
    return this.#mode === "body" || this.#mode === "bdat";
  }

  /** See `StreamSink`. */
  get isUnread(): boolean {
    return this.#mode === "body" && this.#message().isUnread;
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
          i = this.#readMessage(atUs, frame, buffer, i, end);
          this.#disclosure.client(this.#message().certainTo(this.#offset + (i - from)), "message");
          break;
        case "bdat":
          i += this.#chunk.read(atUs, frame, this.#offset, buffer, i, end);
          this.#disclosure.client(this.#offset + (i - from), "message");
          if (this.#chunk.over) this.#mode = "commands";
          break;
        case "tls":
          i = this.#owner.tlsBytes(atUs, frame, this.#offset, buffer, i, end);
          this.#disclosure.client(this.#offset + (i - from), "plain");
          if (i < end) this.#disclosure.client(this.#offset + (end - from), "secret");
          i = end;
          break;
        case "ignored":
          i = end;
          this.#disclosure.client(this.#offset + (i - from), "secret");
          break;
        case "tls-or-not":
          if (!this.#probeTls(atUs, frame, buffer, i++)) return false;
          continue; // what it has looked at counts when it is read
        case "preface":
          this.#readPreface(atUs, frame, buffer, i++);
          if (this.#opening.prefaceDone && !this.#endPreface()) return false;
          continue;
      }
      this.#offset += i - from;
    }
    return true;
  }

  /** @returns the place behind what was read; −1 when the dialogue turned out not to be SMTP */
  #readLine(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): number {
    const commands = this.#commands;
    if (commands.lengthBytes === 0) {
      const first = buffer[start]!;
      const other = this.#opening.mayBegin(first, this.#offset, this.#owner, this.#mode === "commands");
      if (other !== null) {
        this.#mode = other;
        return start;
      }
      commands.begin(atUs, frame, this.#offset, this.#throughThen);
    }
    const next = commands.append(buffer, start, end);
    if (buffer[next - 1] !== 0x0a) return this.#owner.heardNoLine(commands.lengthBytes) ? end : -1;
    const isAuthAnswer = this.#mode === "auth-answer";
    const to = this.#offset + (next - start);
    const said = commands.complete(isAuthAnswer, to, atUs, frame, this.#owner);
    if (said === "nothing" || said === "message" || said === "joined-message")
      this.#disclosure.client(to, "secret");
    if (typeof said === "object") this.#afterCommand(said);
    else if (said === "message") this.#beginWithLine(atUs, frame, to);
    else if (said === "joined-message") this.#joinMessage();
    commands.forget(this.#mode === "hold");
    return said === "not-smtp" ? -1 : next;
  }

  #afterCommand(exchange: ExchangeRecord): void {
    switch (exchange.verbIndex) {
      case DATA:
      case AUTH:
      case AUTH_ANSWER:
      case STARTTLS:
      case ANONYMOUS_TLS:
        this.#await(exchange, null);
        break;
      case BDAT:
        if (this.#chunk.begin(exchange, this.#commands.line, this.#commands.endBytes)) this.#mode = "bdat";
        break;
    }
  }

  // ---- Messages

  #message(): Message {
    this.#messages ??= new Message(this.#queue, this.#budget, this.#digests);
    return this.#messages;
  }

  #beginMessage(fromUs: number): void {
    this.#mode = "body";
    this.#message().begin(fromUs);
  }

  /** The line that was read is its first. */
  #beginWithLine(atUs: number, frame: number, to: number): void {
    const { line, lengthBytes, isWhole } = this.#commands;
    this.#beginMessage(NO_TIME);
    if (isWhole) this.#message().read(line, 0, lengthBytes, atUs, frame, to - lengthBytes);
    else this.#message().gap(0);
  }

  /** The stream was joined in the middle of one. */
  #joinMessage(): void {
    this.#owner.joinedMessage();
    this.#beginMessage(NO_TIME);
    this.#message().gap(0);
  }

  #readMessage(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): number {
    const found = this.#message().read(buffer, start, end, atUs, frame, this.#offset);
    if (found < 0) return end;
    this.#endMessage(atUs, frame, this.#offset + (found - start));
    return found;
  }

  #endMessage(atUs: number, frame: number, to: number): ExchangeRecord {
    this.#mode = "commands";
    return this.#message().end(atUs, frame, to, this.#throughThen, this.#owner);
  }

  // ---- Bytes whose meaning is not known yet

  #await(exchange: ExchangeRecord, held: Held | null): void {
    this.#mode = "hold";
    this.#awaited.begin(exchange, held);
  }

  #hold(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): boolean {
    const throughThen = this.#throughThen ?? this.#queue.throughCount;
    if (this.#awaited.bytes(atUs, frame, buffer, start, end, throughThen)) return true;
    // More than any client says before it listens: the reply was missed, or will come.
    return this.#guess() && this.bytes(atUs, frame, buffer, start, end);
  }

  /** Reads on without the awaited reply. */
  #guess(): boolean {
    return this.readOn(this.#awaited.guess());
  }

  #readPieces(held: Held | null): boolean {
    if (held === null) return true;
    let goesOn = true;
    const before = this.#throughThen;
    for (const { atUs, frame, bytes, lengthBytes, throughThen } of held.pieces) {
      if (throughThen !== undefined) this.#throughThen = throughThen;
      if (bytes === null) this.gap(atUs, frame, lengthBytes);
      else if (goesOn) goesOn = this.bytes(atUs, frame, bytes, 0, bytes.length);
    }
    this.#throughThen = before;
    held.wipe();
    return goesOn;
  }

  /** No reply will come any more: reads what is held as best it can be. */
  resolve(): void {
    while (this.#mode === "hold" && this.#awaited.holdsAny) this.#guess();
  }

  get announcedClient(): string | null {
    return this.#opening.announcedClient;
  }

  #readPreface(atUs: number, frame: number, buffer: Uint8Array, at: number): void {
    const known = this.#opening.prefaceByte(atUs, frame, buffer, at);
    this.#offset += known;
    if (known > 0) this.#disclosure.client(this.#offset, this.#opening.prefaceIsPrivate ? "secret" : "plain");
  }

  #endPreface(): boolean {
    const flag = this.#opening.endPreface();
    this.#mode = "commands";
    if (flag !== null) this.#flags.raise(flag);
    return this.#readPieces(this.#opening.takeProbe(true));
  }

  /** Takes one byte of the server's, if a preface is under way that it belongs to. */
  prefaceReply(byte: number): boolean {
    // What comes in front is complete before the server speaks, or recognised.
    if (this.#mode === "preface" && this.#opening.prefaceUndecided) this.#endPreface();
    if (!this.#opening.prefaceReply(byte)) return false;
    if (this.#opening.prefaceDone) this.#endPreface();
    return true;
  }

  #probeTls(atUs: number, frame: number, buffer: Uint8Array, at: number): boolean {
    const type = this.#opening.tlsByte(atUs, frame, buffer, at);
    if (type === TOO_SHORT) return true;
    if (type === NO_RECORD) {
      this.#mode = "commands";
      this.#owner.noTls();
    } else {
      this.#mode = "tls";
      this.#owner.beginTls(type);
    }
    return this.#readPieces(this.#opening.takeProbe(this.#mode === "commands"));
  }

  // ---- What replies mean for the client's bytes

  /** The reply to this command says how to read on. */
  awaits(exchange: ExchangeRecord): boolean {
    return exchange === this.#awaited.exchange;
  }

  /** It is known how what is held is read. @param fromUs for a message: when the 354 was complete */
  readOn(how: "commands" | "body" | "auth-answer" | "tls-or-not" | "tls", fromUs = NO_TIME): boolean {
    if (how === "body") {
      // That it could have been a command may have mattered, and is to be seen again.
      this.#disclosure.client(this.#offset + this.#awaited.verbBytes, "plain");
      this.#beginMessage(fromUs);
    } else this.#mode = how;
    return this.#readPieces(this.#awaited.take());
  }

  /** The awaited reply was none to go ahead: what is held are commands, or a message that nobody asked for. */
  refused(): void {
    if (this.#awaited.holdsMessage) this.#commands.discretion.hideUnknown();
    this.readOn("commands");
  }

  /** Nothing that was awaited will come. */
  awaitNothing(): void {
    if (this.#mode !== "hold") return;
    // Nobody will answer a message line by line.
    if (this.#awaited.holdsMessage) {
      this.#offset += this.#awaited.drop();
      this.#disclosure.client(this.#offset, "message");
    }
    this.readOn("commands");
  }

  /** Replies are missing, and another one comes: if a message is held, the 354 is among them. */
  assumeMessage(): void {
    const { exchange } = this.#awaited;
    if (this.#mode !== "hold" || exchange === null || !this.#awaited.holdsMessage) return;
    this.#queue.missed(exchange);
    this.readOn("body");
  }

  /** DATA got a reply that may be another command's: a message follows, or commands. */
  doubtMessage(): void {
    this.#commands.doubtMessage();
  }

  /** A message follows although its DATA was not seen. @returns false when it cannot be so */
  expectMessage(): boolean {
    if (this.#mode !== "commands" || this.#commands.lengthBytes > 0) return false;
    this.#commands.skipNothing();
    this.#beginMessage(NO_TIME);
    return true;
  }

  /** The server has challenged a client whose AUTH was not seen. */
  expectAuthAnswer(): void {
    if (this.#mode === "commands" && this.#commands.lengthBytes === 0) this.#mode = "auth-answer";
  }

  /** A reply has come while nothing is pending: does it answer something that is under way? */
  claimsReply(): ExchangeRecord | null {
    if (this.#mode === "commands") return this.#commands.answeredEarly();
    if (this.#mode !== "body") return null;
    if (this.#message().looseEnd !== null) return this.#endAtDot();
    const exchange = this.#message().answeredEarly();
    if (exchange !== null && this.#message().hasGap) {
      this.#mode = "commands";
      this.#lostLines();
    }
    return exchange;
  }

  /** The server took a lone dot as the end. What came behind it was commands after all: read after this reply. */
  #endAtDot(): ExchangeRecord | null {
    this.#flags.raise("loose-end-of-data");
    const { atUs, frame, offset } = this.#message().looseEnd!;
    const behind = this.#message().takeBehindDot();
    const isAnswered = this.#message().isAnswered;
    this.#offset = offset;
    const exchange = this.#endMessage(atUs, frame, offset);
    if (isAnswered) {
      // Then this reply is that of a command behind it.
      this.#readPieces(behind);
      return this.#queue.shift() ?? null;
    }
    this.#queue.withdraw(exchange);
    this.#await(exchange, behind);
    return exchange;
  }

  // ---- Missing bytes

  gap(atUs: number, frame: number, lengthBytes: number): void {
    if (this.#mode === "hold") {
      if (this.#awaited.gap(atUs, frame, lengthBytes)) return;
      this.resolve();
    }
    const before = this.#offset;
    this.#offset += lengthBytes;
    this.#gapIn(lengthBytes);
    // Of what came before it, and was nothing yet, it will never be known what it was.
    this.#disclosure.client(before, "secret");
  }

  #gapIn(lengthBytes: number): void {
    switch (this.#mode) {
      case "body":
        this.#message().gap(lengthBytes);
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
    const exchange = this.#commands.cutShort(this.#mode !== "commands", this.#owner);
    if (exchange !== null && exchange.verbIndex !== BDAT) this.#afterCommand(exchange);
    this.#queue.lost("commands");
  }

  #gapInChunk(lengthBytes: number): void {
    const beyond = this.#chunk.gap(lengthBytes);
    if (!this.#chunk.over) return;
    this.#mode = "commands";
    if (beyond > 0) this.#lostLines();
  }

  #lostLines(): void {
    this.#commands.skipRest();
    this.#queue.lost("commands");
  }
}
