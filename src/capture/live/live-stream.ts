import type { Readable } from "node:stream";

/** A capture that is made while it is read. */
export interface LiveStream {
  /** What stands where a file's name would. */
  readonly name: string;
  readonly stream: Readable;
  /** Packets that were lost before they reached it, by all that count them; known when it has ended. */
  dropped(): number;
  /** Asks whoever captures to end it properly; the stream's end follows. */
  stop(): void;
}
