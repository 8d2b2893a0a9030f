/**
 * The bytes of a capture on their way to its decoder: one buffer, filled again and again.
 *
 * The buffer starts at 1 MiB, enough for several of the longest pcap records, and grows only when a
 * decoder says that the next block needs more, to no more than the longest block it takes. The format
 * is recognised as soon as enough bytes are there, so that a live capture is decoded from its first
 * packet on.
 */
import type { RecordSink } from "../packet.ts";
import type { CaptureDecoder } from "./decoder.ts";
import { type FormatName, formatOf, HEAD_BYTES } from "./formats.ts";

/** Reading more at once gains nothing measurable; less costs system calls. */
const BUFFER_BYTES = 1024 * 1024;

export class Feed {
  /** Bytes taken so far. */
  takenBytes = 0;
  readonly #sink: RecordSink;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #decoder: CaptureDecoder | null = null;
  #format: FormatName | null = null;
  #unrecognised = false;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  get decoder(): CaptureDecoder | null {
    return this.#decoder;
  }

  get format(): FormatName | null {
    return this.#format;
  }

  /** The bytes not consumed; the start of the input when no format has recognised it. */
  get leftover(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Nothing more will be decoded. */
  get stopped(): boolean {
    return this.#unrecognised || (this.#decoder !== null && this.#decoder.damage !== null);
  }

  /** Where to read to; never empty. Then call `filled`. */
  room(): Buffer {
    const needed = this.#decoder?.needed ?? HEAD_BYTES;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(needed)));
      this.#buffer.copy(larger, 0, this.#start, this.#end);
      this.#buffer = larger;
    } else if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    }
    this.#end -= this.#start;
    this.#start = 0;
    return this.#buffer.subarray(this.#end);
  }

  /** So many bytes of what `room` gave are there. */
  filled(bytes: number): void {
    this.#end += bytes;
    this.takenBytes += bytes;
    this.#decode(HEAD_BYTES);
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.stopped; ) {
      const room = this.room();
      const bytes = Math.min(room.length, chunk.length - at);
      room.set(chunk.subarray(at, at + bytes));
      this.filled(bytes);
      at += bytes;
    }
  }

  /** The input is over. */
  finish(): void {
    this.#decode(0);
    this.#decoder?.finish(this.#end - this.#start);
  }

  #decode(headBytes: number): void {
    if (this.#decoder === null && this.#end >= headBytes && !this.#unrecognised) this.#recognise();
    if (this.#decoder !== null) this.#start = this.#decoder.decode(this.#buffer, this.#start, this.#end);
  }

  #recognise(): void {
    const format = formatOf(this.leftover);
    this.#unrecognised = format === null;
    if (format === null) return;
    this.#format = format.name;
    this.#decoder = format.decoder(this.#sink);
  }
}
