import { ACK_FLAG, type PacketTable } from "../../spine/packets.ts";
import type { Segment } from "../packet.ts";
import type { Direction } from "./direction.ts";

/**
 * The latest telling segments of all connections of a source, so that questions about single packets
 * (when did the server send this, by its own clock?) can be asked once it is known which ones matter.
 *
 * One ring for all: its memory (2.6 MB) does not depend on the input, and a segment costs a few stores.
 * Each entry links to the one before it of the same connection. What has been overwritten is unknown.
 *
 * Deliberately absent: payload. Text is the dialogue's business.
 */

/** A prompt dialogue has some ten entries, so these are the latest 6,000 of them. */
const SIZE = 1 << 16;
const MASK = SIZE - 1;

/** The timestamps option as all common stacks write it: two NOPs, kind 8, length 10 (RFC 7323 appendix A). */
const PADDED_CLOCK = 0x0101080a;

const FROM_LOW = 0x100;
const HAS_CLOCK = 0x200;
const NO_WINDOW = 0x400;
const HOPS_SHIFT = 16;

/** An entry is so many words of 32 bits: one stretch of memory costs less than a column each. */
const WORDS = 10;
const FRAME = 2;
const BEFORE = 3;
const SEQUENCE = 4;
const ACKNOWLEDGEMENT = 5;
const CLOCK = 6;
const ECHO = 7;
const LENGTH = 8;
const BITS = 9;

export class PacketLog {
  /** Number of the latest entry; entries count from 1. */
  #latest = 0;
  readonly #words = new Int32Array(SIZE * WORDS);
  /** The first two words of an entry are its time. */
  readonly #times = new Float64Array(this.#words.buffer);

  /** @param before the connection's previous entry, 0 for none. @returns its new one */
  add(before: number, segment: Segment, fromLow: boolean, atUs: number, frame: number): number {
    const entry = ++this.#latest;
    const at = (entry & MASK) * WORDS;
    const words = this.#words;
    const { buffer, sourceAt, optionsAt, payloadAt } = segment;
    let bits = segment.flags;
    if (fromLow) bits |= FROM_LOW;
    if (segment.window === 0) bits |= NO_WINDOW;
    // The address follows the time to live four octets on, in IPv6 at once; a datagram put together has neither.
    if (sourceAt >= 8) bits |= buffer[sourceAt - (segment.addressBytes === 4 ? 4 : 1)]! << HOPS_SHIFT;
    const clockAt =
      payloadAt - optionsAt === 12 && word(buffer, optionsAt) === PADDED_CLOCK
        ? optionsAt + 4
        : clockIn(buffer, optionsAt, payloadAt);
    if (clockAt > 0) {
      bits |= HAS_CLOCK;
      words[at + CLOCK] = word(buffer, clockAt);
      words[at + ECHO] = word(buffer, clockAt + 4);
    }
    this.#times[at >> 1] = atUs;
    words[at + FRAME] = frame;
    words[at + BEFORE] = before;
    words[at + SEQUENCE] = segment.sequence;
    words[at + ACKNOWLEDGEMENT] = segment.acknowledgement;
    words[at + LENGTH] = segment.payloadLength;
    words[at + BITS] = bits;
    return entry;
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
      into.noWindow[to] = bits & NO_WINDOW ? 1 : 0;
      into.hasClock[to] = bits & HAS_CLOCK ? 1 : 0;
      into.clock[to] = words[at + CLOCK]!;
      into.echo[to] = words[at + ECHO]!;
      into.hops[to] = (bits >>> HOPS_SHIFT) & 0xff;
      number = words[at + BEFORE]!;
    }
    into.first = to;
  }
}

/** Offset of the sender's clock in a segment's options, 0 where there is none. */
function clockIn(buffer: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const kind = buffer[at]!;
    if (kind === 0) return 0;
    if (kind === 1) {
      at++;
      continue;
    }
    const lengthBytes = buffer[at + 1]!;
    if (at + 1 >= end || lengthBytes < 2) return 0;
    if (kind === 8) return lengthBytes === 10 && at + 10 <= end ? at + 2 : 0;
    at += lengthBytes;
  }
  return 0;
}

function word(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
}
