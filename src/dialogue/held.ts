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
}

export class Held {
  readonly pieces: HeldPiece[] = [];
  lengthBytes = 0;

  /** @returns false when it would be too much; nothing is taken then */
  bytes(atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): boolean {
    if (start === end) return true;
    if (this.lengthBytes + (end - start) > MAX_HELD_BYTES || this.pieces.length >= MAX_PIECES) return false;
    const bytes = new Uint8Array(end - start);
    bytes.set(buffer.subarray(start, end));
    this.pieces.push({ atUs, frame, bytes, lengthBytes: bytes.length });
    this.lengthBytes += bytes.length;
    return true;
  }

  /** @returns false when there are too many pieces */
  gap(atUs: number, frame: number, lengthBytes: number): boolean {
    if (this.pieces.length >= MAX_PIECES) return false;
    this.pieces.push({ atUs, frame, bytes: null, lengthBytes });
    return true;
  }

  wipe(): void {
    for (const piece of this.pieces) piece.bytes?.fill(0);
  }
}

/** One byte a segment, as somebody types: as many as that. */
const MAX_PIECES = 8_192;
