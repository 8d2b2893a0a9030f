/**
 * A cheap look at a capture file: its first packet, and its last as far as that is to be had without
 * reading what lies between. For putting files in order, never for what is reported of them.
 *
 * Deliberately absent: pipes (looking would consume them), the end of packed files (everything before
 * it would have to be unpacked), certainty about the last packet (a record is searched for in the
 * last piece of the file).
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { NO_TIME } from "../../spine/wire.ts";
import type { RecordSink } from "../packet.ts";
import { compressionOf } from "./compressions.ts";
import type { CaptureDecoder } from "./decoder.ts";
import { formatOf } from "./formats.ts";

export interface Peek {
  firstUs: number;
  /** Of the packet with the latest time near the end; null when not to be had. */
  lastUs: number | null;
  /** Of the first packet with a time. */
  linkType: number;
}

/** A first packet further in than this is not found: longer than the longest records, and quickly read. */
const PIECE_BYTES = 1024 * 1024;
/** Of packed files: unpacks to 16 MiB at most. */
const PACKED_HEAD_BYTES = 16 * 1024;

/** The first packet that has a time; null when there is none near the start, or no capture. */
export function firstPacketTime(path: string): { atUs: number; linkType: number } | null {
  const peek = peekCapture(path, false);
  return peek === null ? null : { atUs: peek.firstUs, linkType: peek.linkType };
}

/** @returns null when no packet with a time is near the start, or the file is no capture, or not to be read */
export function peekCapture(path: string, alsoLast = true): Peek | null {
  let fd: number | null = null;
  try {
    // Opening a pipe would wait for its writer.
    if (!statSync(path).isFile()) return null;
    fd = openSync(path, "r");
    return peekOpened(fd, fstatSync(fd).size, alsoLast);
  } catch {
    return null;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function peekOpened(fd: number, sizeBytes: number, alsoLast: boolean): Peek | null {
  let piece = pieceOf(fd, 0, Math.min(PACKED_HEAD_BYTES, sizeBytes));
  const compression = compressionOf(piece);
  if (compression !== null) piece = compression.unpackHead(piece);
  const times = new Times();
  let decoder = decode(piece, times);
  if (
    compression === null &&
    sizeBytes > piece.length &&
    (times.first === null || sizeBytes <= PIECE_BYTES)
  ) {
    piece = pieceOf(fd, 0, Math.min(PIECE_BYTES, sizeBytes));
    decoder = decode(piece, times);
  }
  const first = times.first;
  if (decoder === null || first === null) return null;
  const peek = { firstUs: first.atUs, lastUs: null, linkType: first.linkType };
  if (!alsoLast || compression !== null || decoder.damage !== null) return peek;
  if (piece.length === sizeBytes) return { ...peek, lastUs: times.latestUs };

  const tail = pieceOf(fd, Math.max(0, sizeBytes - PIECE_BYTES), PIECE_BYTES);
  const at = decoder.findRecord(tail, 0, tail.length);
  if (at < 0) return peek;
  times.latestUs = first.atUs;
  decoder.decode(tail, at, tail.length);
  return { ...peek, lastUs: times.latestUs };
}

function decode(piece: Buffer, times: RecordSink): CaptureDecoder | null {
  const decoder = formatOf(piece)?.decoder(times) ?? null;
  decoder?.decode(piece, 0, piece.length);
  return decoder;
}

function pieceOf(fd: number, position: number, bytes: number): Buffer {
  const piece = Buffer.alloc(bytes);
  return piece.subarray(0, readSync(fd, piece, 0, bytes, position));
}

class Times implements RecordSink {
  first: { atUs: number; linkType: number } | null = null;
  latestUs = NO_TIME;

  record(
    atUs: number,
    _buffer: Uint8Array,
    _start: number,
    _end: number,
    _wireLength: number,
    linkType: number,
  ): void {
    if (atUs === NO_TIME) return;
    this.first ??= { atUs, linkType };
    if (atUs > this.latestUs) this.latestUs = atUs;
  }

  blank(): void {}

  dropped(): void {}
}
