import type { TextBudget } from "./byte-text.ts";
import { ExchangeRecord } from "./exchange-record.ts";
import type { VerbIndex } from "./verbs.ts";

/** An exchange record with a short command and no reply. */
const RECORD_BYTES = 800;

/** What all exchanges that have not been handed on may cost. Beyond it dialogues keep fewer of them. */
const MAX_OUTSTANDING_BYTES = 6 << 20;
/** Beyond this they keep hardly any. */
const MOST_OUTSTANDING_BYTES = 8 << 20;

/** A record whose texts have grown beyond this is not kept for the next exchange. */
const MAX_SPARE_BYTES = 2_048;
/** Records kept for the next exchange; what is beyond it is left to the collector. */
const MAX_SPARE = 1_024;

/** The exchange records of all dialogues of a source: taken, filled, handed on, given back. */
export class ExchangePool {
  /** Shared by all texts of the source. */
  readonly texts: TextBudget = { grownBytes: 0 };
  readonly #spare: ExchangeRecord[] = [];
  #outstandingBytes = 0;

  take(verb: VerbIndex, ordinal: number): ExchangeRecord {
    const exchange = this.#spare.pop() ?? new ExchangeRecord(this.texts);
    exchange.reset(verb, ordinal);
    exchange.weightBytes = RECORD_BYTES;
    this.#outstandingBytes += RECORD_BYTES;
    return exchange;
  }

  give(exchange: ExchangeRecord): void {
    this.#outstandingBytes -= exchange.weightBytes;
    // Whose last byte has not been seen is still known to whoever reads it.
    const isFree = !exchange.asking && textBytes(exchange) <= MAX_SPARE_BYTES;
    if (isFree && this.#spare.length < MAX_SPARE) this.#spare.push(exchange);
    else exchange.release();
  }

  /** The exchange's texts have grown. */
  weigh(exchange: ExchangeRecord): void {
    const weight = RECORD_BYTES + textBytes(exchange);
    this.#outstandingBytes += weight - exchange.weightBytes;
    exchange.weightBytes = weight;
  }

  /** So much waits for replies, in all dialogues together, that each has to do with less. */
  get crowded(): boolean {
    return this.#outstandingBytes > MAX_OUTSTANDING_BYTES;
  }

  /** So much that each has to do with next to nothing. */
  get full(): boolean {
    return this.#outstandingBytes > MOST_OUTSTANDING_BYTES;
  }
}

function textBytes(exchange: ExchangeRecord): number {
  return exchange.commandBytes.bytes.length + exchange.replyBytes.bytes.length;
}
