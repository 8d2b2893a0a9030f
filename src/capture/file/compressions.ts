/**
 * What a capture file may be packed in. One layer: a packed file inside a packed file is not opened.
 *
 * To add one: a generator that unpacks chunk by chunk, holds a bounded amount, reports instead of
 * throwing, and yields everything that comes before the fault.
 */
import type { Damage } from "../packet.ts";
import { gunzip, gunzipHead, isGzip } from "./gzip.ts";
import { isZstd, unzstd, unzstdHead } from "./zstd.ts";

export type CompressionName = "gzip" | "zstd";

/** The first report counts; where it was is the reader's to say. */
export type DamageReport = (kind: Damage["kind"], what: string) => void;

export interface Compression {
  readonly name: CompressionName;
  /** Given HEAD_BYTES bytes (formats.ts), or all there are. */
  recognises(head: Uint8Array): boolean;
  unpack(input: AsyncIterable<Buffer>, damaged: DamageReport): AsyncGenerator<Buffer>;
  /** The start of it, at once, for a look at the first packet. */
  unpackHead(head: Buffer): Buffer;
}

const COMPRESSIONS: readonly Compression[] = [
  { name: "gzip", recognises: isGzip, unpack: gunzip, unpackHead: gunzipHead },
  { name: "zstd", recognises: isZstd, unpack: unzstd, unpackHead: unzstdHead },
];

export function compressionOf(head: Uint8Array): Compression | null {
  return COMPRESSIONS.find(({ recognises }) => recognises(head)) ?? null;
}
