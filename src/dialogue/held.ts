/**
 * Bytes (and gaps) of the client that cannot be read until the server has answered, with their
 * stamps. They may turn out to be a message or a secret: bounded, and wiped when they have been read.
 */

/** More than any client sends before it listens for the reply to DATA, AUTH or STARTTLS. */
const MAX_HELD_BYTES = 128 << 10;

export interface HeldPiece {
  atUs: number;
  frame: number;
  /** Null for a gap. */
  bytes: Uint8Array | null;
  lengthBytes: number;
  /** How many commands were through when it came. */
  throughThen: number | undefined;
}

/** Held bytes of all dialogues of a source together; who would pass it holds no more. */
const MAX_HELD_TOTAL_BYTES = 8 << 20;

/** What a piece costs besides its bytes. */
const PIECE_OVERHEAD_BYTES = 320;

/** Counts what all dialogues of a source hold. */
export interface HeldBudget {
  bytes: number;
}

export class Held {
  readonly pieces: HeldPiece[] = [];
  lengthBytes = 0;
  readonly #budget: HeldBudget;
  #cost = 0;
  /** Packets, not pieces: how a packet was split does not matter. */
  #packets = 0;

  constructor(budget: HeldBudget) {
    this.#budget = budget;
  }

  /** @returns false when it would be too much; nothing is taken then */
  bytes(
    atUs: number,
    frame: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    throughThen?: number,
  ): boolean {
    if (start === end) return true;
    if (this.lengthBytes + (end - start) > MAX_HELD_BYTES || !this.#hasRoom()) return false;
    if (this.pieces.at(-1)?.frame !== frame) this.#packets++;
    const bytes = new Uint8Array(end - start);
    bytes.set(buffer.subarray(start, end));
    this.pieces.push({ atUs, frame, bytes, lengthBytes: bytes.length, throughThen });
    this.lengthBytes += bytes.length;
    this.#pay(bytes.length + PIECE_OVERHEAD_BYTES);
    return true;
  }

  /** @returns false when there are too many pieces */
  gap(atUs: number, frame: number, lengthBytes: number): boolean {
    if (!this.#hasRoom()) return false;
    this.#packets++;
    this.pieces.push({ atUs, frame, bytes: null, lengthBytes, throughThen: undefined });
    this.#pay(PIECE_OVERHEAD_BYTES);
    return true;
  }

  /** The first bytes, up to a gap. */
  peek(atMost: number): Uint8Array {
    const start: number[] = [];
    for (const { bytes } of this.pieces) {
      if (bytes === null || start.length >= atMost) break;
      start.push(...bytes.subarray(0, atMost - start.length));
    }
    return Uint8Array.from(start);
  }

  #hasRoom(): boolean {
    return this.#packets < MAX_PIECES && this.#budget.bytes < MAX_HELD_TOTAL_BYTES;
  }

  #pay(bytes: number): void {
    this.#cost += bytes;
    this.#budget.bytes += bytes;
  }

  /** Lets go of everything; the bytes are overwritten. */
  wipe(): void {
    for (const piece of this.pieces) piece.bytes?.fill(0);
    this.#budget.bytes -= this.#cost;
    this.#cost = 0;
  }
}

/** One byte a segment, as somebody types: as many as that. */
const MAX_PIECES = 8_192;
