/** Lets the rest of the program run between batches of reading, and tells it how far reading is. */
import { setImmediate } from "node:timers/promises";

export interface PaceOptions {
  /** Stops reading; the outcome is that of what was read. */
  signal?: AbortSignal;
  /** Bytes of the file as it lies there, packed or not. A stream has no total: 0. */
  onProgress?: (readBytes: number, totalBytes: number) => void;
  /** Runs between batches; reading waits for it. */
  betweenBatches?: () => void | Promise<void>;
}

export class Pace {
  readonly signal: AbortSignal | undefined;
  readonly #options: PaceOptions;
  readonly #totalBytes: number;
  #readBytes = 0;

  constructor(options: PaceOptions, totalBytes: number) {
    this.signal = options.signal;
    this.#options = options;
    this.#totalBytes = totalBytes;
  }

  get aborted(): boolean {
    return this.signal?.aborted ?? false;
  }

  /** Counts input bytes. */
  read(bytes: number): void {
    this.#readBytes += bytes;
  }

  /** What was read has been handed on. */
  async pause(): Promise<void> {
    this.#options.onProgress?.(this.#readBytes, this.#totalBytes);
    await setImmediate();
    await this.#options.betweenBatches?.();
  }
}
