import { TAIL_BYTES } from "../spine/end-of-data.ts";

/**
 * What the relay tells those who watch, on its way between processes: batches of records. The relay
 * copies numbers and bytes into one buffer and writes that; nothing is serialised a second time.
 *
 * A batch on the wire: three 32-bit numbers (mark, records, bytes that follow; little-endian), then the
 * records, each of six 64-bit floats and, where its kind has one, a payload of `length` bytes.
 */

// What a record says. Kinds of a side come in pairs: client, server.

/** Text of the client's and the server's address, a line each; where others have the uncertainty, when the connection to the server was begun. */
export const OPEN = 1;
/** Text of the server's address and of ours as it sees it, a line each; the last two numbers are those of `Connected`. */
export const CONNECTED = 2;
/** JSON of a `Failed`. */
export const FAILED = 3;
export const CLIENT_BYTES = 4;
export const SERVER_BYTES = 5;
export const CLIENT_GAP = 6;
export const SERVER_GAP = 7;
export const CLIENT_END = 8;
export const SERVER_END = 9;
/** Three numbers, as in `Closed`, from where others have the length. */
export const CLOSE = 10;
export const TICK = 11;
/** JSON of a `RelayState`. */
export const STATE = 12;
/** JSON of an `Order`. */
export const ORDER = 13;

/** What an earlier observer had made of it: its last checkpoint. */
export const RESTORE = 14;

/** So many bytes of a client's message that are not told, but for the last four: they are the payload. */
export const CLIENT_UNREAD = 15;

/** Floats a record: kind, connection, µs since 1970, length, uncertainty of the stamp (µs), µs from reading to written. */
const RECORD_FLOATS = 6;
const RECORD_BYTES = RECORD_FLOATS * 8;
const LENGTH_AT = 3 * 8;
/** A UTF-16 unit becomes no more. */
const MAX_UTF8_BYTES = 3;
/** Where a record has a number that is not known. */
export const UNKNOWN = -1;

/** Length of an END record: how it ended. */
export const FIN = 0;
export const RST = 1;

const MARK = 0x534d5450;
const HEADER_BYTES = 12;

/** A batch is sent when it holds this much: what a pipe's buffer takes. */
const BATCH_BYTES = 65_536;
/** Room for a chunk (one read) and a few records on top of a batch that is nearly full. */
const ROOM_BYTES = 2 * BATCH_BYTES + 16_384;

/** Larger than any batch can be: a checkpoint beyond a full one. A stream that claims more is not ours. */
const MAX_BATCH_BYTES = 4 << 20;

/** Memory of batches that have gone out, for the next ones: 9 MiB. New memory for each would keep the collector busy. */
const MAX_SPARE = 64;

function payloadBytes(kind: number, length: number): number {
  if (kind === CLIENT_UNREAD) return TAIL_BYTES;
  const hasPayload = kind <= SERVER_BYTES || kind === STATE || kind === ORDER || kind === RESTORE;
  return hasPayload ? length : 0;
}

/** Collects records, each with its payload copied behind it. */
export class BatchWriter {
  #buffer: Buffer | null = null;
  #view: DataView | null = null;
  #at = 0;
  #count = 0;
  readonly #spare: Buffer[] = [];

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get isFull(): boolean {
    return this.#at >= BATCH_BYTES;
  }

  get bytes(): number {
    return this.#at;
  }

  add(
    kind: number,
    connection: number,
    atUs: number,
    length: number,
    uncertaintyUs: number,
    shareUs: number,
    payload: Uint8Array | null,
  ): void {
    this.#record(kind, connection, atUs, length, uncertaintyUs, shareUs, payload?.length ?? 0);
    if (payload === null) return;
    this.#buffer!.set(payload, this.#at);
    this.#at += payload.length;
  }

  /** A record whose payload is text, written in place. */
  addText(kind: number, connection: number, atUs: number, text: string, fifth: number, sixth = 0): void {
    this.#record(kind, connection, atUs, 0, fifth, sixth, text.length * MAX_UTF8_BYTES);
    const lengthBytes = this.#buffer!.write(text, this.#at);
    this.#view!.setFloat64(this.#at - RECORD_BYTES + LENGTH_AT, lengthBytes, true);
    this.#at += lengthBytes;
  }

