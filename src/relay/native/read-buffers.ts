/**
 * The memory that sockets read into. Nearly all share one buffer, so an idle connection holds none, and
 * what was read is copied before the next read. A socket that reads much at a time is given a buffer of
 * its own: what it reads is written from there, without a copy, and it waits while the kernel takes it.
 */

/** The most that one read brings. */
export const READ_BYTES = 65_536;

export const sharedBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** A read of this much is of a message on its way: above it the copy costs more than the exchange of buffers. */
const LARGE_BYTES = 16_384;
/** A read of this little is the end of it. */
const SMALL_BYTES = 2_048;

/** Sockets with a buffer of their own: 16 MiB. The others copy. */
const MAX_OWN = 256;

/** Kept for the next ones: 4 MiB. */
const MAX_SPARE = 64;

export class ReadBuffers {
  readonly #spare: Buffer[] = [];
  #own = 0;

  /** @returns what a socket should read into next */
  next(buffer: Buffer, lastBytes: number): Buffer {
    if (buffer === sharedBuffer) {
      if (lastBytes < LARGE_BYTES || this.#own >= MAX_OWN) return buffer;
      this.#own++;
      return this.#spare.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
    }
    if (lastBytes > SMALL_BYTES) return buffer;
    this.#own--;
    if (this.#spare.length < MAX_SPARE) this.#spare.push(buffer);
    return sharedBuffer;
  }

  /** A socket is gone with its buffer. */
  lose(buffer: Buffer): void {
    if (buffer !== sharedBuffer) this.#own--;
  }
}
