const LF = 0x0a;

const NO_BYTES = new Uint8Array(0);

/** What the texts of all dialogues of a source may grow by together. Beyond it they keep what they have room for. */
const MAX_GROWN_TOTAL_BYTES = 8 << 20;

/** Counts what they have grown by. */
export interface TextBudget {
  grownBytes: number;
}

/** That of texts which were let go. */
const SPENT: TextBudget = { grownBytes: MAX_GROWN_TOTAL_BYTES };

/**
 * Bytes kept until somebody may want to read them: a line under way, a command, a reply. Grows up to
 * a limit; what comes after it is counted and left out. Reused, so that keeping a command costs no
 * allocation.
 */
export class ByteText {
  /** Made when something is kept for the first time: most texts of a flood never are. */
  bytes: Uint8Array = NO_BYTES;
  length = 0;
  /** Bytes that were not kept. */
  omitted = 0;
  /** A NUL octet came by in appendLine(). */
  nul = false;
  readonly #initial: number;
  readonly #limit: number;
  #budget: TextBudget;
  #grownBytes = 0;

  constructor(initial: number, limit: number, budget: TextBudget) {
    this.#initial = initial;
    this.#limit = limit;
    this.#budget = budget;
  }

  /** It is not used any more, and does not grow any more. */
  release(): void {
    this.#budget.grownBytes -= this.#grownBytes;
    this.#grownBytes = 0;
    this.#budget = SPENT;
  }

  clear(): void {
    this.length = 0;
    this.omitted = 0;
    this.nul = false;
  }

  /** Forgets the content for good: secrets do not stay in a reused buffer. */
  wipe(): void {
    this.bytes.fill(0);
    this.clear();
  }

  append(source: Uint8Array, start: number, end: number): void {
    let count = end - start;
    if (this.length + count > this.bytes.length) {
      this.#grow(this.length + count);
      const room = this.bytes.length - this.length;
      if (count > room) {
        this.omitted += count - room;
        count = room;
      }
    }
    const bytes = this.bytes;
    const at = this.length;
    // A loop beats set(subarray()) for the short texts that commands and replies are.
    if (count <= 96) for (let i = 0; i < count; i++) bytes[at + i] = source[start + i]!;
    else bytes.set(source.subarray(start, start + count), at);
    this.length = at + count;
  }

  /**
   * Appends up to and including the first line feed in [start, end), or all of it.
   * @returns the place behind what was taken
   */
  appendLine(source: Uint8Array, start: number, end: number): number {
    const most = this.length + (end - start);
    if (most > this.bytes.length && most <= this.#limit && most <= 512) this.#grow(most);
    const bytes = this.bytes;
    let at = this.length;
    const room = Math.min(end, start + bytes.length - at);
    let i = start;
    while (i < room) {
      const byte = source[i++]!;
      bytes[at++] = byte;
      if (byte > LF) continue;
      if (byte === 0) this.nul = true;
      else if (byte === LF) {
        this.length = at;
        return i;
      }
    }
    this.length = at;
    if (i === end) return end;
    let lf = i;
    while (lf < end && source[lf] !== LF) lf++;
    const until = lf < end ? lf + 1 : end;
    this.append(source, i, until);
    return until;
  }

  #grow(atLeast: number): void {
    if (this.bytes === NO_BYTES) this.bytes = new Uint8Array(this.#initial);
    const had = this.bytes.length;
    if (atLeast <= had) return;
    const size = Math.min(this.#limit, Math.max(atLeast, had * 2));
    if (size === had || this.#budget.grownBytes + size - had > MAX_GROWN_TOTAL_BYTES) return;
    this.#budget.grownBytes += size - had;
    this.#grownBytes += size - had;
    const larger = new Uint8Array(size);
    larger.set(this.bytes.subarray(0, this.length));
    // It may hold a secret.
    this.bytes.fill(0);
    this.bytes = larger;
  }
}
