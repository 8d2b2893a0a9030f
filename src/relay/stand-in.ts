import { TAIL_BYTES } from "../spine/end-of-data.ts";

/** RFC 5322 §2.1.1 recommends lines of no more. */
const LINE = `${"x".repeat(76)}\r\n`;
const FILLER = LINE.charCodeAt(0);

/** The most that a relay reads at a time. */
export const MAX_STAND_IN_BYTES = 65_536;

/** Bytes in place of those of a message that were not told: lines that say nothing, and the last bytes as they were. */
export class StandIn {
  readonly #bytes = Buffer.alloc(MAX_STAND_IN_BYTES, LINE);
  readonly #kept = Buffer.alloc(TAIL_BYTES + 1);
  #keptAt = 0;

  /**
   * @param lengthBytes more than `TAIL_BYTES`, no more than `MAX_STAND_IN_BYTES`
   * @param tail has the last bytes from `start` on
   * @returns memory that begins with so many bytes, until it is given back
   */
  take(lengthBytes: number, tail: Uint8Array, start: number): Uint8Array {
    const bytes = this.#bytes;
    // No line end of ours before them: it could make an end of what was none.
    this.#keptAt = lengthBytes - TAIL_BYTES - 1;
    bytes.copy(this.#kept, 0, this.#keptAt, lengthBytes);
    bytes[this.#keptAt] = FILLER;
    bytes.set(tail.subarray(start, start + TAIL_BYTES), this.#keptAt + 1);
    return bytes;
  }

  giveBack(): void {
    this.#kept.copy(this.#bytes, this.#keptAt);
  }
}
