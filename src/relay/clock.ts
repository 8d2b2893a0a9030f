import { performance } from "node:perf_hooks";

/**
 * The one clock of a live run: µs since 1970, set once by the system's clock when the process starts
 * and monotonic from then on, so that a clock that is set meanwhile changes no duration.
 */
export function nowUs(): number {
  return Math.floor((ORIGIN_MS + performance.now()) * 1000);
}

const ORIGIN_MS = performance.timeOrigin;

/** A shorter sleep is none: the kernel had news when it was asked. */
const SLEPT_US = 5;

/**
 * How late stamps can be because this process was busy. Bytes that came while the event loop slept are
 * stamped as soon as their turn comes; bytes that came while it worked waited for that work besides.
 * The loop's idle time, which libuv counts, tells when it asked the kernel and whether it slept.
 */
export class LoopBusyness {
  /** The longest that anything can have waited. */
  longestUs = 0;
  #idleMs = performance.nodeTiming.idleTime;
  #turnBeganUs = nowUs();
  /** Work before this turn during which this turn's bytes may have come. */
  #beforeUs = 0;

  /** @returns µs by which a stamp made now, `atUs`, may be late. Time in which the process had no CPU is not in it. */
  uncertaintyUs(atUs: number): number {
    const idleMs = performance.nodeTiming.idleTime;
    if (idleMs !== this.#idleMs) {
      const sleptUs = (idleMs - this.#idleMs) * 1000;
      const workedUs = Math.max(0, atUs - this.#turnBeganUs - sleptUs);
      this.#beforeUs = sleptUs > SLEPT_US ? 0 : workedUs;
      this.#idleMs = idleMs;
      this.#turnBeganUs = atUs;
    }
    const uncertaintyUs = Math.round(atUs - this.#turnBeganUs + this.#beforeUs);
    if (uncertaintyUs > this.longestUs) this.longestUs = uncertaintyUs;
    return uncertaintyUs;
  }
}
