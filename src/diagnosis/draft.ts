import type { Exchange } from "../spine/exchange.ts";
import { BANNER, DATA, END_OF_DATA, MAIL, type PhaseIndex } from "../spine/phase.ts";
import { NO_TIME } from "../spine/wire.ts";

/**
 * An open dialogue's replies, as columns, until it is over and known to be worth a closer look. Most
 * are not, so this allocates nothing: drafts are used again.
 */

/** Replies listed of one dialogue; of further ones only the time is kept. Tarpits have shown themselves by then. */
const MAX_REPLIES = 128;

/** A reply that was waited for less (µs) is not looked at closely. */
const BRIEF_US = 3_000;

/** Pauses of the client (µs) that are kept, and how many. */
const MIN_TURN_US = 250_000;
const MAX_TURNS = 32;
/** A command that takes longer (µs) to be said was written in pieces. */
const MIN_HESITATION_US = 20_000;

/** From the end of a reply to the client's next command; for END_OF_DATA to the end of its message. */
export interface Turn {
  readonly before: PhaseIndex;
  readonly fromUs: number;
  readonly toUs: number;
  readonly frame: number;
}

/** Marks of a reply. */
export const ACCEPTED = 1;
export const UNANSWERED = 2;
export const SAYS_GREYLISTED_MARK = 4;
export const TAINTED = 8;
/** Prompt, and asked promptly: only its phase, code and wait are kept. */
export const BRIEF = 16;

/** A reply with a temporary refusal that says why (the wording of the usual greylisting programs). */
const SAYS_GREYLISTED = /gr[ae]y\s?-?list|try again (?:in|later)|deferred.*(?:minute|second)/i;

export class Draft {
  count = 0;
  readonly phase = new Uint8Array(MAX_REPLIES);
  readonly code = new Uint16Array(MAX_REPLIES);
  readonly marks = new Uint8Array(MAX_REPLIES);
  readonly waitedUs = new Float64Array(MAX_REPLIES);
  // From here on only of replies that are not BRIEF.
  readonly askedFirstAtUs = new Float64Array(MAX_REPLIES);
  readonly askedAtUs = new Float64Array(MAX_REPLIES);
  readonly firstAtUs = new Float64Array(MAX_REPLIES);
  readonly lineAtUs = new Float64Array(MAX_REPLIES);
  readonly lastAtUs = new Float64Array(MAX_REPLIES);
  readonly askedFrame = new Int32Array(MAX_REPLIES);
  readonly firstFrame = new Int32Array(MAX_REPLIES);
  readonly lastFrame = new Int32Array(MAX_REPLIES);
  readonly askedTo = new Int32Array(MAX_REPLIES);
  readonly messageBytes = new Float64Array(MAX_REPLIES);
  /** The longest wait. */
  longestUs = 0;
  /** Waited in all accepted replies, and in those that are not listed. */
  totalUs = 0;
  unlistedUs = 0;
  /** A command took its time to be said. */
  hesitated = false;
  retransmits = 0;
  refusals = 0;
  /** When the greeting was complete; NO_TIME before. */
  greetedAtUs = NO_TIME;
  /** Names said in the dialogue and when, for matching lookups: domains in lower case. */
  readonly domains: { domain: string; atUs: number }[] = [];
  /** The client's pauses. */
  readonly turns: Turn[] = [];
  #repliedAtUs = NO_TIME;
  /** Stream offset behind the previous command: what follows is its message. */
  #askedTo = 0;

  clear(): this {
    this.count = 0;
    this.longestUs = 0;
    this.totalUs = 0;
    this.unlistedUs = 0;
    this.hesitated = false;
    this.retransmits = 0;
    this.refusals = 0;
    this.greetedAtUs = NO_TIME;
    if (this.domains.length > 0) this.domains.length = 0;
    if (this.turns.length > 0) this.turns.length = 0;
    this.#repliedAtUs = NO_TIME;
    this.#askedTo = 0;
    return this;
  }

