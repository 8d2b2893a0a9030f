import type { ByteString } from "../rewriting/compare/line.ts";
import type { Unkept } from "../spine/exchange.ts";
import type { Phase } from "../spine/phase.ts";

/**
 * What is kept of a dialogue to find it on the other side of a firewall and to compare it there. All of a
 * capture is kept until both have been read, so each of these is small, and texts that come again are shared.
 */

/** A command and its reply. Instants are µs since 1970 or NO_TIME; frames count over the whole source, 0 is none. */
export interface RecordedTurn {
  readonly phase: Phase;
  /** In capitals, or a pseudo-verb: (connect), (end-of-data) … */
  readonly verb: string;
  readonly code: number | null;
  /** With its line end; null for none, a secret, or one too long to be kept. */
  readonly command: ByteString | null;
  /** With its line ends; null for one too long to be kept. */
  readonly reply: ByteString | null;
  readonly unkept: Unkept | null;
  readonly askedFirst: number;
  readonly askedLast: number;
  readonly answeredFirst: number;
  readonly answeredLast: number;
  readonly askedFrame: number;
  readonly answeredFrame: number;
  /** Stream offsets. */
  readonly askedFrom: number;
  readonly askedTo: number;
  readonly answeredFrom: number;
  readonly answeredTo: number;
  /** Later copies of its bytes. */
  readonly retransmits: number;
  /** Bytes are missing in it, or before it: it cannot be relied upon. */
  readonly hasGap: boolean;
  readonly unanswered: boolean;
}

export interface RecordedDialogue {
  readonly client: string;
  readonly server: string;
  readonly file: string;
  readonly tcpStream: number;
  readonly firstFrame: number;
  readonly synAt: number;
  readonly synAckAt: number;
  readonly startAt: number;
  /** The client has said that it will say no more. */
  readonly clientEndAt: number;
  /** First TCP sequence numbers, null where they were not captured. */
  readonly clientSequence: number | null;
  readonly serverSequence: number | null;
  /** TCP time stamps of SYN and SYN-ACK (RFC 7323), null where there were none. */
  readonly clientClock: number | null;
  readonly serverClock: number | null;
  readonly turns: readonly RecordedTurn[];
  /** Its beginning, or its end, is not in the capture. */
  readonly startsMidway: boolean;
  readonly isOpen: boolean;
  /** Neither side broke it off: all that was said is there. */
  readonly isComplete: boolean;
  readonly hasGap: boolean;
  readonly encrypted: { readonly client: Unkept | null; readonly server: Unkept | null };
  readonly segments: { readonly client: Segments; readonly server: Segments };
}

/** Cuts of one direction that are kept; where there are more, the rest of it is not looked at. */
const MAX_CUTS = 1_024;

/** Where a direction's bytes were cut into segments: the stream offsets at which segments end. */
export class Segments {
  readonly #ends: number[] = [];
  #offset = 0;
  #frame = 0;
  #full = false;

  /** Bytes so far, missing ones included. */
  get offset(): number {
    return this.#offset;
  }

  bytes(frame: number, lengthBytes: number): void {
    this.#offset += lengthBytes;
    if (this.#full) return;
    if (frame === this.#frame && this.#ends.length > 0) this.#ends[this.#ends.length - 1] = this.#offset;
    else if (this.#ends.length < MAX_CUTS) this.#ends.push(this.#offset);
    else this.#full = true;
    this.#frame = frame;
  }

  gap(lengthBytes: number): void {
    this.#offset += lengthBytes;
    this.#frame = 0;
  }

  /** Cuts inside [from, to), from its beginning; null where they are not known. */
  within(from: number, to: number): number[] | null {
    const ends = this.#ends;
    if (this.#full && to > (ends.at(-1) ?? 0)) return null;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle]! <= from) low = middle + 1;
      else high = middle;
    }
    const cuts: number[] = [];
    for (; low < ends.length && ends[low]! < to; low++) cuts.push(ends[low]! - from);
    return cuts;
  }
}
