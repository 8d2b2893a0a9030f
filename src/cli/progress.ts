import { bytesText, percentText } from "../spine/format.ts";

/** Shown only when reading takes longer than this. */
const PATIENCE_MS = 1_000;
const INTERVAL_MS = 200;
const WIDTH = 30;

/** A bar on standard error for long reads, when a person sits there. Files are counted as they lie on disk. */
export class Progress {
  readonly #shown: boolean;
  readonly #files = new Map<string, { readBytes: number; totalBytes: number }>();
  readonly #startedMs = performance.now();
  #drawnMs = 0;
  #drawn = false;

  constructor(shown: boolean) {
    this.#shown = shown;
  }

  update(file: string, readBytes: number, totalBytes: number): void {
    if (!this.#shown) return;
    this.#files.set(file, { readBytes, totalBytes });
    const now = performance.now();
    if (now - this.#startedMs < PATIENCE_MS || now - this.#drawnMs < INTERVAL_MS) return;
    this.#drawnMs = now;
    this.#drawn = true;
    let read = 0;
    let total = 0;
    for (const progress of this.#files.values()) {
      read += progress.readBytes;
      total += progress.totalBytes;
    }
    const rate = (read / (now - this.#startedMs)) * 1_000;
    const share = total === 0 ? 0 : Math.min(1, read / total);
    const bar = "#".repeat(Math.round(share * WIDTH)).padEnd(WIDTH, ".");
    const done = total === 0 ? bytesText(read) : `[${bar}] ${percentText(share)} of ${bytesText(total)}`;
    process.stderr.write(`\r\x1b[Kreading ${done}, ${bytesText(rate)}/s`);
  }

  clear(): void {
    if (this.#drawn) process.stderr.write("\r\x1b[K");
    this.#drawn = false;
  }
}
