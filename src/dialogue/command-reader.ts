import { textOf } from "../spine/text.ts";
import { NO_TIME } from "../spine/wire.ts";
import { ByteText, type TextBudget } from "./byte-text.ts";
import type { ClientOwner } from "./client-owner.ts";
import type { Disclosure } from "./disclosure.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { Flags } from "./flags.ts";
import type { ReplyQueue } from "./reply-queue.ts";
import { Discretion } from "./secrets.ts";
import { AUTH_ANSWER, MAX_VERB_BYTES, UNKNOWN, type VerbIndex, verbAt } from "./verbs.ts";

/** A line of the client's longer than this is not kept whole. RFC 5321 allows 512 octets for a command. */
const MAX_LINE_BYTES = 8_192;

/**
 * What a line was: a command, and what follows depends on which; nothing that matters any more; the
 * first line of a message, with or without its beginning; or not SMTP.
 */
type Said = ExchangeRecord | "nothing" | "message" | "joined-message" | "not-smtp";

/** Reads the client's lines, and asks the queue for an exchange for each command. */
export class CommandReader {
  readonly #queue: ReplyQueue;
  readonly #flags: Flags;
  readonly #disclosure: Disclosure;
  readonly #text: ByteText;
  readonly discretion: Discretion;
  #lines = 0;
  // The line under way: where it began, and its exchange if it was answered before it ended.
  #firstAtUs = NO_TIME;
  #firstFrame = 0;
  #from = 0;
  #throughThen: number | undefined = undefined;
  #exchange: ExchangeRecord | null = null;
  #endBytes = 0;
  #secret = false;
  /** What is left of a line whose beginning is missing. */
  #skip = false;
  /** The next line is a command, or a message's first. */
  #mayBeMessage = false;

  constructor(queue: ReplyQueue, flags: Flags, texts: TextBudget, digests: boolean, disclosure: Disclosure) {
    this.#text = new ByteText(64, MAX_LINE_BYTES, texts);
    this.#queue = queue;
    this.#flags = flags;
    this.#disclosure = disclosure;
    this.discretion = new Discretion(flags, digests);
  }

  /** What its buffer has grown to. */
  get bufferBytes(): number {
    return this.#text.bytes.length;
  }

  /** It is not used any more. */
  release(): void {
    this.#text.release();
  }

  /** As new; what was said is overwritten. */
  clear(): void {
    this.#text.wipe();
    this.discretion.clear();
    this.#lines = 0;
    this.#exchange = null;
    this.#secret = false;
    this.#skip = false;
    this.#mayBeMessage = false;
  }

  // ---- The line under way

  get lengthBytes(): number {
    return this.#text.length;
  }

  /** All of it is kept. */
  get isWhole(): boolean {
    return this.#text.omitted === 0;
  }

  /** Its first word, in capitals. */
  get firstWord(): string {
    const { bytes, length } = this.#text;
    let end = 0;
    while (end < length && end < MAX_VERB_BYTES && bytes[end]! > 0x20) end++;
    return textOf(bytes, 0, end).toUpperCase();
  }

  /** The line, and how long it is without its end. Valid until forget(). */
  get line(): Uint8Array {
    return this.#text.bytes;
  }
  get endBytes(): number {
    return this.#endBytes;
  }

  begin(atUs: number, frame: number, offset: number, throughThen: number | undefined): void {
    this.#firstAtUs = atUs;
    this.#firstFrame = frame;
    this.#from = offset;
    this.#throughThen = throughThen;
  }

  /** Takes bytes up to the end of the line. @returns the place behind them */
  append(buffer: Uint8Array, start: number, end: number): number {
    return this.#text.appendLine(buffer, start, end);
  }

