/**
 * Zstandard (RFC 8878), several frames in a row and skippable ones included.
 *
 * Node 20 has no zstd, so fzstd unpacks. Frames are taken apart here and handed to it block by block:
 * so the window it allocates is bounded, each block is handed on as soon as it is whole, and a cut or
 * damaged file keeps every block before.
 *
 * Deliberately absent: dictionaries, which captures are not packed with, and the check of the frame
 * checksum (xxHash64, which needs 64-bit arithmetic): what is damaged without breaking the compression
 * shows in the packets.
 */
import { Decompress } from "fzstd";
import { ByteSource } from "./byte-source.ts";
import type { DamageReport } from "./compressions.ts";

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** The last four bits of a skippable frame's magic number are the writer's. */
const SKIPPABLE_MASK = 0xffff_fff0;

/** What `zstd` itself unpacks without being told to use more memory (`--long=27`). */
const MAX_WINDOW_BYTES = 32 * 1024 * 1024;
/** RFC 8878 §3.1.1.2.3. */
const MAX_BLOCK_BYTES = 128 * 1024;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;
const CHECKSUM_BYTES = 4;

export function isZstd(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const magic = Buffer.from(head.subarray(0, 4)).readUInt32LE(0);
  return magic === MAGIC || isSkippable(magic);
}

export async function* unzstd(input: AsyncIterable<Buffer>, damaged: DamageReport): AsyncGenerator<Buffer> {
  const source = new ByteSource(input);
  try {
    for (;;) {
      const head = await source.peek(4);
      if (head.length === 0) return;
      if (!isZstd(head)) return damaged("damaged", "other bytes follow the end of the zstd data");
      const whole = isSkippable(head.readUInt32LE(0))
        ? await skipFrame(source)
        : yield* unpackFrame(source, damaged);
      if (!whole) return damaged("cut", "the zstd data ends early");
    }
  } finally {
    await source.close();
  }
}

/** What the start of a zstd file unpacks to, as far as it goes and its first frame reaches. */
export function unzstdHead(head: Buffer): Buffer {
  const descriptor = head[4];
  const unpacked: Uint8Array[] = [];
  if (descriptor === undefined || head.readUInt32LE(0) !== MAGIC) return Buffer.alloc(0);
  const header = head.subarray(0, headerBytes(descriptor));
  if (header.length < headerBytes(descriptor) || wrongWith(header) !== null) return Buffer.alloc(0);
  try {
    new Decompress((chunk) => unpacked.push(chunk)).push(head);
  } catch {
    // What came before the fault counts.
  }
  return Buffer.concat(unpacked);
}

function isSkippable(magic: number): boolean {
  return (magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC;
}

async function skipFrame(source: ByteSource): Promise<boolean> {
  const header = await source.take(8);
  if (header === null) return false;
  for (let leftBytes = header.readUInt32LE(4); leftBytes > 0; ) {
    const some = await source.some(leftBytes);
    if (some.length === 0) return false;
    source.drop(some.length);
    leftBytes -= some.length;
  }
  return true;
}

/** @returns false when the input ends first. What is wrong otherwise goes to `damaged`, which counts the first only. */
async function* unpackFrame(source: ByteSource, damaged: DamageReport): AsyncGenerator<Buffer, boolean> {
  const descriptor = (await source.peek(5))[4];
  if (descriptor === undefined) return false;
  const header = await source.take(headerBytes(descriptor));
  if (header === null) return false;
  const wrong = wrongWith(header);
  if (wrong !== null) {
    damaged("damaged", wrong);
    return false;
  }

  const unpacked: Uint8Array[] = [];
  const decompress = new Decompress((chunk) => unpacked.push(chunk));
  decompress.push(header);
  for (let last = false; !last; ) {
    const blockHeader = await source.peek(3);
    if (blockHeader.length < 3) return false;
    const word = blockHeader.readUIntLE(0, 3);
    last = (word & 1) === 1;
    const type = (word >> 1) & 3;
    const sizeBytes = word >> 3;
    if (type === RESERVED_BLOCK || sizeBytes > MAX_BLOCK_BYTES) {
      damaged("damaged", "the zstd data is damaged");
      return false;
    }
    const checksumBytes = last && hasChecksum(descriptor) ? CHECKSUM_BYTES : 0;
    const block = await source.take(3 + (type === RLE_BLOCK ? 1 : sizeBytes) + checksumBytes);
    if (block === null) return false;
    try {
      decompress.push(block, last);
    } catch {
      // fzstd throws its own errors, and RangeErrors out of bad tables.
      damaged("damaged", "the zstd data is damaged");
      return false;
    }
    for (const chunk of unpacked.splice(0)) {
      if (chunk.length > 0) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    }
  }
  return true;
}

function hasChecksum(descriptor: number): boolean {
  return (descriptor & 0x04) !== 0;
}

function isSingleSegment(descriptor: number): boolean {
  return (descriptor & 0x20) !== 0;
}

function headerBytes(descriptor: number): number {
  const windowBytes = isSingleSegment(descriptor) ? 0 : 1;
  return 5 + windowBytes + [0, 1, 2, 4][descriptor & 3]! + contentSizeBytes(descriptor);
}

function contentSizeBytes(descriptor: number): number {
  return [isSingleSegment(descriptor) ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
}

function wrongWith(header: Buffer): string | null {
  const descriptor = header[4]!;
  if ((descriptor & 0x08) !== 0) return "the zstd data is damaged";
  if ((descriptor & 3) !== 0) return "the zstd data needs a dictionary";
  if (windowBytes(header) <= MAX_WINDOW_BYTES) return null;
  return "the zstd data needs more than 32 MiB at once to unpack: unpack it with zstd --long=31 first";
}

function windowBytes(header: Buffer): number {
  const descriptor = header[4]!;
  if (!isSingleSegment(descriptor)) {
    const base = 2 ** (10 + (header[5]! >> 3));
    return base + (base / 8) * (header[5]! & 7);
  }
  const sizeBytes = contentSizeBytes(descriptor);
  const at = header.length - sizeBytes;
  if (sizeBytes === 8) return Number(header.readBigUInt64LE(at));
  return header.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
}
