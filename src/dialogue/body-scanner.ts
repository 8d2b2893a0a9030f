/**
 * Finds where a message body ends: at CRLF.CRLF (RFC 5321 §4.1.1.4), however the bytes are split.
 *
 * The body is most of what a mail server reads, so the search is the platform's own, for `.CRLF`: dots
 * are rarer than line ends, and what stands before one is compared here.
 *
 * Some servers also end a message at a lone dot between bare line feeds. Where that happens cannot be
 * known from the body, only from the reply that follows, so such places are noted (`looseAt`) in the
 * first part of a message; beyond it, only whether the message so far ends with one (`endsLoose`).
 */

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/** `.CRLF` */
const DOT_LINE = Buffer.from([DOT, CR, LF]);

/** Below this a call costs more than a loop. */
const NATIVE_FROM_BYTES = 64;

/** Works on any Uint8Array, for out-of-order pieces are no Buffers. */
function indexOf(bytes: Uint8Array, from: number): number {
  return Buffer.prototype.indexOf.call(bytes, DOT_LINE, from);
}

/** Loose ends are looked for everywhere in this much of a message; beyond it only the very end of what has come counts. */
const LOOSE_SEARCH_BYTES = 64 << 10;

/** LF . CR LF */
const TAIL_BYTES = 4;

export class BodyScanner {
  /** How many bytes of CRLF.CRLF the body so far ends with. */
  #matched = 2;
  #seen = 0;
  /** Loose state: 0 inside a line, 1 at a line start, 2 after "." at a line start, 3 after ".CR"; far into a message also 4: a lone dot was the last line. */
  #line = 1;
  /** After scan(): the place just behind the first loose end in that chunk, or −1. */
  looseAt = -1;

  /** A new body: the CRLF of the DATA line counts as the first half of the pattern. */
  start(): void {
    this.#matched = 2;
    this.#seen = 0;
    this.#line = 1;
    this.looseAt = -1;
  }

  /** Bytes are missing: nothing matches across them. */
  gap(lengthBytes: number): void {
    this.#matched = 0;
    this.#line = 0;
    this.#seen += lengthBytes;
    this.looseAt = -1;
  }

  /** @returns the place just behind the terminator in this chunk, or −1 */
  scan(bytes: Uint8Array, start: number, end: number): number {
    this.looseAt = -1;
    const found = this.#strict(bytes, start, end);
    // With the real end in sight nobody asks for a loose one.
    if (found >= 0) return found;
    const near = Math.min(end, start + Math.max(0, LOOSE_SEARCH_BYTES - this.#seen));
    if (start < near) this.#loose(bytes, start, near);
    if (near < end) this.#looseTail(bytes, Math.max(start, near), end);
    this.#seen += end - start;
    return found;
  }

  #strict(bytes: Uint8Array, start: number, end: number): number {
    let i = start;
    while (i < end && this.#matched > 0) {
      if (this.#step(bytes[i++]!)) return i;
    }
    if (end - i >= NATIVE_FROM_BYTES) {
      const rest = bytes.subarray(i, end);
      for (let dot = indexOf(rest, 0); dot >= 0; dot = indexOf(rest, dot + 3)) {
        if (dot >= 2 && rest[dot - 1] === LF && rest[dot - 2] === CR) return i + dot + 3;
      }
    } else {
      for (let at = i; at < end; at++) if (this.#step(bytes[at]!)) return at + 1;
      return -1;
    }
    // Nothing was carried over at i, so the last four bytes say how much of the pattern has begun.
    for (let at = Math.max(i, end - 4); at < end; at++) this.#step(bytes[at]!);
    return -1;
  }

  #step(byte: number): boolean {
    const matched = this.#matched;
    if (byte === CR) this.#matched = matched === 3 ? 4 : 1;
    else if (byte === LF) {
      if (matched === 4) return true;
      this.#matched = matched === 1 ? 2 : 0;
    } else if (byte === DOT) this.#matched = matched === 2 ? 3 : 0;
    else this.#matched = 0;
    return false;
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

  /** Far into a message: it ends with a lone dot between bare line feeds so far. */
  get endsLoose(): boolean {
    return this.#line === 4;
  }
}
