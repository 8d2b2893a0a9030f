/**
 * Reads a capture, from a file or a stream: recognises what it is by its content, unpacks it, decodes it.
 *
 * A regular file is read synchronously into one buffer, which costs about half of what a stream does;
 * between reads the event loop runs. Anything else (a pipe, standard input, a device) is a stream:
 * back-pressure holds, and a packet is handed on as soon as its bytes are there.
 *
 * An input that is no capture is the operator's mistake, an SmtpscopeError. A capture that stops making
 * sense is not: what could be read has gone to the sink, and the outcome says where it stopped.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { SmtpscopeError } from "../../spine/errors.ts";
import type { Damage, RecordSink } from "../packet.ts";
import { ByteSource } from "./byte-source.ts";
import { fileChunks, fileErrors, pipeChunks, streamChunks } from "./chunks.ts";
import { type Compression, type CompressionName, compressionOf } from "./compressions.ts";
import { Feed } from "./feed.ts";
import { type FormatName, HEAD_BYTES } from "./formats.ts";
import { describeLookalike } from "./lookalikes.ts";
import { Pace, type PaceOptions } from "./pace.ts";
import type { Schedule } from "./paced.ts";

export interface ReadOptions extends PaceOptions {
  /** What to call the input in messages; a file goes by its path. */
  name?: string;
  /** When packets are to be handed on; at once, unless given. Files only. */
  schedule?: Schedule;
}

export interface ReadOutcome {
  damage: Damage | null;
  /** null only when reading was stopped before the first bytes came. */
  format: FormatName | null;
  compression: CompressionName | null;
  /** Bytes of the capture, unpacked. */
  bytes: number;
  linkTypes: readonly number[];
  /** Time stamps were finer than the µs they are floored to. */
  nanoseconds: boolean;
}

export async function readCaptureFile(
  path: string,
  sink: RecordSink,
  options: ReadOptions = {},
): Promise<ReadOutcome> {
  const name = options.name ?? path;
  const status = fileErrors(path, () => statSync(path));
  if (status.isDirectory()) throw new SmtpscopeError("unreadable", `${name} is a directory, not a file`);
  if (!status.isFile()) {
    const pace = new Pace(options, 0);
    return readChunks(pipeChunks(path, pace), sink, pace, name);
  }
  const fd = fileErrors(path, () => openSync(path, "r"));
  try {
    const pace = new Pace(options, fstatSync(fd).size);
    const head = Buffer.alloc(HEAD_BYTES);
    const headBytes = fileErrors(path, () => readSync(fd, head, 0, HEAD_BYTES, 0));
    const compression = compressionOf(head.subarray(0, headBytes));
    const feed = new Feed(sink);
    if (compression !== null)
      return await readPacked(fileChunks(fd, path, pace), compression, feed, pace, name);
    let readBytes = -1;
    while (readBytes !== 0 && !feed.stopped && !pace.aborted) {
      const room = feed.room();
      readBytes = fileErrors(path, () => readSync(fd, room, 0, room.length, null));
      pace.read(readBytes);
      feed.filled(readBytes);
      await pace.pause();
    }
    return outcome(feed, null, null, pace, name);
  } finally {
    closeSync(fd);
  }
}

export async function readCaptureStream(
  stream: NodeJS.ReadableStream,
  sink: RecordSink,
  options: ReadOptions = {},
): Promise<ReadOutcome> {
  const name = options.name ?? "standard input";
  const pace = new Pace(options, 0);
  return readChunks(streamChunks(stream, name, pace), sink, pace, name);
}

async function readChunks(
  chunks: AsyncIterable<Buffer>,
  sink: RecordSink,
  pace: Pace,
  name: string,
): Promise<ReadOutcome> {
  const source = new ByteSource(chunks);
  try {
    const compression = compressionOf(await source.peek(HEAD_BYTES));
    const feed = new Feed(sink);
    if (compression !== null) return await readPacked(source.rest(), compression, feed, pace, name);
    for await (const chunk of source.rest()) {
      feed.push(chunk);
      await pace.pause();
      if (feed.stopped || pace.aborted) break;
    }
    return outcome(feed, null, null, pace, name);
  } finally {
    await source.close();
  }
}

async function readPacked(
  chunks: AsyncIterable<Buffer>,
  compression: Compression,
  feed: Feed,
  pace: Pace,
  name: string,
): Promise<ReadOutcome> {
  let fault: Pick<Damage, "kind" | "what"> | null = null;
  const unpacked = compression.unpack(chunks, (kind, what) => {
    fault ??= { kind, what };
  });
  for await (const chunk of unpacked) {
    feed.push(chunk);
    await pace.pause();
    if (feed.stopped || pace.aborted) break;
  }
  return outcome(feed, compression.name, fault, pace, name);
}

function outcome(
  feed: Feed,
  compression: CompressionName | null,
  fault: Pick<Damage, "kind" | "what"> | null,
  pace: Pace,
  name: string,
): ReadOutcome {
  // Stopped on purpose, the last record is not cut: it was not read.
  if (!pace.aborted) feed.finish();
  const { decoder, format } = feed;
  if (decoder === null && !pace.aborted) throw notACapture(feed, compression, fault, name);
  const consumedBytes = decoder?.consumedBytes ?? 0;
  // What is wrong with the packing explains a record cut short, not one that makes no sense.
  const own = decoder?.damage ?? null;
  const packing = fault === null || own?.kind === "damaged" ? null : fault;
  return {
    damage: packing === null ? own : { ...packing, offsetBytes: consumedBytes },
    format,
    compression,
    bytes: feed.takenBytes,
    linkTypes: decoder?.linkTypes ?? [],
    nanoseconds: decoder?.nanoseconds ?? false,
  };
}

function notACapture(
  feed: Feed,
  compression: CompressionName | null,
  fault: Pick<Damage, "what"> | null,
  name: string,
): SmtpscopeError {
  const head = feed.leftover;
  const packed = compression === null ? "" : `${compression} data with `;
  if (head.length < HEAD_BYTES && fault !== null) {
    return new SmtpscopeError("not-a-capture", `${name}: nothing can be read: ${fault.what}`);
  }
  if (head.length === 0) {
    const what =
      compression === null ? "is empty (0 bytes)" : `holds nothing: ${compression} data of 0 bytes`;
    return new SmtpscopeError("empty-capture", `${name} ${what}: no packet was ever written to it`);
  }
  const { what, hint } = describeLookalike(head);
  const is = what === "not a capture" ? `${packed}no capture in a known format` : `${packed}${what}`;
  return new SmtpscopeError("not-a-capture", `${name} is ${is}: ${hint}`);
}
