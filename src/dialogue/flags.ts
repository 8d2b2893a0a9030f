import type { Flag } from "../spine/conversation.ts";

const ALL: readonly Flag[] = [
  "mid-stream",
  "one-way",
  "gap",
  "early-talker",
  "pipelining",
  "bare-lf",
  "nul",
  "line-too-long",
  "reply-without-code",
  "mixed-codes",
  "loose-end-of-data",
  "decrypted",
  "lmtp",
  "socks",
  "http-connect",
  "proxy-protocol",
  "silent-server",
  "refused",
  "syn-unanswered",
  "syn-retransmitted",
  "unfinished-message",
];

const BIT = Object.fromEntries(ALL.map((flag, index) => [flag, 1 << index])) as Record<Flag, number>;

const NONE: ReadonlySet<Flag> = new Set();

/** A dialogue's flags: one bit each, for there is one of these for every connection. */
export class Flags {
  #bits = 0;

  clear(): void {
    this.#bits = 0;
  }

  raise(flag: Flag): void {
    this.#bits |= BIT[flag];
  }

  has(flag: Flag): boolean {
    return (this.#bits & BIT[flag]) !== 0;
  }

  get set(): ReadonlySet<Flag> {
    return this.#bits === 0 ? NONE : new Set(ALL.filter((flag) => this.has(flag)));
  }
}
