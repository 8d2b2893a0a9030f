import { closeSync, constants, existsSync, ftruncate, open, openSync, write } from "node:fs";
import { promisify } from "node:util";
import { cannotWrite, SmtpscopeError } from "../spine/errors.ts";
import { plural } from "../spine/format.ts";
import { NumberedFiles, wholeLines } from "./numbered-files.ts";

/**
 * A file that is written piece by piece for as long as a run lasts, and gives way to the next one by
 * size, by age or when told to: `x`, then `x1`, `x2` …, as tcpdump -C names them and `replay` puts them
 * together again. Nothing that is there is ever overwritten.
 *
 * Writing goes on beside everything else, and whatever becomes of it, nobody who appends is held up
 * or sees an exception: when the disk is full writing stops, that is said once, what is not written is
 * counted, and the next rotation tries again.
 */

/** What waits to be written. More means that the disk is slower than the mail. */
const MAX_WAITING_BYTES = 32 << 20;

/** So much waiting is behind; what is on its way besides (recording/in-order.ts) must find room above it. */
const BEHIND_BYTES = 8 << 20;

/** What a waiting piece costs besides its bytes. */
const PIECE_OVERHEAD_BYTES = 128;

/** One write: large enough that how often one is made does not matter. */
const WRITE_BYTES = 1 << 20;

export interface Rotation {
  /** A file does not grow beyond this; null: any size. */
  readonly sizeBytes: number | null;
  /** Nor does it hold what came so much later than its first piece (µs). */
  readonly ageUs: number | null;
  /** So many files stay, the oldest go; null: all stay. */
  readonly keep: number | null;
}

export interface RotatingFileOptions extends Rotation {
  readonly path: string;
  /** For files that are made. */
  readonly mode: number;
  /** What every file begins with; without one, a file that is there already is continued. */
  readonly header: Buffer | null;
  /** What a piece is called: packet, record. */
  readonly unit: string;
  /** Takes sentences for the operator. */
  readonly say: (sentence: string) => void;
  /** Told when it is not behind any more. */
  readonly caughtUp?: () => void;
}

/** Between two files. */
const NEXT = Symbol("next file");

export class RotatingFile {
  /** Pieces and bytes that could not be written. */
  lostPieces = 0;
  lostBytes = 0;
  files = 0;
  readonly #options: RotatingFileOptions;
  readonly #ring: NumberedFiles;
  #number: number;
  #fd: number | null;
  #waiting: (Buffer | typeof NEXT)[] = [];
  #waitingBytes = 0;
  /** Somebody was told that it is behind, and waits. */
  #isAwaited = false;
  /** Of the file that what is appended now will be in. */
  #fileBytes = 0;
  #fileFirstUs: number | null = null;
  #latestUs = Number.NEGATIVE_INFINITY;
  #rotateNext = false;
  #wholeBytes = 0;
  /** Nothing can be written before the next rotation; and that this has been said. */
  #failed = false;
  #hasStopped = false;
  #writing: Promise<void> | null = null;

