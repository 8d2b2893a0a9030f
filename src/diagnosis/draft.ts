import type { Exchange } from "../spine/exchange.ts";
import { BANNER, DATA, END_OF_DATA, MAIL } from "../spine/phase.ts";

/**
 * An open dialogue's replies, as columns, until it is over and known to be worth a closer look. Most
 * are not, so this allocates nothing: drafts are used again.
 */

/** Replies listed of one dialogue; of further ones only the time is kept. Tarpits have shown themselves by then. */
const MAX_REPLIES = 128;

/** A reply with a temporary refusal that says why (the wording of the usual greylisting programs). */
const SAYS_GREYLISTED = /gr[ae]y\s?-?list|try again (?:in|later)|deferred.*(?:minute|second)/i;

export class Draft {
  count = 0;
  readonly phase = new Uint8Array(MAX_REPLIES);
  readonly code = new Uint16Array(MAX_REPLIES);
  readonly askedAtUs = new Float64Array(MAX_REPLIES);
  readonly firstAtUs = new Float64Array(MAX_REPLIES);
  readonly lineAtUs = new Float64Array(MAX_REPLIES);
  readonly lastAtUs = new Float64Array(MAX_REPLIES);
  readonly waitedUs = new Float64Array(MAX_REPLIES);
  readonly askedFirstAtUs = new Float64Array(MAX_REPLIES);
  readonly askedFrame = new Int32Array(MAX_REPLIES);
  readonly firstFrame = new Int32Array(MAX_REPLIES);
  readonly lastFrame = new Int32Array(MAX_REPLIES);
  readonly askedTo = new Int32Array(MAX_REPLIES);
  readonly lines = new Uint8Array(MAX_REPLIES);
  readonly messageBytes = new Float64Array(MAX_REPLIES);
  /** 1 accepted, 2 unanswered, 4 says greylisted, 8 tainted. */
  readonly marks = new Uint8Array(MAX_REPLIES);
  /** The longest wait. */
  longestUs = 0;
  /** Waited in all accepted replies, and in those that are not listed. */
  totalUs = 0;
  unlistedUs = 0;
  /** The longest time that a command took to be said. */
  askingUs = 0;
  retransmits = 0;
  refusals = 0;
  /** Names said in the dialogue and when, for matching lookups: domains in lower case. */
  readonly domains: { domain: string; atUs: number }[] = [];
  #bodyBytes = 0;

  clear(): this {
    this.count = 0;
    this.longestUs = 0;
    this.totalUs = 0;
    this.unlistedUs = 0;
    this.askingUs = 0;
    this.retransmits = 0;
    this.refusals = 0;
    this.domains.length = 0;
    this.#bodyBytes = 0;
    return this;
  }

  /** A message body has gone over; the next reply to an end of data is its. */
  body(lengthBytes: number): void {
    this.#bodyBytes = lengthBytes;
  }

  exchange(exchange: Exchange, isAccepted: boolean): void {
    const { waitedUs, taint } = exchange;
    if (isAccepted) this.totalUs += waitedUs;
    this.retransmits += exchange.retransmits;
    if (this.count >= MAX_REPLIES || exchange.unsolicited) {
      if (isAccepted) this.unlistedUs += waitedUs;
      return;
    }
    const i = this.count++;
    const code = exchange.code ?? 0;
    if (waitedUs > this.longestUs) this.longestUs = waitedUs;
    const { phaseIndex } = exchange;
    this.phase[i] = phaseIndex;
    this.code[i] = code;
    const first = exchange.answeredFirstAtUs ?? -1;
    this.askedAtUs[i] = exchange.askedLastAtUs ?? -1;
    this.askedFirstAtUs[i] = exchange.askedFirstAtUs ?? -1;
    const askingUs = this.askedAtUs[i]! - this.askedFirstAtUs[i]!;
    if (askingUs > this.askingUs && phaseIndex !== END_OF_DATA) this.askingUs = askingUs;
    this.firstAtUs[i] = first;
    this.lineAtUs[i] = exchange.answeredLineAtUs ?? first;
    this.lastAtUs[i] = exchange.answeredLastAtUs ?? first;
    this.waitedUs[i] = waitedUs;
    this.askedFrame[i] = exchange.askedLastFrame;
    this.firstFrame[i] = exchange.answeredFirstFrame;
    this.lastFrame[i] = exchange.answeredLastFrame;
    this.askedTo[i] = exchange.askedTo;
    this.messageBytes[i] = phaseIndex === END_OF_DATA ? this.#bodyBytes : 0;
    let marks = isAccepted ? 1 : 0;
    if (taint !== null) marks |= taint === "unanswered" ? 2 : 8;
    if (code >= 400) {
      this.refusals++;
      if (
        code < 500 &&
        phaseIndex >= MAIL &&
        phaseIndex <= DATA &&
        SAYS_GREYLISTED.test(exchange.lines().join(" "))
      )
        marks |= 4;
    }
    this.marks[i] = marks;
  }

  /** A name that the server may look up from now on. */
  heard(domain: string, atUs: number): void {
    if (this.domains.length >= MAX_DOMAINS || this.domains.some((known) => known.domain === domain)) return;
    this.domains.push({ domain, atUs });
  }

  /** The greeting's place, −1 without one. */
  get banner(): number {
    for (let i = 0; i < this.count; i++) if (this.phase[i] === BANNER) return i;
    return -1;
  }
}

/** Senders' and recipients' domains of one dialogue that lookups are matched with. */
const MAX_DOMAINS = 16;

/** The domain in a HELO, MAIL or RCPT command, null without one. */
export function domainIn(command: string): string | null {
  const said = /@([a-z0-9._-]+)>?/i.exec(command) ?? /^(?:helo|ehlo|lhlo)\s+([a-z0-9._-]+)/i.exec(command);
  return said === null ? null : said[1]!.toLowerCase().replace(/\.$/, "");
}
