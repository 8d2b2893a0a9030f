import { NO_TIME, type Transport } from "../spine/wire.ts";
import type { ExchangePool } from "./exchange-pool.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { CONNECT, UNSOLICITED } from "./verbs.ts";

/**
 * The exchanges of one dialogue that are over, in the order in which they ended, until nothing about them
 * can change any more: a retransmission of their bytes may still come.
 */

/** Exchanges of one dialogue that wait to settle; beyond it the oldest is taken as it is. */
const MAX_SETTLING = 64;
const MAX_SETTLING_CROWDED = 2;

/** Takes exchanges that are settled; they are lent. */
export interface Settlement {
  settled(exchange: ExchangeRecord): void;
}

export class Settling {
  readonly #pool: ExchangePool;
  readonly #exchanges: ExchangeRecord[] = [];
  /** Of exchanges handed on, the packets in which their replies ended: bytes that were held may be of before. */
  readonly #handedFrames: number[] = [];

  constructor(pool: ExchangePool) {
    this.#pool = pool;
  }

  clear(): void {
    for (const exchange of this.#exchanges) this.#pool.give(exchange);
    empty(this.#exchanges);
    empty(this.#handedFrames);
  }

  get count(): number {
    return this.#exchanges.length;
  }

  /** More wait than ever may. */
  get overfull(): boolean {
    return this.#exchanges.length > MAX_SETTLING;
  }

  /** More wait than there is room for now. */
  get mustSettle(): boolean {
    return this.#exchanges.length > this.#most();
  }

  #most(): number {
    return this.#pool.crowded ? MAX_SETTLING_CROWDED : MAX_SETTLING;
  }

  add(exchange: ExchangeRecord): void {
    this.#exchanges.push(exchange);
  }

  /** How many commands had their reply only after the packet `frame` was seen. */
  answeredSince(frame: number): number {
    let count = 0;
    for (let i = this.#exchanges.length - 1; i >= 0; i--) {
      const { answeredLastFrame, verbIndex } = this.#exchanges[i]!;
      if (answeredLastFrame === 0) continue;
      if (answeredLastFrame < frame) return count;
      if (verbIndex !== CONNECT && verbIndex !== UNSOLICITED) count++;
    }
    for (let i = this.#handedFrames.length - 1; i >= 0 && this.#handedFrames[i]! >= frame; i--) count++;
    return count;
  }

  /** A later copy of bytes, see noteCopy(). */
  copy(ofClient: boolean, from: number, to: number, frame: number): void {
    for (const exchange of this.#exchanges) noteCopy(exchange, ofClient, from, to, frame);
  }

  /**
   * Hands on what is settled: acknowledged and older than `settleUs`, or too much to keep.
   * @param settleUs 0 where no further copies can come
   * @param answeredUs when the latest reply was complete: stands for one that never came
   */
  settle(nowUs: number, settleUs: number, answeredUs: number, transport: Transport, to: Settlement): void {
    const exchanges = this.#exchanges;
    const most = this.#most();
    let count = 0;
    while (count < exchanges.length) {
      const exchange = exchanges[count]!;
      if (exchanges.length - count <= most) {
        if (exchange.asking) break;
        const since = exchange.answeredLast === NO_TIME ? answeredUs : exchange.answeredLast;
        if (settleUs > 0 && (nowUs - since < settleUs || !acknowledged(exchange, transport))) break;
      }
      to.settled(exchange);
      this.#noteHanded(exchange);
      this.#pool.give(exchange);
      count++;
    }
    if (count > 0) exchanges.splice(0, count);
  }

  #noteHanded({ answeredLastFrame, verbIndex }: ExchangeRecord): void {
    if (answeredLastFrame === 0 || verbIndex === CONNECT || verbIndex === UNSOLICITED) return;
    if (this.#handedFrames.push(answeredLastFrame) > 2 * MAX_SETTLING)
      this.#handedFrames.splice(0, MAX_SETTLING);
  }

  /** Nothing more will come: hands on everything. */
  settleAll(to: Settlement): void {
    for (const exchange of this.#exchanges) {
      to.settled(exchange);
      this.#pool.give(exchange);
    }
    empty(this.#exchanges);
  }
}

/** A later copy, in packet `frame`, of stream offsets [from, to) of the client or the server. */
export function noteCopy(
  exchange: ExchangeRecord,
  ofClient: boolean,
  from: number,
  to: number,
  frame: number,
): void {
  const spanFrom = ofClient ? exchange.askedFrom : exchange.answeredFrom;
  const spanTo = ofClient ? exchange.askedTo : exchange.answeredTo;
  if (from >= spanTo || to <= spanFrom || exchange.copiedInFrame === frame) return;
  exchange.copiedInFrame = frame;
  exchange.retransmits++;
}

/** Unlike `length = 0`, this leaves an array the room for the next dialogue's few. */
export function empty(list: unknown[]): void {
  while (list.length > 0) list.pop();
}

function acknowledged(exchange: ExchangeRecord, transport: Transport): boolean {
  return (
    transport.oneWay ||
    (transport.acknowledged("client") >= exchange.askedTo &&
      transport.acknowledged("server") >= exchange.answeredTo)
  );
}