  exchange(exchange: Exchange, isAccepted: boolean): void {
    const { waitedUs, phaseIndex, code } = exchange;
    if (isAccepted) this.totalUs += waitedUs;
    const askedAtUs = exchange.askedLastAtUs ?? NO_TIME;
    const pauseUs = askedAtUs - this.#repliedAtUs;
    if (pauseUs >= MIN_TURN_US) this.#turn(exchange);
    this.#repliedAtUs = exchange.answeredLastAtUs ?? NO_TIME;
    if (phaseIndex === BANNER) this.greetedAtUs = this.#repliedAtUs;
    if (this.count >= MAX_REPLIES || exchange.unsolicited) {
      if (isAccepted) this.unlistedUs += waitedUs;
      return;
    }
    const i = this.count++;
    if (waitedUs > this.longestUs) this.longestUs = waitedUs;
    this.phase[i] = phaseIndex;
    this.code[i] = code ?? 0;
    this.waitedUs[i] = waitedUs;
    this.marks[i] = isAccepted ? ACCEPTED : 0;
    const isBrief =
      waitedUs < BRIEF_US &&
      pauseUs < MIN_HESITATION_US &&
      exchange.retransmits === 0 &&
      exchange.taint === null;
    if (isBrief && code !== null && code < 400) this.marks[i]! |= BRIEF;
    else this.#closely(exchange, i);
    this.#askedTo = exchange.askedTo;
  }

  /** A pause of the client's, before a command or (to be looked for in its packets) within a message. */
  #turn(exchange: Exchange): void {
    const { phaseIndex: before, askedLastFrame: frame } = exchange;
    if (before === BANNER || this.#repliedAtUs === NO_TIME || this.turns.length >= MAX_TURNS) return;
    const toUs = (before === END_OF_DATA ? exchange.askedLastAtUs : exchange.askedFirstAtUs) ?? NO_TIME;
    if (toUs - this.#repliedAtUs >= MIN_TURN_US)
      this.turns.push({ before, fromUs: this.#repliedAtUs, toUs, frame });
  }

  /** What a reply that may be late is asked later. */
  #closely(exchange: Exchange, i: number): void {
    const { code, phaseIndex, taint } = exchange;
    this.retransmits += exchange.retransmits;
    const firstAtUs = exchange.answeredFirstAtUs ?? NO_TIME;
    this.askedFirstAtUs[i] = exchange.askedFirstAtUs ?? NO_TIME;
    this.askedAtUs[i] = exchange.askedLastAtUs ?? NO_TIME;
    this.firstAtUs[i] = firstAtUs;
    this.lineAtUs[i] = exchange.answeredLineAtUs ?? firstAtUs;
    this.lastAtUs[i] = exchange.answeredLastAtUs ?? NO_TIME;
    this.askedFrame[i] = exchange.askedLastFrame;
    this.firstFrame[i] = exchange.answeredFirstFrame;
    this.lastFrame[i] = exchange.answeredLastFrame;
    this.askedTo[i] = exchange.askedTo;
    this.messageBytes[i] = phaseIndex === END_OF_DATA ? exchange.askedTo - this.#askedTo : 0;
    if (phaseIndex !== END_OF_DATA && this.askedAtUs[i]! - this.askedFirstAtUs[i]! >= MIN_HESITATION_US)
      this.hesitated = true;
    if (taint !== null) this.marks[i]! |= taint === "unanswered" ? UNANSWERED : TAINTED;
    if (code === null || code < 400) return;
    this.refusals++;
    const atEnvelope = phaseIndex >= MAIL && phaseIndex <= DATA;
    if (code < 500 && atEnvelope && SAYS_GREYLISTED.test(exchange.lines().join(" ")))
      this.marks[i]! |= SAYS_GREYLISTED_MARK;
  }

  /** A name that the server may look up from now on. */
  heard(domain: string, atUs: number): void {
    if (this.domains.length >= MAX_DOMAINS || this.domains.some((known) => known.domain === domain)) return;
    this.domains.push({ domain, atUs });
  }
}

/** Senders' and recipients' domains of one dialogue that lookups are matched with. */
const MAX_DOMAINS = 16;

/** The domain in a HELO, MAIL or RCPT command, null without one. */
export function domainIn(command: string): string | null {
  const said = /@([a-z0-9._-]+)>?/i.exec(command) ?? /^(?:helo|ehlo|lhlo)\s+([a-z0-9._-]+)/i.exec(command);
  return said === null ? null : said[1]!.toLowerCase().replace(/\.$/, "");
}
