import type { Exchange } from "../spine/exchange.ts";
import { BANNER, DATA, END_OF_DATA, MAIL, type PhaseIndex } from "../spine/phase.ts";
import { NO_TIME } from "../spine/wire.ts";

/**
 * An open dialogue's replies until it is over and known to be worth a closer look. Most
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

/**
 * A reply with a temporary refusal that says why (the wording of the usual greylisting programs; the last is spamd's).
 * "Try again later" alone is what servers say of any trouble, as Postfix does of a milter that fails.
 */
const SAYS_GREYLISTED =
  /gr[ae]y\s?-?list|try again in \d|deferred.*(?:minute|second)|temporary failure, please try again later/i;

/** Replies listed of all open dialogues together, at 250 octets each: 4 of as many dialogues as can be followed. */
const MAX_LISTED_TOTAL = 1 << 14;

/** Counts them. */
export interface ListedCount {
  replies: number;
}

/** A reply; for one that is BRIEF only the first four fields are kept. */
export class DraftReply {
  phase = 0;
  code = 0;
  marks = 0;
  waitedUs = 0;
  askedFirstAtUs = NO_TIME;
  askedAtUs = NO_TIME;
  firstAtUs = NO_TIME;
  lineAtUs = NO_TIME;
  lastAtUs = NO_TIME;
  askedFrame = 0;
  firstFrame = 0;
  lastFrame = 0;
  askedTo = 0;
  messageBytes = 0;
}

export class Draft {
  count = 0;
  /** The first `count` of these are the dialogue's, the others wait to be used again. */
  readonly replies: DraftReply[] = [];
  /** The longest wait. */
  longestUs = 0;
  /** The shortest wait for a command's reply: a round trip takes no longer. */
  leastUs = Number.POSITIVE_INFINITY;
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
  readonly #listed: ListedCount;

  constructor(listed: ListedCount) {
    this.#listed = listed;
  }

  clear(): void {
    this.#listed.replies -= this.count;
    this.count = 0;
    this.longestUs = 0;
    this.leastUs = Number.POSITIVE_INFINITY;
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
  }

  exchange(exchange: Exchange, isAccepted: boolean): void {
    const { waitedUs, phaseIndex, code } = exchange;
    if (isAccepted) this.totalUs += waitedUs;
    const askedAtUs = exchange.askedLastAtUs ?? NO_TIME;
    const pauseUs = askedAtUs - this.#repliedAtUs;
    if (pauseUs >= MIN_TURN_US) this.#turn(exchange);
    this.#repliedAtUs = exchange.answeredLastAtUs ?? NO_TIME;
    if (phaseIndex === BANNER) this.greetedAtUs = this.#repliedAtUs;
    else if (pauseUs >= 0 && waitedUs < this.leastUs && this.#repliedAtUs !== NO_TIME)
      this.leastUs = waitedUs;
    if (this.count >= MAX_REPLIES || this.#listed.replies >= MAX_LISTED_TOTAL || exchange.unsolicited) {
      if (isAccepted) this.unlistedUs += waitedUs;
      return;
    }
    const reply = this.#next();
    if (waitedUs > this.longestUs) this.longestUs = waitedUs;
    reply.phase = phaseIndex;
    reply.code = code ?? 0;
    reply.waitedUs = waitedUs;
    reply.marks = isAccepted ? ACCEPTED : 0;
    const isBrief =
      waitedUs < BRIEF_US &&
      pauseUs < MIN_HESITATION_US &&
      exchange.retransmits === 0 &&
      exchange.taint === null;
    if (isBrief && code !== null && code < 400) reply.marks |= BRIEF;
    else this.#closely(exchange, reply);
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
  #closely(exchange: Exchange, reply: DraftReply): void {
    const { code, phaseIndex, taint } = exchange;
    this.retransmits += exchange.retransmits;
    const firstAtUs = exchange.answeredFirstAtUs ?? NO_TIME;
    reply.askedFirstAtUs = exchange.askedFirstAtUs ?? NO_TIME;
    reply.askedAtUs = exchange.askedLastAtUs ?? NO_TIME;
    reply.firstAtUs = firstAtUs;
    reply.lineAtUs = exchange.answeredLineAtUs ?? firstAtUs;
    reply.lastAtUs = exchange.answeredLastAtUs ?? NO_TIME;
    reply.askedFrame = exchange.askedLastFrame;
    reply.firstFrame = exchange.answeredFirstFrame;
    reply.lastFrame = exchange.answeredLastFrame;
    reply.askedTo = exchange.askedTo;
    reply.messageBytes = phaseIndex === END_OF_DATA ? exchange.askedTo - this.#askedTo : 0;
    if (phaseIndex !== END_OF_DATA && reply.askedAtUs - reply.askedFirstAtUs >= MIN_HESITATION_US)
      this.hesitated = true;
    if (taint !== null) reply.marks |= taint === "unanswered" ? UNANSWERED : TAINTED;
    if (code === null || code < 400) return;
    this.refusals++;
    const atEnvelope = phaseIndex >= MAIL && phaseIndex <= DATA;
    if (code < 500 && atEnvelope && SAYS_GREYLISTED.test(exchange.lines().join(" ")))
      reply.marks |= SAYS_GREYLISTED_MARK;
  }

  #next(): DraftReply {
    this.#listed.replies++;
    const i = this.count++;
    if (i === this.replies.length) this.replies.push(new DraftReply());
    return this.replies[i]!;
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
