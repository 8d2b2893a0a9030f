import { EndOfData, TAIL_BYTES } from "../spine/end-of-data.ts";

/**
 * Finds where a message body ends: at CRLF.CRLF, see spine/end-of-data.ts.
 *
 * Some servers also end a message at a lone dot between bare line feeds. Where that happens cannot be
 * known from the body, only from the reply that follows, so such places are noted (`looseAt`) in the
 * first part of a message; beyond it, only whether the message so far ends with one (`endsLoose`).
 */

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/** Loose ends are looked for everywhere in this much of a message; beyond it only the very end of what has come counts. */
const LOOSE_SEARCH_BYTES = 64 << 10;

export class BodyScanner {
  readonly #end = new EndOfData();
  #seen = 0;
  /** Loose state: 0 inside a line, 1 at a line start, 2 after "." at a line start, 3 after ".CR"; far into a message also 4: a lone dot was the last line. */
  #line = 1;
  /** After scan(): the place just behind the first loose end in that chunk, or −1. */
  looseAt = -1;

  /** A new body: the CRLF of the DATA line counts as the first half of the pattern. */
  start(): void {
    this.#end.start();
    this.#seen = 0;
    this.#line = 1;
    this.looseAt = -1;
  }

  /** Bytes are missing: nothing matches across them. */
  gap(lengthBytes: number): void {
    this.#end.forget();
    this.#line = 0;
    this.#seen += lengthBytes;
    this.looseAt = -1;
  }

  /** @returns the place just behind the terminator in this chunk, or −1 */
  scan(bytes: Uint8Array, start: number, end: number): number {
    this.looseAt = -1;
    const found = this.#end.scan(bytes, start, end);
    // With the real end in sight nobody asks for a loose one.
    if (found >= 0) return found;
    const near = Math.min(end, start + Math.max(0, LOOSE_SEARCH_BYTES - this.#seen));
    if (start < near) this.#loose(bytes, start, near);
    if (near < end) this.#looseTail(bytes, Math.max(start, near), end);
    this.#seen += end - start;
    return found;
  }

  #loose(bytes: Uint8Array, start: number, end: number): void {
    let line = this.#line;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte === LF) {
        if (line >= 2 && this.looseAt < 0) this.looseAt = i + 1;
        line = 1;
      } else if (line === 0) continue;
      else if ((line === 1 || line === 4) && byte === DOT) line = 2;
      else if (line === 2 && byte === CR) line = 3;
      else line = 0;
    }
    this.#line = line;
  }

  /** Far into a message only its last bytes are followed: does it end with a lone dot so far? */
  #looseTail(bytes: Uint8Array, start: number, end: number): void {
    let line = this.#line;
    if (end - start >= TAIL_BYTES) {
      start = end - TAIL_BYTES;
      line = 0;
    }
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte === LF) line = line === 2 || line === 3 ? 4 : 1;
      else if (byte === DOT) line = line === 1 || line === 4 ? 2 : 0;
      else line = byte === CR && line === 2 ? 3 : 0;
    }
    this.#line = line;
  }

  /** So far into it that no more than its last bytes and CRLF.CRLF are looked at. */
  get isFar(): boolean {
    return this.#seen >= LOOSE_SEARCH_BYTES;
  }

  /** Far into a message: it ends with a lone dot between bare line feeds so far. */
  get endsLoose(): boolean {
    return this.#line === 4;
  }
}
