import { END_OF_DATA } from "../spine/phase.ts";
import { textOf } from "../spine/text.ts";
import { NO_TIME } from "../spine/wire.ts";
import { Digest } from "./digests.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { ReplyQueue } from "./reply-queue.ts";

const SIZE = /^\s+(\d{1,15})(\s+last)?\s*$/i;

/** The octets behind a BDAT (RFC 3030): counted, at most digested. Its command lasts until the last of them. */
export class Chunk {
  readonly #queue: ReplyQueue;
  readonly #digests: boolean;
  #digest: Digest | null = null;
  #exchange: ExchangeRecord | null = null;
  #left = 0;

  constructor(queue: ReplyQueue, digests: boolean) {
    this.#queue = queue;
    this.#digests = digests;
  }

  clear(): void {
    this.#exchange = null;
    this.#digest = null;
    this.#left = 0;
  }

  /** @param line the command, `end` bytes long. @returns false when no octets follow */
  begin(exchange: ExchangeRecord, line: Uint8Array, end: number): boolean {
    const match = SIZE.exec(textOf(line, 4, end));
    if (match === null) return false;
    if (match[2] !== undefined) exchange.phaseIndex = END_OF_DATA;
    this.#left = Number(match[1]);
    if (this.#left === 0) return false;
    this.#exchange = exchange;
    if (this.#digests) this.#digest = new Digest();
    exchange.asking = true;
    return true;
  }

  get over(): boolean {
    return this.#exchange === null;
  }

  /** @returns how many of the bytes [start, end), which begin at `offset` of the stream, belong to it */
  read(atUs: number, frame: number, offset: number, buffer: Uint8Array, start: number, end: number): number {
    const count = Math.min(this.#left, end - start);
    this.#digest?.bytes(buffer, start, start + count);
    this.#left -= count;
    if (this.#left === 0) this.#end(atUs, frame, offset + count);
    return count;
  }

  /** @returns how many of the missing bytes lie behind it */
  gap(lengthBytes: number): number {
    const exchange = this.#exchange!;
    exchange.taint = "gap";
    const beyond = lengthBytes - this.#left;
    this.#digest?.gap(Math.min(lengthBytes, this.#left));
    this.#left -= Math.min(lengthBytes, this.#left);
    if (this.#left === 0) this.#end(NO_TIME, 0, exchange.askedTo);
    return Math.max(0, beyond);
  }

  #end(atUs: number, frame: number, to: number): void {
    const exchange = this.#exchange!;
    this.#exchange = null;
    exchange.unkept = this.#digest?.result ?? null;
    this.#queue.asked(exchange, atUs, frame, to);
  }
}
