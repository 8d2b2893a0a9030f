import type { Schedule } from "../capture/file/paced.ts";
import type { ReplayClock, Speed } from "../screens/index.ts";

const FACTORS: Readonly<Record<Speed, number>> = {
  "1x": 1,
  "10x": 10,
  "100x": 100,
  max: Number.POSITIVE_INFINITY,
};

export const SPEEDS = Object.keys(FACTORS) as Speed[];

/** Longest pause between two looks at the clock: the picture's clock moves meanwhile. */
const LOOK_MS = 100;

/**
 * The time of a capture that is replayed: as it went then, or faster. It starts, stops and jumps as the
 * operator says; going back needs the capture to be read anew.
 */
export class CaptureClock implements Schedule, ReplayClock {
  firstAtUs = 0;
  lastAtUs = 0;
  marksUs: readonly number[] = [];
  speed: Speed;
  /** The capture has been read once, so that its time is known. */
  #isKnown = false;
  #held = false;
  /** Where the capture's time stood at this moment of ours. */
  #fromUs = 0;
  #sinceMs = 0;
  #wake: (() => void)[] = [];
  readonly #rewind: () => void;
  readonly #nowMs: () => number;

  /** @param rewind is called when time has gone back: what was shown since is to be forgotten */
  constructor(speed: Speed, rewind: () => void, nowMs: () => number = () => performance.now()) {
    this.speed = speed;
    this.#rewind = rewind;
    this.#nowMs = nowMs;
  }

  /** The capture has been read once. */
  know(firstAtUs: number, lastAtUs: number, marksUs: readonly number[]): void {
    this.firstAtUs = firstAtUs;
    this.lastAtUs = lastAtUs;
    this.marksUs = marksUs;
    this.#isKnown = true;
    this.#set(this.speed === "max" ? lastAtUs : firstAtUs);
  }

  get atUs(): number | null {
    return this.#isKnown ? Math.min(this.lastAtUs, this.nowUs()) : null;
  }

  nowUs(): number {
    if (!this.#isKnown) return Number.POSITIVE_INFINITY;
    if (this.#held) return this.#fromUs;
    if (this.speed === "max") return Number.POSITIVE_INFINITY;
    return this.#fromUs + Math.floor((this.#nowMs() - this.#sinceMs) * 1_000 * FACTORS[this.speed]);
  }

  until(atUs: number): Promise<void> {
    const leftMs = this.#held ? LOOK_MS : (atUs - this.nowUs()) / 1_000 / FACTORS[this.speed];
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, Math.min(LOOK_MS, leftMs)));
      this.#wake = [
        () => {
          clearTimeout(timer);
          resolve();
        },
      ];
    });
  }

  setSpeed(speed: Speed): void {
    const now = this.atUs;
    this.speed = speed;
    if (now !== null) this.#set(now);
  }

  seek(toUs: number): void {
    const now = this.atUs;
    if (now === null) return;
    // At full speed the instant would be gone at once.
    if (this.speed === "max") this.speed = "1x";
    this.#set(toUs);
    if (toUs < now) this.#rewind();
  }

  hold(held: boolean): void {
    const now = this.atUs;
    this.#held = held;
    if (now !== null) this.#set(now);
  }

  #set(atUs: number): void {
    this.#fromUs = atUs;
    this.#sinceMs = this.#nowMs();
    for (const wake of this.#wake.splice(0)) wake();
  }
}
