import type { Taint } from "../spine/exchange.ts";
import { NO_TIME, type Transport } from "../spine/wire.ts";
import type { ExchangePool } from "./exchange-pool.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { Flags } from "./flags.ts";
import { empty, noteCopy, type Settlement, Settling } from "./settling.ts";
import { CONNECT, ENCRYPTED, UNSOLICITED, type VerbIndex } from "./verbs.ts";

/**
 * The commands of one dialogue that have no reply yet, and those whose exchange is not settled.
 *
 * Replies come in the order of the commands (RFC 5321 §4.1, RFC 2920), so each belongs to the oldest
 * pending one. Because of that order the time in which any reply is pending is the sum over exchanges
 * of `last byte − max(asked, previous reply's last byte)`.
 *
 * When bytes are missing, what belongs together is uncertain: exchanges are tainted from there on,
 * until a command is asked with nothing pending, or, in a dialogue that pipelines, until a reply
 * comes that can only answer one thing (`certain`).
 */

/** Commands without a reply that are remembered; of further ones only how many they are. */
const MAX_PENDING = 4_096;
const MAX_PENDING_CROWDED = 64;
const MAX_PENDING_FULL = 1;

export class ReplyQueue {
  /** Those that are over. */
  readonly settling: Settling;
  readonly #pool: ExchangePool;
  readonly #flags: Flags;
  readonly #pending: ExchangeRecord[] = [];
  #ordinal = 0;
  /** End of the latest reply by its stamp, and of the previous one in order. */
  #answeredLast = NO_TIME;
  #previousLast = NO_TIME;
  #previousFrame = 0;
  #uncertain = false;
  /** The next command touches missing bytes itself. */
  #taintNext = false;
  /** Replies may be among the missing bytes. */
  #repliesLost = false;
  /** Commands behind the pending ones that were not listed for lack of room. */
  #unlisted = 0;
  /** How often the connection's stamps have stepped back so far. */
  clockSteps = 0;
  /** When the connection began: what has an earlier stamp was stamped by a clock set back, and not waited for then. */
  startedUs = NO_TIME;
  /** The client was seen not to wait, where nothing is missing that would explain it. */
  #pipelines = false;
  /** Commands asked so far, and those that are through; greeting and unsolicited replies left out. */
  #askedCount = 0;
  #throughCount = 0;

  constructor(pool: ExchangePool, flags: Flags) {
    this.#pool = pool;
    this.settling = new Settling(pool);
    this.#flags = flags;
  }

