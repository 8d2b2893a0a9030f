import type { Hash } from "node:crypto";
import type { Unkept } from "../spine/exchange.ts";
import { crypto } from "./crypto.ts";

/**
 * Digests of what must not be kept: messages, secrets, encrypted bytes. They tell whether two points of view
 * saw the same, and nothing else. Made only when somebody asked for them, for hashing costs more than reading.
 */

/** Short enough to be read out, long enough that no two messages of a capture share it. */
const DIGEST_CHARACTERS = 32;

/** A password is guessed from its digest; with a key that lives as long as the process it is not. */
let key: Uint8Array | null = null;

export function secretDigest(line: Uint8Array, start: number, end: number): Unkept {
  key ??= crypto().randomBytes(32);
  const digest = crypto().createHmac("sha256", key).update(line.subarray(start, end)).digest("hex");
  return { lengthBytes: end - start, digest: digest.slice(0, DIGEST_CHARACTERS) };
}

/** One run of bytes, in however many pieces it comes. */
export class Digest {
  lengthBytes = 0;
  /** Null once bytes were missing. */
  #hash: Hash | null;
  readonly #mostBytes: number;

  /** @param mostBytes what comes behind them counts for the length only */
  constructor(mostBytes = Number.POSITIVE_INFINITY) {
    this.#hash = crypto().createHash("sha256");
    this.#mostBytes = mostBytes;
  }

  bytes(buffer: Uint8Array, start: number, end: number): void {
    const room = this.#mostBytes - this.lengthBytes;
    if (room > 0) this.#hash?.update(buffer.subarray(start, Math.min(end, start + room)));
    this.lengthBytes += end - start;
  }

  gap(lengthBytes: number): void {
    if (this.lengthBytes < this.#mostBytes) this.#hash = null;
    this.lengthBytes += lengthBytes;
  }

  get result(): Unkept {
    const digest = this.#hash?.copy().digest("hex").slice(0, DIGEST_CHARACTERS) ?? null;
    return { lengthBytes: this.lengthBytes, digest };
  }
}
