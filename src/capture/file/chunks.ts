/**
 * Where bytes come from: a file, a pipe with a name, a stream of Node's. Each ends early and quietly
 * when reading is stopped, and an error of the system is the operator's to see.
 *
 * A named pipe is not left to `createReadStream`: its read blocks a thread until the writer writes, and
 * as long as one does, neither can the stream be destroyed nor the process exit. So it is opened
 * non-blocking and asked again and again.
 */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { setImmediate, setTimeout } from "node:timers/promises";
import { SmtpscopeError } from "../../spine/errors.ts";
import type { Pace } from "./pace.ts";

const CHUNK_BYTES = 256 * 1024;
/** A pipe holds 64 KiB: a writer that is busy has more at once, and is asked so often without a rest. */
const EAGER_TRIES = 100;
/** After that it is asked ever more seldom; a live capture is shown no later than that. */
const LONGEST_REST_MS = 10;

/** The rest of an open file. */
export async function* fileChunks(fd: number, path: string, pace: Pace): AsyncGenerator<Buffer> {
  while (!pace.aborted) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const bytes = fileErrors(path, () => readSync(fd, chunk, 0, chunk.length, null));
    if (bytes === 0) return;
    pace.read(bytes);
    yield chunk.subarray(0, bytes);
  }
}

/** Anything with a path that is no regular file: a named pipe, a process substitution, a device. */
export async function* pipeChunks(path: string, pace: Pace): AsyncGenerator<Buffer> {
  const fd = fileErrors(path, () => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
  // A pipe in the file system has no writer until one comes; one that was open already has had its own.
  let writerCame = /^\/(dev|proc)\//.test(path);
  try {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    let tries = 0;
    while (!pace.aborted) {
      const bytes = fileErrors(path, () => readNow(fd, buffer));
      if (bytes > 0) {
        writerCame = true;
        tries = 0;
        pace.read(bytes);
        yield Buffer.from(buffer.subarray(0, bytes));
      } else if (bytes === 0 && writerCame) return;
      else {
        tries += 1;
        if (tries <= EAGER_TRIES) await setImmediate();
        else await setTimeout(Math.min(tries - EAGER_TRIES, LONGEST_REST_MS));
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** @returns −1 when nothing is there yet, 0 when there is no writer */
function readNow(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return -1;
    throw error;
  }
}

export async function* streamChunks(
  stream: NodeJS.ReadableStream,
  name: string,
  pace: Pace,
): AsyncGenerator<Buffer> {
  const stop = (): void => {
    (stream as { destroy?: () => void }).destroy?.();
  };
  pace.signal?.addEventListener("abort", stop);
  if (pace.aborted) stop();
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk, "latin1") : chunk;
      pace.read(bytes.length);
      yield bytes;
      if (pace.aborted) return;
    }
  } catch (error) {
    if (!pace.aborted) throw unreadable(name, error);
  } finally {
    pace.signal?.removeEventListener("abort", stop);
  }
}

/** Runs `access`; what goes wrong is told of `path`. */
export function fileErrors<T>(path: string, access: () => T): T {
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
