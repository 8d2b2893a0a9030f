/**
 * What the relay tells those who watch, on its way between processes: batches of records. The relay
 * writes numbers into one array and copies bytes into another; nothing is serialised a second time.
 *
 * A batch on the wire: three 32-bit numbers (mark, records, payload bytes; little-endian), the records
 * as 64-bit floats, the payload. A record's payload is the next `length` bytes where its kind has one.
 */

/** What a record says. Side kinds come in pairs: client, server. */
export const OPEN = 1;
export const CONNECTED = 2;
export const FAILED = 3;
export const CLIENT_BYTES = 4;
export const SERVER_BYTES = 5;
export const CLIENT_GAP = 6;
export const SERVER_GAP = 7;
export const CLIENT_END = 8;
export const SERVER_END = 9;
export const CLOSE = 10;
export const TICK = 11;
/** JSON of a `RelayState`. */
export const STATE = 12;
/** JSON of an `Order`. */
export const ORDER = 13;

/** What an earlier observer had made of it: its last checkpoint. */
export const RESTORE = 14;

/** Floats a record: kind, connection, µs since 1970, length, uncertainty of the stamp (µs), µs from reading to written. */
const RECORD_FLOATS = 6;
/** Length of an END record: how it ended. */
export const FIN = 0;
export const RST = 1;

const MARK = 0x534d5450;
const HEADER_BYTES = 12;

/** A batch is sent when it holds this much, or is this old: 64 KiB fit a pipe's buffer. */
const BATCH_BYTES = 65_536;
const BATCH_RECORDS = 2_048;

/** Larger than any batch can be: one chunk (see pair.ts) beyond a full one. A stream that claims more is not ours. */
const MAX_BATCH_BYTES = 4 << 20;

const hasPayload = (kind: number) =>
  kind <= SERVER_BYTES || kind === CLOSE || kind === STATE || kind === ORDER || kind === RESTORE;

/** Collects records; `take` gives the batch as buffers to be written one after the other. */
export class BatchWriter {
  #records = new Float64Array(BATCH_RECORDS * RECORD_FLOATS);
  #count = 0;
  #payload: Buffer[] = [];
  #payloadBytes = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get isFull(): boolean {
    return this.#payloadBytes >= BATCH_BYTES || this.#count >= BATCH_RECORDS;
  }

  get bytes(): number {
    return this.#payloadBytes + this.#count * RECORD_FLOATS * 8;
  }

  /** @param payload kept until the batch is written: not to be changed any more */
  add(
    kind: number,
    connection: number,
    atUs: number,
    length: number,
    uncertaintyUs: number,
    shareUs: number,
    payload: Buffer | null,
  ): void {
    if (this.#count * RECORD_FLOATS === this.#records.length) this.#grow();
    const at = this.#count++ * RECORD_FLOATS;
    const records = this.#records;
    records[at] = kind;
    records[at + 1] = connection;
    records[at + 2] = atUs;
    records[at + 3] = length;
    records[at + 4] = uncertaintyUs;
    records[at + 5] = shareUs;
    if (payload !== null) {
      this.#payload.push(payload);
      this.#payloadBytes += payload.length;
    }
  }

  #grow(): void {
    const larger = new Float64Array(this.#records.length * 2);
    larger.set(this.#records);
    this.#records = larger;
  }

  /** The batch as it goes out: one buffer, or a few large ones that are not worth copying together. */
  take(): Buffer[] {
    const recordBytes = this.#count * RECORD_FLOATS * 8;
    const parts = this.#payload;
    const together = parts.length > MAX_PARTS;
    const head = Buffer.allocUnsafe(HEADER_BYTES + recordBytes + (together ? this.#payloadBytes : 0));
    head.writeUInt32LE(MARK, 0);
    head.writeUInt32LE(this.#count, 4);
    head.writeUInt32LE(this.#payloadBytes, 8);
    head.set(new Uint8Array(this.#records.buffer, 0, recordBytes), HEADER_BYTES);
    let at = HEADER_BYTES + recordBytes;
    if (together) {
      for (const part of parts) {
        head.set(part, at);
        at += part.length;
      }
    }
    this.#count = 0;
    this.#payload = [];
    this.#payloadBytes = 0;
    return together ? [head] : [head, ...parts];
  }
}

/** Up to so many parts a gathering write costs less than the copy. */
const MAX_PARTS = 8;

/** Takes one record. `start` and `end` bound its payload in `payload`, which is lent for the call. */
export type RecordHandler = (record: Float64Array, payload: Uint8Array, start: number, end: number) => void;

/** The other end: bytes as they come, cut anywhere, into records. */
export class BatchReader {
  readonly #handler: RecordHandler;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #wantedBytes = HEADER_BYTES;
  readonly #record = new Float64Array(RECORD_FLOATS);

  constructor(handler: RecordHandler) {
    this.#handler = handler;
  }

  /** @throws Error when this is not a relay's stream */
  push(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes < this.#wantedBytes) return;
    const all = this.#waiting.length === 1 ? chunk : Buffer.concat(this.#waiting);
    let at = 0;
    for (;;) {
      const left = all.length - at;
      this.#wantedBytes = HEADER_BYTES;
      if (left < HEADER_BYTES) break;
      if (all.readUInt32LE(at) !== MARK) throw new Error("not a stream of observations");
      this.#wantedBytes += all.readUInt32LE(at + 4) * RECORD_FLOATS * 8 + all.readUInt32LE(at + 8);
      if (this.#wantedBytes > MAX_BATCH_BYTES) throw new Error("not a stream of observations");
      if (left < this.#wantedBytes) break;
      this.#batch(all, at + HEADER_BYTES, all.readUInt32LE(at + 4), at + this.#wantedBytes);
      at += this.#wantedBytes;
    }
    this.#waiting = at === all.length ? [] : [all.subarray(at)];
    this.#waitingBytes = all.length - at;
  }

  #batch(all: Buffer, recordsAt: number, count: number, end: number): void {
    const record = this.#record;
    const view = new DataView(all.buffer, all.byteOffset, all.length);
    let payloadAt = recordsAt + count * RECORD_FLOATS * 8;
    for (let i = 0; i < count; i++) {
      const at = recordsAt + i * RECORD_FLOATS * 8;
      for (let j = 0; j < RECORD_FLOATS; j++) record[j] = view.getFloat64(at + j * 8, true);
      const length = hasPayload(record[0]!) ? record[3]! : 0;
      if (!(length >= 0 && payloadAt + length <= end)) throw new Error("not a stream of observations");
      this.#handler(record, all, payloadAt, payloadAt + length);
      payloadAt += length;
    }
  }
}
