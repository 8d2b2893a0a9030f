import type { Exchange, Taint, Unkept } from "../spine/exchange.ts";
import { PHASES, type Phase } from "../spine/phase.ts";
import { linesOf, textOf } from "../spine/text.ts";
import { NO_TIME } from "../spine/wire.ts";
import { ByteText, type TextBudget } from "./byte-text.ts";
import { AUTH_ANSWER, UNKNOWN, UNSOLICITED, VERB_NAMES, VERB_PHASES, type VerbIndex } from "./verbs.ts";

/** RFC 5321 §4.5.3.1.4 allows 512 octets a command; extensions add a few hundred. Kept of one line: */
const MAX_COMMAND_BYTES = 2_048;
/** A long EHLO reply has 30 lines of 40 octets. Kept of one reply: */
export const MAX_REPLY_BYTES = 16_384;

const REDACTED = "[redacted]";

/** Anything longer, or with other characters, is shown as (unknown): it may be a secret, or junk. */
const WORD = /^[A-Za-z][A-Za-z0-9-]{0,15}$/;

/** An exchange while it is being observed. Instants use NO_TIME, frames 0, where there is nothing yet. */
export class ExchangeRecord implements Exchange {
  ordinal = 0;
  verbIndex: VerbIndex = UNKNOWN;
  phaseIndex = 0;
  code: number | null = null;
  askedFirst = NO_TIME;
  askedLast = NO_TIME;
  answeredFirst = NO_TIME;
  answeredLine = NO_TIME;
  answeredLast = NO_TIME;
  askedFirstFrame = 0;
  askedLastFrame = 0;
  answeredFirstFrame = 0;
  answeredLastFrame = 0;
  /** Stream offsets of the spans, for later copies; from = to where there is no span. */
  askedFrom = 0;
  askedTo = 0;
  answeredFrom = 0;
  answeredTo = 0;
  sinceSynAckUs: number | null = null;
  previousAnsweredLast = NO_TIME;
  waitedUs = 0;
  pipelinedBehind = 0;
  retransmits = 0;
  /** The packet counted last: it may hold several parts of the spans. */
  copiedInFrame = 0;
  taint: Taint | null = null;
  /** Steps of the clock before it was asked. */
  clockSteps = 0;
  /** The command's last byte has not been seen. */
  asking = false;
  secret = false;
  endSplit = false;
  /** What ended the command line; null where the line is not whole. */
  lineEnd: string | null = null;
  unkept: Unkept | null = null;
  /** Bytes that this record is known to cost; see ExchangePool. */
  weightBytes = 0;
  readonly commandBytes: ByteText;
  replyBytes: ByteText;

  constructor(texts: TextBudget) {
    this.commandBytes = new ByteText(64, MAX_COMMAND_BYTES, texts);
    this.replyBytes = new ByteText(64, MAX_REPLY_BYTES, texts);
  }

  /** It is not used any more. */
  release(): void {
    this.commandBytes.release();
    this.replyBytes.release();
  }

  /** Makes the record as new. */
  reset(verb: VerbIndex, ordinal: number): void {
    this.ordinal = ordinal;
    this.verbIndex = verb;
    this.phaseIndex = VERB_PHASES[verb]!;
    this.code = null;
    this.askedFirst = NO_TIME;
    this.askedLast = NO_TIME;
    this.answeredFirst = NO_TIME;
    this.answeredLine = NO_TIME;
    this.answeredLast = NO_TIME;
    this.askedFirstFrame = 0;
    this.askedLastFrame = 0;
    this.answeredFirstFrame = 0;
    this.answeredLastFrame = 0;
    this.askedFrom = 0;
    this.askedTo = 0;
    this.answeredFrom = 0;
    this.answeredTo = 0;
    this.sinceSynAckUs = null;
    this.previousAnsweredLast = NO_TIME;
    this.waitedUs = 0;
    this.pipelinedBehind = 0;
    this.retransmits = 0;
    this.copiedInFrame = 0;
    this.taint = null;
    this.clockSteps = 0;
    this.asking = false;
    this.secret = false;
    this.lineEnd = null;
    this.unkept = null;
    this.endSplit = false;
    this.commandBytes.clear();
    this.replyBytes.clear();
  }

  get phase(): Phase {
    return PHASES[this.phaseIndex]!;
  }

  get verb(): string {
    if (this.verbIndex !== UNKNOWN || this.secret) return VERB_NAMES[this.verbIndex]!;
    const { bytes, length } = this.commandBytes;
    let end = 0;
    while (end < length && bytes[end]! > 0x20 && end < 20) end++;
    const word = textOf(bytes, 0, end);
    return WORD.test(word) ? word.toUpperCase() : VERB_NAMES[UNKNOWN]!;
  }

  get unsolicited(): boolean {
    return this.verbIndex === UNSOLICITED;
  }

  command(): string | null {
    if (this.secret) return REDACTED;
    if (this.verbIndex === AUTH_ANSWER) return REDACTED;
    const { bytes, length, omitted } = this.commandBytes;
    if (length === 0 && VERB_NAMES[this.verbIndex]!.startsWith("(") && this.verbIndex !== UNKNOWN)
      return null;
    const text = textOf(bytes, 0, length);
    return omitted > 0 ? `${text}[… ${omitted} bytes more]` : text;
  }

  lines(): string[] {
    const { bytes, length, omitted } = this.replyBytes;
    return linesOf(bytes, length, omitted);
  }

  commandOctets(): string | null {
    if (this.secret || this.verbIndex === AUTH_ANSWER || this.lineEnd === null) return null;
    // keepCommand() has put something else in the place of a secret behind AUTH.
    const { bytes, length, omitted } = this.commandBytes;
    if (omitted > 0) return null;
    return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1") + this.lineEnd;
  }

  get askedFirstAtUs(): number | null {
    return this.askedFirst === NO_TIME ? null : this.askedFirst;
  }
  get askedLastAtUs(): number | null {
    return this.askedLast === NO_TIME ? null : this.askedLast;
  }
  get answeredFirstAtUs(): number | null {
    return this.answeredFirst === NO_TIME ? null : this.answeredFirst;
  }
  get answeredLineAtUs(): number | null {
    return this.answeredLine === NO_TIME ? null : this.answeredLine;
  }
  get answeredLastAtUs(): number | null {
    return this.answeredLast === NO_TIME ? null : this.answeredLast;
  }

  get thinkUs(): number | null {
    if (this.answeredFirst === NO_TIME || this.askedLast === NO_TIME) return null;
    if (this.taint === "early" || this.taint === "clock") return null;
    const think = this.answeredFirst - this.askedLast;
    return think < 0 ? null : think;
  }

  get serviceUs(): number | null {
    const think = this.thinkUs;
    if (think === null) return null;
    return this.previousAnsweredLast > this.askedLast
      ? Math.max(0, this.answeredFirst - this.previousAnsweredLast)
      : think;
  }
}
