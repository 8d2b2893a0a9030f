import { createConnection, Socket } from "node:net";
import type { Duplex, Writable } from "node:stream";

/**
 * The observer's end of a link: observations come in, and now and then what they came to so far goes
 * back, for the relay to keep: an observer that dies loses little.
 */

/** The descriptor that the relay hands to the observer it starts. */
export const LINK_FD = 3;

/** And the one by which it says, before anything else, what the observer is to do. */
export const REQUEST_FD = 4;

/** As much as a socket pair holds. */
const READ_BYTES = 1 << 18;

/** Takes what was read; the chunk is lent for the call. */
export type LinkReader = (chunk: Buffer) => void;

function readingInto(read: LinkReader) {
  return {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback(lengthBytes: number, buffer: Uint8Array): boolean {
      read((buffer as Buffer).subarray(0, lengthBytes));
      return true;
    },
  };
}

export function inheritedLink(read: LinkReader): Duplex {
  // `onread` is documented for connect() alone, and taken here as well.
  return new Socket({ fd: LINK_FD, onread: readingInto(read) } as object).resume();
}

/** A running relay's socket. @throws NodeJS.ErrnoException */
export function attachedLink(path: string, read: LinkReader): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, onread: readingInto(read) }, () => resolve(socket));
    socket.once("error", reject).resume();
  });
}

/** What goes back is framed by its length. */
export function sendCheckpoint(link: Writable, checkpoint: Uint8Array): void {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(checkpoint.length);
  link.write(length);
  link.write(checkpoint);
}

/** The relay keeps no more than this. */
export const MAX_CHECKPOINT_BYTES = 3 << 20;

/** Collects a checkpoint as it comes; knows the last whole one. Each byte is copied once: mail waits meanwhile. */
export class CheckpointReader {
  latest: Buffer | null = null;
  readonly #length = Buffer.alloc(4);
  #lengthBytes = 0;
  #checkpoint: Buffer | null = null;
  #checkpointBytes = 0;
  #isBroken = false;

  push(chunk: Buffer): void {
    for (let from = 0; from < chunk.length && !this.#isBroken; ) from += this.#take(chunk, from);
  }

  /** @returns how many bytes of the chunk were taken */
  #take(chunk: Buffer, from: number): number {
    let taken = 0;
    if (this.#checkpoint === null) {
      taken = chunk.copy(this.#length, this.#lengthBytes, from);
      this.#lengthBytes += taken;
      if (this.#lengthBytes < this.#length.length) return taken;
      const length = this.#length.readUInt32LE(0);
      // Not a length that an observer of ours sends: nothing after it can be trusted.
      this.#isBroken = length > MAX_CHECKPOINT_BYTES;
      if (this.#isBroken) return taken;
      this.#lengthBytes = 0;
      this.#checkpoint = Buffer.allocUnsafeSlow(length);
    }
    const copied = chunk.copy(this.#checkpoint, this.#checkpointBytes, from + taken);
    this.#checkpointBytes += copied;
    if (this.#checkpointBytes === this.#checkpoint.length) {
      this.latest = this.#checkpoint;
      this.#checkpoint = null;
      this.#checkpointBytes = 0;
    }
    return taken + copied;
  }
}
