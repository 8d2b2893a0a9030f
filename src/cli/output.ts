import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { SmtpscopeError } from "../spine/errors.ts";

/** Where the result goes: standard output, or the file of -O. */
export interface Output {
  readonly isTerminal: boolean;
  write(text: string): Promise<void>;
  close(): void;
}

/** @param inputs files that are being read: a result must not take their place */
export function openOutput(path: string | null, inputs: readonly string[]): Output {
  if (path === null) return standardOutput();
  const taken = inputs.find((input) => isSameFile(path, input));
  if (taken !== undefined)
    throw new SmtpscopeError("usage", `-O ${path} would overwrite ${taken}, which is to be read`);
  // Tried at once, so that a long read is not for nothing; what is there goes when there is a result.
  const isNew = safeStat(path) === undefined;
  let fd: number;
  let written = false;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
  } catch (error) {
    throw cannotWrite(path, error);
  }
  return {
    isTerminal: false,
    write: async (text) => {
      try {
        if (!written && fstatSync(fd).isFile()) ftruncateSync(fd);
        written = true;
        for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        throw cannotWrite(path, error);
      }
    },
    close: () => {
      closeSync(fd);
      if (isNew && !written) rmSync(path, { force: true });
    },
  };
}

function standardOutput(): Output {
  return {
    isTerminal: process.stdout.isTTY === true,
    write: (text) =>
      new Promise((resolve, reject) => {
        // A full disk behind standard output is thrown, not told by an event.
        // A reader that has seen enough (head, a pager) is no error: see the EPIPE handler in main.ts.
        try {
          if (process.stdout.write(text)) resolve();
          else process.stdout.once("drain", resolve);
        } catch (error) {
          reject(cannotWrite("the result", error));
        }
      }),
    close: () => {},
  };
}

function isSameFile(a: string, b: string): boolean {
  const one = safeStat(a);
  const other = safeStat(b);
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

function safeStat(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function cannotWrite(path: string, error: unknown): SmtpscopeError {
  return new SmtpscopeError(
    "output",
    `cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`,
  );
}
