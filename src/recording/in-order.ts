import type { Lane, Piece } from "./piece.ts";

/**
 * For so long a packet waits for earlier ones to turn up (µs): a handshake is heard of with what
 * follows it, at the latest with the next tick, and what a line is with its end.
 */
const PATIENCE_US = 1_500_000;

/** More than this does not wait; at 5 MB/s, or 1,500 messages a second, it is the whole patience. */
const MAX_WAITING_BYTES = 12 << 20;

/** What a waiting packet costs besides its bytes. */
const OVERHEAD_BYTES = 256;

/** Puts the packets of all connections in order of time. */
export class InOrder {
  readonly #write: (piece: Piece) => void;
  #waiting: Piece[] = [];
  #head = 0;
  #bytes = 0;
  #nowUs = 0;
  /** Of all lanes together. */
  lateBytes = 0;

  constructor(write: (piece: Piece) => void) {
    this.#write = write;
  }

  add(piece: Piece): void {
    const waiting = this.#waiting;
    this.#bytes += piece.block.length + OVERHEAD_BYTES;
    if (piece.orderUs > this.#nowUs) this.#nowUs = piece.orderUs;
    let at = waiting.length;
    while (at > this.#head && waiting[at - 1]!.orderUs > piece.orderUs) at--;
    if (at === waiting.length) waiting.push(piece);
    else waiting.splice(at, 0, piece);
  }

  /** Time has come so far. */
  passed(nowUs: number): void {
    if (nowUs > this.#nowUs) this.#nowUs = nowUs;
    this.flush(this.#nowUs - PATIENCE_US);
  }

  /** Hands on everything up to this time, and what there is no room for. */
  flush(untilUs: number): void {
    while (this.#head < this.#waiting.length) {
      const piece = this.#waiting[this.#head]!;
      const { lane } = piece;
      if (piece.orderUs > untilUs && this.#bytes <= MAX_WAITING_BYTES) break;
      this.#head++;
      this.#bytes -= piece.block.length + OVERHEAD_BYTES;
      if (piece.isReady && lane.late.length === 0) this.#write(piece);
      else {
        lane.late.push(piece);
        this.#count(lane, piece.block.length);
        this.flushLate(lane);
      }
    }
    if (this.#head < COMPACT_FROM && this.#head < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }

  /** Some that were late may be ready. */
  flushLate(lane: Lane): void {
    const { late } = lane;
    let done = 0;
    for (; done < late.length && late[done]!.isReady; done++) {
      this.#count(lane, -late[done]!.block.length);
      this.#write(late[done]!);
    }
    if (done > 0) late.splice(0, done);
  }

  #count(lane: Lane, bytes: number): void {
    lane.lateBytes += bytes;
    this.lateBytes += bytes;
  }
}

const COMPACT_FROM = 4_096;
