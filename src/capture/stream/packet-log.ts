import { ACK_FLAG, type PacketTable } from "../../spine/packets.ts";
import type { Segment } from "../packet.ts";
import type { Direction } from "./direction.ts";

/**
 * The latest telling segments of all connections of a source, so that questions about single packets
 * (when did the server send this, by its own clock?) can be asked once it is known which ones matter.
 *
 * One ring for all: its memory (3.1 MB) does not depend on the input, and a segment costs a few stores.
 * Each entry links to the one before it of the same connection. What has been overwritten is unknown.
 *
 * Deliberately absent: payload. Text is the dialogue's business.
 */

/** A prompt dialogue has some ten entries, so these are the latest 6,000 of them. */
const SIZE = 1 << 16;
const MASK = SIZE - 1;

/** The timestamps option as all common stacks write it: two NOPs, kind 8, length 10 (RFC 7323 appendix A). */
const PADDED_CLOCK = 0x0101080a;

/** Kinds of options (IANA, TCP parameters). */
const END_OF_OPTIONS = 0;
const NO_OPTION = 1;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK_BLOCKS = 5;
const TIMESTAMPS = 8;
/** A larger one counts as this (RFC 7323 §2.3). */
const MAX_SCALE = 14;

const FROM_LOW = 0x100;
const HAS_CLOCK = 0x200;
/** What options the header has is not known. */
const OPTIONS_CUT = 0x400;
const PERMITS_SACK = 0x800;
const HAS_SCALE = 0x1000;
const HAS_SACK = 0x2000;
const HOPS_SHIFT = 16;
const SCALE_SHIFT = 24;

/** An entry is so many words of 32 bits: one stretch of memory costs less than a column each. */
const WORDS = 12;
const FRAME = 2;
const BEFORE = 3;
const SEQUENCE = 4;
const ACKNOWLEDGEMENT = 5;
const CLOCK = 6;
const ECHO = 7;
const LENGTH = 8;
const BITS = 9;
const WINDOW = 10;
/** First edge of the first SACK block. */
const SACK = 11;

export class PacketLog {
  /** Number of the latest entry; entries count from 1. */
  #latest = 0;
  readonly #words = new Int32Array(SIZE * WORDS);
  /** The first two words of an entry are its time. */
  readonly #times = new Float64Array(this.#words.buffer);

  /** @param before the connection's previous entry, 0 for none. @returns its new one */
  add(before: number, segment: Segment, fromLow: boolean): number {
    const entry = ++this.#latest;
    const at = (entry & MASK) * WORDS;
    const words = this.#words;
    const { buffer, sourceAt, optionsAt, payloadAt } = segment;
    let bits = segment.flags;
    if (fromLow) bits |= FROM_LOW;
    // The address follows the time to live four octets on, in IPv6 at once; a datagram put together has neither.
    if (sourceAt >= 8) bits |= buffer[sourceAt - (segment.addressBytes === 4 ? 4 : 1)]! << HOPS_SHIFT;
    if (payloadAt - optionsAt === 12 && word(buffer, optionsAt) === PADDED_CLOCK) {
      bits |= HAS_CLOCK;
      words[at + CLOCK] = word(buffer, optionsAt + 4);
      words[at + ECHO] = word(buffer, optionsAt + 8);
    } else bits |= this.#options(segment, at);
    this.#times[at >> 1] = segment.atUs;
    words[at + FRAME] = segment.frame;
    words[at + BEFORE] = before;
    words[at + SEQUENCE] = segment.sequence;
    words[at + ACKNOWLEDGEMENT] = segment.acknowledgement;
    words[at + LENGTH] = segment.payloadLength;
    words[at + BITS] = bits;
    words[at + WINDOW] = segment.window;
    return entry;
  }

  /** Notes what options there are, besides the usual. @returns bits */
  #options({ buffer, optionsAt, payloadAt, isCut }: Segment, at: number): number {
    const words = this.#words;
    let bits = isCut ? OPTIONS_CUT : 0;
    for (let option = optionsAt; option < payloadAt; ) {
      const kind = buffer[option]!;
      if (kind === END_OF_OPTIONS) break;
      if (kind === NO_OPTION) {
        option++;
        continue;
      }
      const lengthBytes = option + 1 < payloadAt ? buffer[option + 1]! : 0;
      if (lengthBytes < 2 || option + lengthBytes > payloadAt) return bits | OPTIONS_CUT;
      if (kind === TIMESTAMPS && lengthBytes === 10) {
        bits |= HAS_CLOCK;
        words[at + CLOCK] = word(buffer, option + 2);
        words[at + ECHO] = word(buffer, option + 6);
      } else if (kind === WINDOW_SCALE && lengthBytes === 3) {
        bits |= HAS_SCALE | (buffer[option + 2]! << SCALE_SHIFT);
      } else if (kind === SACK_PERMITTED) bits |= PERMITS_SACK;
      else if (kind === SACK_BLOCKS && lengthBytes >= 10) {
        bits |= HAS_SACK;
        words[at + SACK] = word(buffer, option + 2);
      }
      option += lengthBytes;
    }
    return bits;
  }

  /** The entries up to `entry` of one connection whose bytes these directions carry. */
  read(entry: number, low: Direction, high: Direction, into: PacketTable): void {
    // Sequence number of stream offset 0.
    const lowZero = (low.next - low.offset) | 0;
    const highZero = (high.next - high.offset) | 0;
    const words = this.#words;
    let to = into.end;
    for (let number = entry; number > 0 && this.#latest - number < SIZE && to > 0; ) {
      const at = (number & MASK) * WORDS;
      to--;
      const bits = words[at + BITS]!;
      const fromLow = (bits & FROM_LOW) !== 0;
      into.atUs[to] = this.#times[at >> 1]!;
      into.frame[to] = words[at + FRAME]!;
      into.fromClient[to] = (fromLow ? low : high).side === "client" ? 1 : 0;
      into.flags[to] = bits & 0xff;
      into.offset[to] = (words[at + SEQUENCE]! - (fromLow ? lowZero : highZero)) | 0;
      into.lengthBytes[to] = words[at + LENGTH]!;
      into.acknowledged[to] =
        bits & ACK_FLAG ? (words[at + ACKNOWLEDGEMENT]! - (fromLow ? highZero : lowZero)) | 0 : -1;
      into.window[to] = words[at + WINDOW]!;
      into.hasClock[to] = bits & HAS_CLOCK ? 1 : 0;
      into.clock[to] = words[at + CLOCK]!;
      into.echo[to] = words[at + ECHO]!;
      into.hops[to] = (bits >>> HOPS_SHIFT) & 0xff;
      into.knowsOptions[to] = bits & OPTIONS_CUT ? 0 : 1;
      into.scale[to] = bits & HAS_SCALE ? Math.min(bits >>> SCALE_SHIFT, MAX_SCALE) : -1;
      into.permitsSack[to] = bits & PERMITS_SACK ? 1 : 0;
      into.hasSack[to] = bits & HAS_SACK ? 1 : 0;
      into.sackFrom[to] = (words[at + SACK]! - (fromLow ? highZero : lowZero)) | 0;
      number = words[at + BEFORE]!;
    }
    into.first = to;
  }
}

function word(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
}
