/**
 * gzip (RFC 1952), several members in a row included, handing on everything that can be unpacked
 * however the data ends.
 *
 * The headers are read here and only the deflate data goes to zlib, because zlib's own gzip reader
 * forgets what it unpacked in the call in which it meets an error: of a small capture with a few
 * bytes of garbage behind it nothing would be left. For the same reason input is handed to it in
 * slices, small at first and never more than a small part of what has gone before.
 *
 * Trailing zero bytes are padding (tapes, some file systems); anything else behind a member is damage.
 */
import { constants, crc32, createInflateRaw, gunzipSync, type InflateRaw } from "node:zlib";
import { ByteSource } from "./byte-source.ts";
import type { DamageReport } from "./compressions.ts";

const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const FLAG_HEADER_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;
/** File name and comment: no bound in the RFC; a header beyond this is not one. */
const MAX_TEXT_BYTES = 64 * 1024;

/** deflate expands at most 1032 times, so this bounds what one slice can unpack to at 33 MiB. */
const MAX_SLICE_BYTES = 32 * 1024;
const FIRST_SLICE_BYTES = 256;
/** Lost to an error at most: one part in this many. */
const SLICE_SHARE = 64;

export function isGzip(head: Uint8Array): boolean {
  return head.length >= 3 && head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

export async function* gunzip(input: AsyncIterable<Buffer>, damaged: DamageReport): AsyncGenerator<Buffer> {
  const source = new ByteSource(input);
  try {
    for (let members = 0; ; members += 1) {
      const head = await source.peek(3);
      if (members > 0 && !isGzip(head)) {
        if (!(await onlyZeros(source))) damaged("damaged", "other bytes follow the end of the gzip data");
        return;
      }
      if (!(await skipHeader(source))) return damaged("cut", "the gzip data ends inside its header");
      if (!(yield* inflateMember(source, damaged))) return;
    }
  } finally {
    await source.close();
  }
}

/** What the start of a gzip file unpacks to, as far as it goes. */
export function gunzipHead(head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0);
  }
}

async function skipHeader(source: ByteSource): Promise<boolean> {
  const header = await source.take(HEADER_BYTES);
  if (header === null) return false;
  const flags = header[3]!;
  if ((flags & FLAG_EXTRA) !== 0) {
    const length = await source.take(2);
    if (length === null || (await source.take(length.readUInt16LE(0))) === null) return false;
  }
  for (const text of [FLAG_NAME, FLAG_COMMENT]) {
    if ((flags & text) === 0) continue;
    let at = -1;
    for (let bytes = FIRST_SLICE_BYTES; at < 0; bytes *= 2) {
      const held = await source.peek(bytes);
      at = held.indexOf(0);
      if (at < 0 && (held.length < bytes || bytes > MAX_TEXT_BYTES)) return false;
    }
    source.drop(at + 1);
  }
  return (flags & FLAG_HEADER_CRC) === 0 || (await source.take(2)) !== null;
}

/** @returns whether the member was whole and right */
async function* inflateMember(source: ByteSource, damaged: DamageReport): AsyncGenerator<Buffer, boolean> {
  const inflater = new Inflater();
  let checksum = 0;
  let unpackedBytes = 0;
  try {
    for (;;) {
      const share = Math.floor(inflater.consumedBytes / SLICE_SHARE);
      const slice = await source.some(Math.min(Math.max(share, FIRST_SLICE_BYTES), MAX_SLICE_BYTES));
      if (slice.length === 0) {
        damaged("cut", "the gzip data ends early");
        return false;
      }
      const before = inflater.consumedBytes;
      const state = await inflater.inflate(slice);
      source.drop(inflater.consumedBytes - before);
      for (const chunk of inflater.takeUnpacked()) {
        checksum = crc32(chunk, checksum);
        unpackedBytes += chunk.length;
        yield chunk;
      }
      if (state === "wrong") {
        damaged("damaged", "the gzip data is damaged");
        return false;
      }
      if (state === "ended") break;
    }
  } finally {
    inflater.close();
  }
  const trailer = await source.take(TRAILER_BYTES);
  if (trailer === null) {
    damaged("cut", "the gzip data ends before its checksum");
    return false;
  }
  if (trailer.readUInt32LE(0) === checksum && trailer.readUInt32LE(4) === unpackedBytes % 2 ** 32)
    return true;
  damaged("damaged", "the gzip checksum is wrong");
  return false;
}

async function onlyZeros(source: ByteSource): Promise<boolean> {
  for await (const chunk of source.rest()) {
    if (chunk.some((byte) => byte !== 0)) return false;
  }
  return true;
}

/** One deflate stream through zlib, one slice at a time. */
class Inflater {
  readonly #inflate: InflateRaw = createInflateRaw({ chunkSize: 64 * 1024 });
  #unpacked: Buffer[] = [];
  #settle: (state: "more" | "ended" | "wrong") => void = () => {};

  constructor() {
    this.#inflate.on("data", (chunk: Buffer) => this.#unpacked.push(chunk));
    this.#inflate.on("end", () => this.#settle("ended"));
    this.#inflate.on("error", () => this.#settle("wrong"));
  }

  get consumedBytes(): number {
    return this.#inflate.bytesWritten;
  }

  /** zlib answers a slice that goes past the end of the stream with `end`, not with the write's callback. */
  inflate(slice: Buffer): Promise<"more" | "ended" | "wrong"> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#inflate.write(slice, () => resolve("more"));
    });
  }

  takeUnpacked(): Buffer[] {
    const unpacked = this.#unpacked;
    this.#unpacked = [];
    return unpacked;
  }

  close(): void {
    this.#inflate.destroy();
  }
}