  /** The line is whole; its end is at stream offset `to`. */
  complete(isAuthAnswer: boolean, to: number, atUs: number, frame: number, owner: ClientOwner): Said {
    this.#secret = isAuthAnswer;
    const end = this.#trimmed();
    this.#endBytes = end;
    const { bytes } = this.#text;
    const verb = isAuthAnswer ? AUTH_ANSWER : verbAt(bytes, 0, end);
    if (this.#skip) {
      this.#skip = false;
      if (verb === UNKNOWN) return "nothing";
    }
    const isDot = end === 1 && bytes[0] === 0x2e;
    const canBeMessage = verb === UNKNOWN && !isDot;
    if (this.#lines++ === 0 && canBeMessage && joinedMidway(owner)) return "joined-message";
    const mayBeMessage = this.#mayBeMessage;
    this.#mayBeMessage = false;
    if (mayBeMessage && canBeMessage) return "message";
    if (!owner.heard(verb)) {
      // By this word, and the blank behind it, it is known again that it is not.
      if (owner.onMailPort) this.#disclosure.client(this.#from + this.firstWord.length + 1, "plain");
      return "not-smtp";
    }
    return this.#commandSaid(verb, to, atUs, frame);
  }

  #commandSaid(verb: VerbIndex, to: number, atUs: number, frame: number): Said {
    const early = this.#exchange;
    const exchange = early ?? this.#ask(verb, this.#throughThen);
    this.#exchange = null;
    this.#queue.asked(exchange, atUs, frame, to);
    if (this.#keep(exchange, this.#endBytes, to)) this.#secret = true;
    const { length, omitted } = this.#text;
    exchange.lineEnd = omitted > 0 ? null : length - this.#endBytes === 2 ? "\r\n" : "\n";
    return early === null ? exchange : "nothing";
  }

  /** Keeps of the command what may be, and says what of it that is. @returns true when it holds a secret */
  #keep(exchange: ExchangeRecord, end: number, to: number): boolean {
    const { bytes } = this.#text;
    const hidden = this.discretion.hidesUnknown;
    const isSecret = this.discretion.keep(exchange, bytes, end);
    this.#disclosure.command(exchange, bytes, end, this.#from, to, hidden);
    return isSecret;
  }

  #ask(verb: VerbIndex, throughThen?: number): ExchangeRecord {
    return this.#queue.ask(verb, this.#firstAtUs, this.#firstFrame, this.#from, throughThen);
  }

  /** @returns the line's length without its end, if that was kept */
  #trimmed(): number {
    const { bytes, length, omitted, nul } = this.#text;
    if (nul) this.#flags.raise("nul");
    if (omitted > 0) {
      this.#flags.raise("line-too-long");
      return length;
    }
    const end = length - 1;
    if (end > 0 && bytes[end - 1] === 0x0d) return end - 1;
    this.#flags.raise("bare-lf");
    return end;
  }

  /** The line has been read. @param secret what comes next may be one: no trace of the line is left */
  forget(secret: boolean): void {
    if (this.#secret || secret) this.#text.wipe();
    else this.#text.clear();
  }

  // ---- What replies and gaps mean for it

  /** The next line is a command, or a message's first. */
  doubtMessage(): void {
    this.#mayBeMessage = true;
  }

  /** What is left of the line, whose beginning is missing, is no command. */
  skipRest(): void {
    this.#skip = true;
  }

  /** The next line is whole after all. */
  skipNothing(): void {
    this.#skip = false;
  }

  /** A reply has come while nothing is pending: to the command under way? */
  answeredEarly(): ExchangeRecord | null {
    const { bytes, length } = this.#text;
    if (length === 0 || this.#exchange !== null) return null;
    const verb = verbAt(bytes, 0, length);
    const exchange = this.#ask(verb);
    this.#queue.withdraw(exchange);
    exchange.asking = true;
    this.#exchange = exchange;
    if (verb !== UNKNOWN) this.#keep(exchange, length, this.#from + length);
    return exchange;
  }

  /** Its end is missing. @returns the command that it was all the same, if it was one */
  cutShort(isAuthAnswer: boolean, owner: ClientOwner): ExchangeRecord | null {
    const { bytes, length } = this.#text;
    const verb = length > 0 && !isAuthAnswer ? verbAt(bytes, 0, length) : UNKNOWN;
    let exchange: ExchangeRecord | null = null;
    if (verb !== UNKNOWN && owner.heard(verb)) {
      exchange = this.#ask(verb);
      this.#keep(exchange, length, this.#from + length);
    }
    this.#text.wipe();
    this.#exchange = null;
    this.#skip = true;
    return exchange;
  }
}

/** A stream joined in the middle of a message begins with a line that is no command. */
function joinedMidway({ sawHandshake, onMailPort, serverReplied }: ClientOwner): boolean {
  return !sawHandshake && onMailPort && !serverReplied;
}
