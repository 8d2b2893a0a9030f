/**
 * Finds the CRLF.CRLF that ends a message (RFC 5321 §4.1.1.4), however the bytes are split.
 *
 * The message is most of what a mail server reads, so the search is the platform's own, for `.CRLF`: dots
 * are rarer than line ends, and what stands before one is compared here.
 */

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/** `.CRLF` */
const DOT_LINE = Buffer.from([DOT, CR, LF]);

/** So many bytes may be of the pattern without its last. */
export const TAIL_BYTES = 4;

/** Below this a call costs more than a loop. */
const NATIVE_FROM_BYTES = 64;

/** Works on any Uint8Array, for out-of-order pieces are no Buffers. */
function indexOf(bytes: Uint8Array, from: number): number {
  return Buffer.prototype.indexOf.call(bytes, DOT_LINE, from);
}

export class EndOfData {
  /** How many bytes of CRLF.CRLF what came so far ends with. */
  #matched = 0;

  /** A new message: the CRLF of the DATA line counts as the first half of the pattern. */
  start(): void {
    this.#matched = 2;
  }

  /** Amid a message, behind bytes of which nothing is known: nothing matches across them. */
  forget(): void {
    this.#matched = 0;
  }

  /** A message whose first bytes may have come already, `tail` being the last four (big-endian; 0 where there were fewer). */
  startBehind(tail: number): void {
    this.start();
    for (let shift = 24; shift >= 0; shift -= 8) this.#step((tail >>> shift) & 0xff);
  }

  /** @returns the place just behind the terminator in bytes[start, end), or −1 */
  scan(bytes: Uint8Array, start: number, end: number): number {
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
    for (let at = Math.max(i, end - TAIL_BYTES); at < end; at++) this.#step(bytes[at]!);
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
}
