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
import { closeSync, createReadStream, fstatSync, openSync, readSync, statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { SmtpscopeError } from "../../spine/errors.ts";
import type { Damage, RecordSink } from "../packet.ts";
import { ByteSource } from "./byte-source.ts";
import { type Compression, type CompressionName, compressionOf } from "./compressions.ts";
import { Feed } from "./feed.ts";
import { type FormatName, HEAD_BYTES } from "./formats.ts";
import { describeLookalike } from "./lookalikes.ts";

export interface ReadOptions {
  /** Stops reading; the outcome is that of what was read. */
  signal?: AbortSignal;
  /** Bytes of the file as it lies there, packed or not. A stream has no total: 0. */
  onProgress?: (readBytes: number, totalBytes: number) => void;
  /** Runs between batches; reading waits for it. */
  betweenBatches?: () => void | Promise<void>;
  /** What to call the input in messages; a file goes by its path. */
  name?: string;
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

/** Chunks of a packed file. */
const PACKED_CHUNK_BYTES = 256 * 1024;

export async function readCaptureFile(
  path: string,
  sink: RecordSink,
  options: ReadOptions = {},
): Promise<ReadOutcome> {
  const named = { name: path, ...options };
  const regular = fileErrors(path, () => statSync(path).isFile());
  if (!regular) return readCaptureStream(createReadStream(path), sink, named);
  const fd = fileErrors(path, () => openSync(path, "r"));
  try {
    const pace = new Pace(named, fstatSync(fd).size);
    const head = Buffer.alloc(HEAD_BYTES);
    const headBytes = fileErrors(path, () => readSync(fd, head, 0, HEAD_BYTES, 0));
    const compression = compressionOf(head.subarray(0, headBytes));
    const feed = new Feed(sink);
    if (compression !== null)
      return await readPacked(chunksOf(fd, path, pace), compression, feed, pace, named);
    let readBytes = -1;
    while (readBytes !== 0 && !feed.stopped && !pace.aborted) {
      const room = feed.room();
      readBytes = fileErrors(path, () => readSync(fd, room, 0, room.length, null));
      feed.filled(readBytes);
      await pace.batch(readBytes);
    }
    return outcome(feed, null, null, pace, path);
  } finally {
    closeSync(fd);
  }
}

export async function readCaptureStream(
  stream: NodeJS.ReadableStream,
  sink: RecordSink,
  options: ReadOptions = {},
): Promise<ReadOutcome> {
  const named = { name: "standard input", ...options };
  const pace = new Pace(named, 0);
  const source = new ByteSource(chunksFrom(stream, pace, named));
  try {
    const compression = compressionOf(await source.peek(HEAD_BYTES));
    const feed = new Feed(sink);
    if (compression !== null) return await readPacked(source.rest(), compression, feed, pace, named);
    for await (const chunk of source.rest()) {
      feed.push(chunk);
      await pace.batch(0);
      if (feed.stopped || pace.aborted) break;
    }
    return outcome(feed, null, null, pace, named.name);
  } finally {
    await source.close();
  }
}

async function readPacked(
  chunks: AsyncIterable<Buffer>,
  compression: Compression,
  feed: Feed,
  pace: Pace,
  options: ReadOptions & { name: string },
): Promise<ReadOutcome> {
  let fault: Pick<Damage, "kind" | "what"> | null = null;
  const unpacked = compression.unpack(chunks, (kind, what) => {
    fault ??= { kind, what };
  });
  for await (const chunk of unpacked) {
    feed.push(chunk);
    await pace.batch(0);
    if (feed.stopped || pace.aborted) break;
  }
  return outcome(feed, compression.name, fault, pace, options.name);
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

/** Lets the rest of the program run between batches, and tells it how far reading is. */
class Pace {
  readonly #options: ReadOptions;
  readonly #totalBytes: number;
  #readBytes = 0;

  constructor(options: ReadOptions, totalBytes: number) {
    this.#options = options;
    this.#totalBytes = totalBytes;
  }

  get aborted(): boolean {
    return this.#options.signal?.aborted ?? false;
  }

  /** Counts input bytes. */
  read(bytes: number): void {
    this.#readBytes += bytes;
  }

  async batch(bytes: number): Promise<void> {
    this.read(bytes);
    this.#options.onProgress?.(this.#readBytes, this.#totalBytes);
    await setImmediate();
    await this.#options.betweenBatches?.();
  }
}

async function* chunksOf(fd: number, path: string, pace: Pace): AsyncGenerator<Buffer> {
  while (!pace.aborted) {
    const chunk = Buffer.allocUnsafeSlow(PACKED_CHUNK_BYTES);
    const bytes = fileErrors(path, () => readSync(fd, chunk, 0, chunk.length, null));
    if (bytes === 0) return;
    pace.read(bytes);
    yield chunk.subarray(0, bytes);
  }
}

async function* chunksFrom(
  stream: NodeJS.ReadableStream,
  pace: Pace,
  options: ReadOptions & { name: string },
): AsyncGenerator<Buffer> {
  const stop = (): void => {
    (stream as { destroy?: () => void }).destroy?.();
  };
  options.signal?.addEventListener("abort", stop);
  if (pace.aborted) stop();
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk, "latin1") : chunk;
      pace.read(bytes.length);
      yield bytes;
      if (pace.aborted) return;
    }
  } catch (error) {
    if (!pace.aborted) throw unreadable(options.name, error);
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
}

function fileErrors<T>(path: string, access: () => T): T {
  try {
    return access();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(name: string, error: unknown): SmtpscopeError {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const why =
    { ENOENT: "no such file", EACCES: "permission denied", EISDIR: "it is a directory" }[code] ??
    (error instanceof Error ? error.message : String(error));
  return new SmtpscopeError("unreadable", `${name} cannot be read: ${why}`);
}
