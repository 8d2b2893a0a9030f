import { NO_TIME } from "../spine/wire.ts";
import { ByteText, type TextBudget } from "./byte-text.ts";
import { MAX_REPLY_BYTES } from "./exchange-record.ts";

/**
 * Puts a server's lines together into replies (RFC 5321 §4.2): `NNN-` goes on, `NNN ` or a bare `NNN`
 * ends. A line without a code is part of a reply under way, or a reply of its own with code null.
 */

const CR = 0x0d;
const LF = 0x0a;

export class ReplyReader {
  /** The reply under way or just completed. `null`: its first line has no code. */
  code: number | null = null;
  firstAtUs = NO_TIME;
  firstFrame = 0;
  from = 0;
  to = 0;
  lineAtUs = NO_TIME;
  lastAtUs = NO_TIME;
  lastFrame = 0;
  lines = 0;
  mixedCodes = false;
  bareLf = false;
  text: ByteText;
  /** The first four bytes of the line under way, the first lowest. */
  #head = 0;
  #lineLength = 0;
  #previous = 0;
  #more = false;

  constructor(texts: TextBudget) {
    this.text = new ByteText(64, MAX_REPLY_BYTES, texts);
  }

  /** A reply has begun and is not complete. */
  get active(): boolean {
    return this.lines > 0 || this.#lineLength > 0;
  }

  /** The line under way is the first, and its beginning is no code. */
  get cannotHaveCode(): boolean {
    return this.lines === 0 && this.#lineLength >= 3 && codeOf(this.#head) < 0;
  }

  /** Forgets the reply: it was handed on, or is beyond repair. */
  clear(): void {
    this.code = null;
    this.lines = 0;
    this.mixedCodes = false;
    this.bareLf = false;
    this.#lineLength = 0;
    this.#more = false;
    this.text.clear();
  }

  /**
   * Takes bytes up to the end of a reply.
   * @param offset stream offset of `start`
   * @returns the place behind the reply's last line, or −1 when it is not complete and all was taken
   */
  read(buffer: Uint8Array, start: number, end: number, atUs: number, frame: number, offset: number): number {
    for (let i = start; i < end; ) {
      if (this.#lineLength === 0 && this.lines === 0) {
        this.firstAtUs = atUs;
        this.firstFrame = frame;
        this.from = offset + (i - start);
      }
      const until = this.text.appendLine(buffer, i, end);
      const whole = buffer[until - 1] === LF;
      if (this.#lineLength === 0) this.#head = 0;
      for (let at = i, n = this.#lineLength; n < 4 && at < until; n++, at++)
        this.#head |= buffer[at]! << (8 * n);
      if (whole) {
        if ((until - i > 1 ? buffer[until - 2]! : this.#previous) !== CR) this.bareLf = true;
      } else this.#previous = buffer[end - 1]!;
      this.#lineLength += until - i;
      this.lastAtUs = atUs;
      this.lastFrame = frame;
      this.to = offset + (until - start);
      i = until;
      if (whole && this.#endLine()) return i;
    }
    return -1;
  }

  /** A line of nothing: no reply. */
  get blank(): boolean {
    return this.lines === 1 && this.text.length <= 2 && this.text.omitted === 0;
  }

  /** Takes what there is as complete (the stream ended, or bytes are missing). @returns false if there is no code. */
  cutShort(): boolean {
    if (this.#lineLength > 0) this.#endLine();
    return this.lines > 0 && this.code !== null;
  }

  /** True when the last whole line announced another. */
  get expectsMore(): boolean {
    return this.#more;
  }

  #endLine(): boolean {
    const length = this.#lineLength;
    this.#lineLength = 0;
    this.#previous = 0;
    let code: number | null = null;
    if (length >= 3) {
      const value = codeOf(this.#head);
      if (value >= 200 && value < 600) code = value;
    }
    this.lines++;
    if (this.lines === 1) {
      this.code = code;
      this.lineAtUs = this.lastAtUs;
    } else if (code !== this.code) this.mixedCodes = true;
    const goesOn = code !== null && length > 3 && this.#head >>> 24 === 0x2d;
    this.#more = goesOn || (code === null && this.lines > 1);
    return !this.#more;
  }
}

/** The number that three digits are; negative where they are none. */
function codeOf(head: number): number {
  const first = head & 0xff;
  const second = (head >>> 8) & 0xff;
  const third = (head >>> 16) & 0xff;
  if (!isDigit(first) || !isDigit(second) || !isDigit(third)) return -1;
  return (first - 48) * 100 + (second - 48) * 10 + (third - 48);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