  clear(): void {
    for (const exchange of this.#pending) this.#pool.give(exchange);
    empty(this.#pending);
    this.settling.clear();
    this.#ordinal = 0;
    this.#answeredLast = NO_TIME;
    this.#previousLast = NO_TIME;
    this.#previousFrame = 0;
    this.#uncertain = false;
    this.#taintNext = false;
    this.#repliesLost = false;
    this.#pipelines = false;
    this.#unlisted = 0;
    this.clockSteps = 0;
    this.startedUs = NO_TIME;
    this.#askedCount = 0;
    this.#throughCount = 0;
  }

  /** How many commands are through: noted with bytes that are read later, see ask(). */
  get throughCount(): number {
    return this.#throughCount;
  }

  get oldest(): ExchangeRecord | undefined {
    return this.#pending[0];
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Replies may have been missed since the last command. */
  get repliesLost(): boolean {
    return this.#repliesLost;
  }

  /** This command's reply, and those before it, are among the missing. */
  missed(exchange: ExchangeRecord): void {
    if (!this.#pending.includes(exchange)) return;
    while (this.#pending[0] !== exchange) this.#abandonOldest("gap", NO_TIME);
    this.#abandonOldest("gap", NO_TIME);
  }

  get uncertain(): boolean {
    return this.#uncertain;
  }

  // ---- Asking

  /** A command begins, at this stamp, packet and stream offset. */
  ask(
    verb: VerbIndex,
    atUs: number,
    frame: number,
    offset: number,
    throughThen = this.#throughCount,
  ): ExchangeRecord {
    const pending = this.#pending;
    // Not `pending[−1]`, which is looked up as a name.
    const before = pending.length > 0 ? pending[pending.length - 1] : undefined;
    if (before !== undefined && before.askedLastFrame === frame && before.verbIndex !== CONNECT)
      this.#pipelines = true;
    // A client that waits for each reply got those that we missed.
    if (this.#repliesLost && !this.#pipelines) this.abandon("gap", atUs);
    this.#repliesLost = false;
    const exchange = this.#pool.take(verb, this.#ordinal++);
    exchange.clockSteps = this.clockSteps;
    exchange.askedFirst = atUs;
    exchange.askedFirstFrame = frame;
    exchange.askedFrom = offset;
    exchange.askedTo = offset;
    exchange.pipelinedBehind = Math.max(this.#unansweredAt(frame), this.#askedCount - throughThen);
    this.#askedCount++;
    if (exchange.pipelinedBehind > 0) this.#flags.raise("pipelining");
    if (pending[0]?.verbIndex === CONNECT) this.#flags.raise("early-talker");
    this.#taintIfUncertain(exchange);
    if (pending.length < this.#mostPending() && this.#unlisted === 0) pending.push(exchange);
    else {
      // Its reply comes after those of all that are listed, and is passed over then: see passesOver().
      this.#unlisted++;
      exchange.taint = "gap";
      this.settling.add(exchange);
    }
    return exchange;
  }

  #mostPending(): number {
    if (this.#pool.full) return MAX_PENDING_FULL;
    return this.#pool.crowded ? MAX_PENDING_CROWDED : MAX_PENDING;
  }

  /** A reply has come with nothing pending: is it that of a command that was not listed for lack of room? */
  passesOver(): boolean {
    if (this.#unlisted === 0) return false;
    this.#unlisted--;
    return true;
  }

  #taintIfUncertain(exchange: ExchangeRecord): void {
    if (this.#pending.length === 0 && !this.#taintNext && !this.#pipelines) this.#uncertain = false;
    if (this.#uncertain || this.#taintNext) exchange.taint = "gap";
    this.#taintNext = false;
  }

  /** The command's last byte is there. */
  asked(exchange: ExchangeRecord, atUs: number, frame: number, toOffset: number): void {
    exchange.askedLast = atUs;
    exchange.askedLastFrame = frame;
    exchange.askedTo = toOffset;
    exchange.asking = false;
  }

  /** The connection asks for a greeting: from the ACK that completes the handshake, else the SYN-ACK. */
  askedByHandshake(exchange: ExchangeRecord, transport: Transport): void {
    const { handshakeFrame, handshakeAtUs, synAckFrame, synAckAtUs } = transport;
    const frame = handshakeFrame > 0 ? handshakeFrame : synAckFrame;
    const atUs = (handshakeFrame > 0 ? handshakeAtUs : synAckAtUs) ?? NO_TIME;
    exchange.askedFirst = atUs;
    exchange.askedFirstFrame = frame;
    this.asked(exchange, atUs, frame, 0);
  }

  /** An exchange that has its place in the order, but is not waiting for a reply. */
  aside(verb: VerbIndex): ExchangeRecord {
    const exchange = this.#pool.take(verb, this.#ordinal++);
    if (verb !== CONNECT && verb !== UNSOLICITED) this.#askedCount++;
    if (this.#uncertain) exchange.taint = "gap";
    return exchange;
  }

  /** The connection itself, whose reply is the greeting. */
  greet(): void {
    this.#pending.push(this.#pool.take(CONNECT, this.#ordinal++));
  }

  /** Further exchanges that were asked by the same bytes (LMTP): copies, in the order of their replies. */
  repeat(exchange: ExchangeRecord): ExchangeRecord {
    const next = this.aside(exchange.verbIndex);
    next.clockSteps = exchange.clockSteps;
    next.phaseIndex = exchange.phaseIndex;
    next.commandBytes.append(exchange.commandBytes.bytes, 0, exchange.commandBytes.length);
    next.askedFirst = exchange.askedFirst;
    next.askedFirstFrame = exchange.askedFirstFrame;
    next.askedFrom = exchange.askedFrom;
    next.pipelinedBehind = exchange.pipelinedBehind;
    this.asked(next, exchange.askedLast, exchange.askedLastFrame, exchange.askedTo);
    return next;
  }

  /** Puts an exchange before all others: the next reply is its. */
  putFirst(exchange: ExchangeRecord): void {
    this.#pending.unshift(exchange);
  }

  /** Takes a pending exchange out: something is to be done with it. */
  withdraw(exchange: ExchangeRecord): void {
    const at = this.#pending.indexOf(exchange);
    if (at >= 0) this.#pending.splice(at, 1);
  }

  /** An exchange, the latest one asked, was none. */
  forget(exchange: ExchangeRecord): void {
    this.withdraw(exchange);
    this.#pool.give(exchange);
    if (exchange.verbIndex !== CONNECT) this.#askedCount--;
    if (exchange.ordinal === this.#ordinal - 1) this.#ordinal--;
  }

  /** Commands that had no complete reply when the packet `frame` was seen. */
  #unansweredAt(frame: number): number {
    // The connection itself comes first, if it is there at all.
    const pending = this.#pending.length - (this.#pending[0]?.verbIndex === CONNECT ? 1 : 0);
    return pending + this.#unlisted + this.settling.answeredSince(frame);
  }

  // ---- Answering

  /** The oldest pending exchange; a reply has come for it. */
  shift(): ExchangeRecord | undefined {
    return this.#pending.shift();
  }

  /** The reply is complete: what follows for times and taint. */
  answered(exchange: ExchangeRecord): void {
    this.#pool.weigh(exchange);
    exchange.previousAnsweredLast = this.#previousLast;
    // What was captured earlier has the later stamp: the clock was set back in between.
    if (this.#previousLast > exchange.askedLast && this.#previousFrame < exchange.askedLastFrame)
      exchange.taint ??= "clock";
    const overlaps = exchange.asking || exchange.askedLastFrame > exchange.answeredFirstFrame;
    if (exchange.taint === null && overlaps) exchange.taint = "early";
    if (exchange.answeredFirst === NO_TIME || exchange.clockSteps !== this.clockSteps)
      exchange.taint ??= "clock";
    else if (exchange.askedLast !== NO_TIME) {
      if (exchange.answeredFirst < exchange.askedLast) exchange.taint ??= "clock";
      const since = this.#waitsSince(exchange);
      // What comes last of an encrypted turn may be no reply: a server that closes says so much later.
      const until = exchange.verbIndex === ENCRYPTED ? exchange.answeredFirst : exchange.answeredLast;
      // Of a chunk that is still coming the client does not wait for the reply.
      exchange.waitedUs = exchange.asking ? 0 : Math.max(0, until - since);
    } else if (exchange.askedLastFrame > 0) exchange.taint ??= "clock";
    this.#previousLast = exchange.answeredLast;
    this.#previousFrame = exchange.answeredLastFrame;
    const stepped = exchange.taint === "clock";
    if (stepped || exchange.answeredLast > this.#answeredLast) this.#answeredLast = exchange.answeredLast;
    if (exchange.verbIndex !== CONNECT && exchange.verbIndex !== UNSOLICITED) this.#throughCount++;
    if (exchange.pipelinedBehind > 0 && exchange.taint === null) this.#pipelines = true;
    this.settling.add(exchange);
  }

  /** From when on a command was the oldest without a reply. */
  #waitsSince({ askedLast }: ExchangeRecord): number {
    return Math.max(askedLast, this.#answeredLast, this.startedUs);
  }

  /** The pending commands get no reply any more. The wait is the oldest one's, up to `untilUs`. */
  abandon(taint: Taint, untilUs: number): void {
    while (this.#pending.length > 0) this.#abandonOldest(taint, untilUs);
  }

  #abandonOldest(taint: Taint, untilUs: number): void {
    const exchange = this.#pending.shift()!;
    if (exchange.verbIndex !== CONNECT) this.#throughCount++;
    exchange.taint ??= taint;
    if (exchange.askedLast !== NO_TIME && untilUs !== NO_TIME && taint === "unanswered") {
      exchange.waitedUs = Math.max(0, untilUs - this.#waitsSince(exchange));
      if (untilUs > this.#answeredLast) this.#answeredLast = untilUs;
    }
    this.settling.add(exchange);
  }

  // ---- Settling

  /** A later copy of bytes: stream offsets [from, to) of the client or the server. */
  copy(ofClient: boolean, from: number, to: number, frame: number): void {
    for (const exchange of this.#pending) noteCopy(exchange, ofClient, from, to, frame);
    this.settling.copy(ofClient, from, to, frame);
  }

  /** Hands on what is settled. @param settleUs 0 where no further copies can come */
  settle(nowUs: number, settleUs: number, transport: Transport, to: Settlement): void {
    this.settling.settle(nowUs, settleUs, this.#answeredLast, transport, to);
  }

  // ---- Missing bytes

  /** What has come may answer one of several: none of them is recorded. */
  doubt(): void {
    this.#uncertain = true;
    for (const exchange of this.#pending) exchange.taint = "gap";
  }

  /** Bytes are missing: which reply belongs to which command is uncertain from here on. */
  lost(what: "commands" | "replies"): void {
    this.#uncertain = true;
    for (const exchange of this.#pending) exchange.taint = "gap";
    if (what === "commands") this.#taintNext = true;
    else {
      this.#repliesLost = true;
      // The newest command of a client that waits was sent when all before it had been answered.
      if (!this.#pipelines) while (this.#pending.length > 1) this.#abandonOldest("gap", NO_TIME);
    }
  }

  /** After a loss: this reply can only answer such a command; those before it get none. */
  skipTo(verbs: readonly VerbIndex[]): void {
    if (!this.#uncertain || !this.#pending.some((each) => verbs.includes(each.verbIndex))) return;
    while (!verbs.includes(this.#pending[0]!.verbIndex)) this.#abandonOldest("gap", NO_TIME);
  }

  /** The missing replies turned out to be one that was cut. */
  repliesFound(): void {
    this.#repliesLost = false;
  }

  /** A reply that can answer only one thing has come: it is plain again what belongs together. */
  certain(): void {
    if (this.#pending.length > 0) return;
    this.#uncertain = false;
    this.#taintNext = false;
  }
}
