/**
 * What a capture file format offers the reader, and the bounds all of them keep.
 *
 * A decoder never reads: it is handed a growing range of bytes and hands every whole record on to
 * the sink. How the bytes came (file, pipe, gzip) and in what pieces makes no difference to what
 * comes out: it holds no bytes of its own, only where in the file it is.
 *
 * Deliberately absent: exceptions. Whatever bytes come, what could be read has gone to the sink
 * and `damage` says where it stopped.
 */
import type { Damage } from "../packet.ts";

export interface CaptureDecoder {
  /**
   * Hands on every whole record of `buffer[start, end)`.
   * @returns offset in `buffer` of the first byte not consumed: give it again, with more behind it
   */
  decode(buffer: Uint8Array, start: number, end: number): number;
  /** Bytes, counted from the first not consumed, without which the next `decode` can do nothing. */
  readonly needed: number;
  /** Set once the file stops making sense; nothing is decoded from then on. */
  readonly damage: Damage | null;
  /** The input is over with this many bytes left unconsumed. */
  finish(leftoverBytes: number): void;
  /** Bytes of the file consumed so far. */
  readonly consumedBytes: number;
  /**
   * A place in `buffer[start, end)`, bytes from anywhere in the file up to its end, where a record
   * seems to start; `decode` can go on from there. −1 when there is none. Only after a first record.
   */
  findRecord(buffer: Uint8Array, start: number, end: number): number;
  /** LINKTYPE_ values of the interfaces seen, each once, in order of appearance. */
  readonly linkTypes: readonly number[];
  /** Some time stamps are finer than the µs they are floored to. */
  readonly nanoseconds: boolean;
}

/**
 * Most captured bytes of one packet. libpcap (MAXIMUM_SNAPLEN) and Wireshark (WTAP_MAX_PACKET_SIZE_STANDARD)
 * draw the same line; only USB and D-Bus captures, which carry no IP, may exceed it.
 */
export const MAX_CAPTURED_BYTES = 262_144;

/**
 * Longest pcapng block that is looked at as a whole: a packet at the bound above with generous
 * options. Blocks whose contents do not matter are skipped at any length, without being held.
 */
export const MAX_BLOCK_BYTES = 16 * 1024 * 1024;

/** A view of the same bytes: `DataView` reads compile to single loads, `Buffer.readUInt32LE` does not. */
export function viewOf(buffer: Uint8Array): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