  /** @param roomBytes what follows it at most */
  #record(
    kind: number,
    connection: number,
    atUs: number,
    length: number,
    uncertaintyUs: number,
    shareUs: number,
    roomBytes: number,
  ): void {
    const view = this.#viewWith(RECORD_BYTES + roomBytes);
    const at = this.#at;
    view.setFloat64(at, kind, true);
    view.setFloat64(at + 8, connection, true);
    view.setFloat64(at + 16, atUs, true);
    view.setFloat64(at + LENGTH_AT, length, true);
    view.setFloat64(at + 32, uncertaintyUs, true);
    view.setFloat64(at + 40, shareUs, true);
    this.#at = at + RECORD_BYTES;
    this.#count++;
  }

  /** The batch's memory, with room for so much more. */
  #viewWith(moreBytes: number): DataView {
    if (this.#buffer === null) {
      this.#at = HEADER_BYTES;
      this.#use(this.#spare.pop() ?? Buffer.allocUnsafeSlow(ROOM_BYTES));
    }
    if (this.#at + moreBytes > this.#buffer!.length) {
      const larger = Buffer.allocUnsafeSlow(this.#at + moreBytes);
      larger.set(this.#buffer!.subarray(0, this.#at));
      this.#use(larger);
    }
    return this.#view!;
  }

  #use(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  /** The batch as it goes out; `recycle` it when it has. Not to be called on an empty one. */
  take(): Buffer {
    const buffer = this.#buffer!;
    buffer.writeUInt32LE(MARK, 0);
    buffer.writeUInt32LE(this.#count, 4);
    buffer.writeUInt32LE(this.#at - HEADER_BYTES, 8);
    const batch = buffer.subarray(0, this.#at);
    this.#buffer = null;
    this.#view = null;
    this.#at = 0;
    this.#count = 0;
    return batch;
  }

  recycle(batch: Buffer): void {
    if (batch.buffer.byteLength !== ROOM_BYTES || this.#spare.length >= MAX_SPARE) return;
    this.#spare.push(Buffer.from(batch.buffer, 0, ROOM_BYTES));
  }
}

/** Takes one record. `start` and `end` bound its payload in `payload`, which is lent for the call. */
export type RecordHandler = (record: Float64Array, payload: Uint8Array, start: number, end: number) => void;

/** The other end: bytes as they come, cut anywhere, into records. */
export class BatchReader {
  readonly #handler: RecordHandler;
  /** The beginning of a batch whose rest has not come. */
  #held: Buffer = Buffer.allocUnsafeSlow(2 * ROOM_BYTES);
  #heldBytes = 0;
  readonly #record = new Float64Array(RECORD_FLOATS);
  readonly #mayGoOn: () => boolean;
  /** Came while it was not to go on. */
  readonly #later: Buffer[] = [];

  /** @param mayGoOn asked before each batch */
  constructor(handler: RecordHandler, mayGoOn: () => boolean = () => true) {
    this.#handler = handler;
    this.#mayGoOn = mayGoOn;
  }

  /** It was not to go on, and keeps what came meanwhile: whoever reads for it should not read more. */
  get isWaiting(): boolean {
    return this.#later.length > 0;
  }

  /** Goes on with what it kept, if it may. */
  goOn(): void {
    for (const chunk of this.#later.splice(0)) this.push(chunk);
  }

  /**
   * @param chunk lent for the call
   * @throws Error when this is not a relay's stream
   */
  push(chunk: Buffer): void {
    if (this.isWaiting || !this.#mayGoOn()) {
      this.#later.push(Buffer.from(chunk));
      return;
    }
    let from = 0;
    while (this.#heldBytes > 0 && from < chunk.length) from += this.#complete(chunk, from);
    while (from < chunk.length) {
      const length = lengthOf(chunk, from, chunk.length);
      if (length === null || from + length > chunk.length) {
        this.#hold(chunk, from, chunk.length, length ?? 0);
        return;
      }
      if (!this.#mayGoOn()) {
        this.#later.push(Buffer.from(chunk.subarray(from)));
        return;
      }
      this.#batch(chunk, from + HEADER_BYTES, chunk.readUInt32LE(from + 4), from + length);
      from += length;
    }
  }

  /** Adds to the batch that is held what it still needs. @returns how much that was */
  #complete(chunk: Buffer, from: number): number {
    const before = this.#heldBytes;
    const length = lengthOf(this.#held, 0, before);
    const to = Math.min(chunk.length, from + (length ?? HEADER_BYTES) - before);
    this.#hold(chunk, from, to, length ?? 0);
    if (length !== null && this.#heldBytes === length) {
      this.#heldBytes = 0;
      this.#batch(this.#held, HEADER_BYTES, this.#held.readUInt32LE(4), length);
    }
    return to - from;
  }

  #hold(chunk: Buffer, from: number, to: number, lengthBytes: number): void {
    const needed = Math.max(lengthBytes, this.#heldBytes + to - from);
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(needed);
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    this.#heldBytes += chunk.copy(this.#held, this.#heldBytes, from, to);
  }

  #batch(all: Buffer, start: number, count: number, end: number): void {
    const record = this.#record;
    const view = new DataView(all.buffer, all.byteOffset, all.length);
    let at = start;
    for (let i = 0; i < count; i++) {
      if (at + RECORD_BYTES > end) throw new Error("not a stream of observations");
      for (let j = 0; j < RECORD_FLOATS; j++) record[j] = view.getFloat64(at + j * 8, true);
      at += RECORD_BYTES;
      const length = payloadBytes(record[0]!, record[3]!);
      if (!(length >= 0 && at + length <= end)) throw new Error("not a stream of observations");
      this.#handler(record, all, at, at + length);
      at += length;
    }
  }
}

/** @returns the length of the batch that begins at `from`; null while its header is not whole */
function lengthOf(buffer: Buffer, from: number, to: number): number | null {
  if (to - from < HEADER_BYTES) return null;
  const length = HEADER_BYTES + buffer.readUInt32LE(from + 8);
  if (buffer.readUInt32LE(from) !== MARK || length > MAX_BATCH_BYTES) {
    throw new Error("not a stream of observations");
  }
  return length;
}