  /** @throws SmtpscopeError when nothing can be written there */
  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#ring = new NumberedFiles(options.path);
    const latest = this.#ring.numbers().at(-1);
    const goesOn = latest !== undefined && options.header === null;
    this.#number = latest === undefined ? 0 : goesOn ? latest : latest + 1;
    try {
      // At once, so that an operator's mistake is known at the start.
      this.#fd = openSync(this.path, goesOn ? APPEND : CREATE, options.mode);
      this.#wholeBytes = goesOn ? wholeLines(this.path, this.#fd) : 0;
    } catch (error) {
      throw new SmtpscopeError("output", cannotWrite(this.path, error));
    }
    this.#begin();
    this.#fileBytes += this.#wholeBytes;
    this.files = 1;
    this.#ring.forget(this.#number, this.#options.keep);
  }

  /** Writing is behind what is appended: who can should append no more for a while. */
  get isBehind(): boolean {
    const isBehind = this.#waitingBytes > BEHIND_BYTES;
    if (isBehind) this.#isAwaited = true;
    return isBehind;
  }

  /** The file being written. */
  get path(): string {
    return this.#ring.nameOf(this.#number);
  }

  /**
   * @param atUs its time; pieces come in its order, and those that are late stay with what is there
   * @returns false when it is not going to be written
   */
  append(piece: Buffer, atUs: number): boolean {
    if (atUs >= this.#latestUs) {
      this.#latestUs = atUs;
      if (this.#isDue(piece.length, atUs)) this.#turnOver();
      this.#fileFirstUs ??= atUs;
    }
    this.#fileBytes += piece.length;
    const costBytes = piece.length + PIECE_OVERHEAD_BYTES;
    if (this.#failed || this.#waitingBytes + costBytes > MAX_WAITING_BYTES) {
      this.#lose(piece);
      return false;
    }
    this.#put(piece);
    return true;
  }

  /** What comes from now on is in another file. */
  rotate(): void {
    this.#rotateNext = true;
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    this.#closeFile();
  }

  #isDue(lengthBytes: number, atUs: number): boolean {
    const { sizeBytes, ageUs, header } = this.#options;
    if (this.#rotateNext) return true;
    // A file with nothing in it but its header takes a piece of any size.
    if (this.#fileBytes <= (header?.length ?? 0)) return false;
    if (sizeBytes !== null && this.#fileBytes + lengthBytes > sizeBytes) return true;
    return ageUs !== null && this.#fileFirstUs !== null && atUs - this.#fileFirstUs >= ageUs;
  }

  #turnOver(): void {
    this.#rotateNext = false;
    this.#failed = false;
    this.#waiting.push(NEXT);
    this.#begin();
  }

  #begin(): void {
    const { header } = this.#options;
    this.#fileFirstUs = null;
    this.#fileBytes = header?.length ?? 0;
    if (header !== null) this.#put(header);
  }

  #put(piece: Buffer): void {
    this.#waiting.push(piece);
    this.#waitingBytes += piece.length + PIECE_OVERHEAD_BYTES;
    this.#writing ??= new Promise((resolve) => {
      // All that one turn of the event loop appends is written together.
      setImmediate(() => {
        this.#writeAll().then(resolve, resolve);
      });
    });
  }

  #lose(piece: Buffer): void {
    if (piece === this.#options.header) return;
    this.lostPieces++;
    this.lostBytes += piece.length;
  }

  // ---- Writing

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      try {
        await this.#writeSome();
      } catch (error) {
        await this.#stop(error);
      }
      if (this.#isAwaited && this.#waitingBytes <= BEHIND_BYTES) {
        this.#isAwaited = false;
        this.#options.caughtUp?.();
      }
    }
    this.#writing = null;
  }

  async #writeSome(): Promise<void> {
    if (this.#waiting[0] === NEXT) {
      this.#waiting.shift();
      await this.#openNext();
      return;
    }
    const pieces: Buffer[] = [];
    let bytes = 0;
    for (const piece of this.#waiting) {
      if (piece === NEXT || (bytes > 0 && bytes + piece.length > WRITE_BYTES)) break;
      pieces.push(piece);
      bytes += piece.length;
    }
    const written = { bytes: 0 };
    try {
      await writeWhole(this.#fd!, Buffer.concat(pieces), written);
    } finally {
      this.#wrote(pieces, written.bytes);
    }
  }

  /** So many bytes of these are in the file: what is there whole need not wait any more. */
  #wrote(pieces: readonly Buffer[], bytes: number): void {
    let wholeBytes = 0;
    let count = 0;
    for (; count < pieces.length && wholeBytes + pieces[count]!.length <= bytes; count++)
      wholeBytes += pieces[count]!.length;
    this.#wholeBytes += wholeBytes;
    this.#waiting.splice(0, count);
    this.#waitingBytes -= wholeBytes + count * PIECE_OVERHEAD_BYTES;
  }

  async #openNext(): Promise<void> {
    this.#closeFile();
    // If somebody has moved it away, as logrotate does, its name is free.
    if (existsSync(this.path)) this.#number = Math.max(this.#number, this.#ring.numbers().at(-1) ?? 0) + 1;
    this.#fd = await promisify(open)(this.path, CREATE, this.#options.mode);
    this.#wholeBytes = 0;
    this.files++;
    if (this.#hasStopped) {
      const { unit, say } = this.#options;
      say(`${this.path} is being written; so far ${plural(this.lostPieces, unit)} could not be`);
    }
    this.#hasStopped = false;
    this.#ring.forget(this.#number, this.#options.keep);
  }

  /** Nothing more is written before the next rotation; what is there ends with a whole piece. */
  async #stop(error: unknown): Promise<void> {
    const next = this.#waiting.indexOf(NEXT);
    const dropped = this.#waiting.splice(0, next < 0 ? this.#waiting.length : next) as Buffer[];
    for (const piece of dropped) {
      this.#waitingBytes -= piece.length + PIECE_OVERHEAD_BYTES;
      this.#lose(piece);
    }
    // Once it has been turned over the next file has its own chance.
    if (next < 0) this.#failed = true;
    if (!this.#hasStopped) {
      this.#options.say(
        `${cannotWrite(this.path, error)}; nothing is written until the next rotation, mail is not affected`,
      );
    }
    this.#hasStopped = true;
    if (this.#fd !== null) await promisify(ftruncate)(this.#fd, this.#wholeBytes).catch(() => {});
    this.#closeFile();
  }

  #closeFile(): void {
    if (this.#fd === null) return;
    try {
      closeSync(this.#fd);
    } catch {
      // What it might complain of was written, or has been counted.
    }
    this.#fd = null;
  }
}

/** Never what is there already, nor through a link that somebody else has laid. */
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;

/** @param written tells how far it came */
async function writeWhole(fd: number, bytes: Buffer, written: { bytes: number }): Promise<void> {
  // When the disk is nearly full it takes a part, and says so the next time.
  while (written.bytes < bytes.length) {
    written.bytes += (await promisify(write)(fd, bytes, written.bytes)).bytesWritten;
  }
}
