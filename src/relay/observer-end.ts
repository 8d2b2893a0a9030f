import { createConnection, Socket } from "node:net";
import type { Duplex, Writable } from "node:stream";

/**
 * The observer's end of a link: observations come in, and now and then what they came to so far goes
 * back, for the relay to keep: an observer that dies loses little.
 */

/** The descriptor that the relay hands to the observer it starts. */
export const LINK_FD = 3;

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

/** Collects a checkpoint as it comes; knows the last whole one. */
export class CheckpointReader {
  latest: Buffer | null = null;
  #waiting: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    while (this.#waiting.length >= 4) {
      const length = this.#waiting.readUInt32LE(0);
      // Not a length that an observer of ours sends: nothing after it can be trusted.
      if (length > MAX_CHECKPOINT_BYTES) {
        this.#waiting = Buffer.alloc(0);
        return;
      }
      if (this.#waiting.length < 4 + length) return;
      this.latest = Buffer.from(this.#waiting.subarray(4, 4 + length));
      this.#waiting = this.#waiting.subarray(4 + length);
    }
  }
}
