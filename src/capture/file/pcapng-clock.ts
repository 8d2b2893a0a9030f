/**
 * The clock of a pcapng interface: 64-bit ticks of some resolution, in two 32-bit words → floored µs.
 *
 * The resolution is 10^−n s or 2^−n s, and a whole number of seconds may have to be added. A double
 * holds integers to 2^53 only and nanoseconds since 1970 passed that in 1970, so nanoseconds are
 * divided word by word: 2^32 = 4294967·1000 + 296, hence
 * floor((high·2^32 + low) / 1000) = high·4294967 + floor((high·296 + low) / 1000), where each
 * intermediate stays exact for any time before 2255. Resolutions nobody's tool writes take BigInt.
 *
 * Times outside what an exact count of µs since 1970 can hold are NO_TIME: they are not times.
 */
import { NO_TIME } from "../../spine/wire.ts";

const TWO_TO_32 = 4_294_967_296;

/** `scaled`: a tick is that many whole µs; `nanosecond`; or `odd`: ticksPerSecond, in BigInt. */
type ClockKind = "scaled" | "nanosecond" | "odd";

export class InterfaceClock {
  /** Ticks are finer than a µs. */
  readonly nanoseconds: boolean;
  readonly #kind: ClockKind;
  readonly #usPerTick: number;
  readonly #ticksPerSecond: bigint;
  readonly #offsetSeconds: bigint;
  readonly #offsetUs: number;

  /**
   * @param resolution if_tsresol: exponent, top bit set for base 2
   * @param offsetSeconds if_tsoffset
   */
  constructor(resolution: number, offsetSeconds: bigint) {
    const exponent = resolution & 0x7f;
    const decimal = (resolution & 0x80) === 0;
    this.nanoseconds = decimal ? exponent > 6 : exponent > 19;
    this.#kind = !decimal || exponent > 9 || exponent === 7 || exponent === 8 ? "odd" : "scaled";
    if (decimal && exponent === 9) this.#kind = "nanosecond";
    this.#usPerTick = this.#kind === "scaled" ? 10 ** (6 - exponent) : 0;
    this.#ticksPerSecond = (decimal ? 10n : 2n) ** BigInt(exponent);
    this.#offsetSeconds = offsetSeconds;
    this.#offsetUs = Number(offsetSeconds * 1_000_000n);
  }

  /** Floored µs since 1970, or NO_TIME. */
  atUs(high: number, low: number): number {
    let sinceOffsetUs = Number.POSITIVE_INFINITY;
    if (this.#kind === "scaled") sinceOffsetUs = (high * TWO_TO_32 + low) * this.#usPerTick;
    else if (this.#kind === "nanosecond") {
      sinceOffsetUs = high * 4_294_967 + Math.floor((high * 296 + low) / 1000);
    }
    // An offset may bring back a time that is beyond exact numbers without it.
    const atUs =
      sinceOffsetUs <= Number.MAX_SAFE_INTEGER && this.#offsetUs <= Number.MAX_SAFE_INTEGER
        ? sinceOffsetUs + this.#offsetUs
        : this.#exactlyAtUs(high, low);
    return atUs >= 0 && atUs <= Number.MAX_SAFE_INTEGER ? atUs : NO_TIME;
  }

  #exactlyAtUs(high: number, low: number): number {
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    return Number((ticks * 1_000_000n) / this.#ticksPerSecond + this.#offsetSeconds * 1_000_000n);
  }
}
