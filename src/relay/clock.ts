import { performance } from "node:perf_hooks";

/**
 * The one clock of a live run: µs since 1970, set once by the system's clock when the process starts
 * and monotonic from then on, so that a clock that is set meanwhile changes no duration.
 */
export function nowUs(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}

/**
 * How late stamps can be because this process was busy: what the event loop did since it last asked
 * the kernel for news. Bytes that came while it slept are stamped at once; bytes that came while it
 * worked waited for at most that work.
 */
export class LoopBusyness {
  /** The longest that anything waited for a turn's work. */
  longestUs = 0;
  #turnBeganUs = nowUs();
  #idleMs = performance.nodeTiming.idleTime;

  /** µs by which a stamp `atUs` made in this turn of the loop may be late. Time in which the process had no CPU is not in it. */
  uncertaintyUs(atUs: number): number {
    const idleUs = (performance.nodeTiming.idleTime - this.#idleMs) * 1000;
    return Math.max(0, Math.round(atUs - this.#turnBeganUs - idleUs));
  }

  /** The turn's work is done: what comes from now on waits for the next one. */
  turnEnded(): void {
    const atUs = nowUs();
    this.longestUs = Math.max(this.longestUs, this.uncertaintyUs(atUs));
    this.#turnBeganUs = atUs;
    this.#idleMs = performance.nodeTiming.idleTime;
  }
}
