import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { cannotWrite, SmtpscopeError } from "../spine/errors.ts";
import { DASH } from "./dash.ts";

/** Where the result goes: standard output, or the file of -O. */
export interface Output {
  readonly isTerminal: boolean;
  write(text: string): Promise<void>;
  close(): void;
}

/**
 * @param path null or `-`: standard output
 * @param inputs files that are being read: a result must not take their place
 * @param asItGoes the result is written bit by bit, so the file is written in place
 */
export function openOutput(path: string | null, inputs: readonly string[], asItGoes: boolean): Output {
  if (path === null || path === DASH) return standardOutput();
  const there = safeStat(path);
  const taken = inputs.find((input) => isSameFile(path, input));
  if (taken !== undefined) {
    throw new SmtpscopeError("usage", `-O ${path} would overwrite ${taken}, which is to be read`);
  }
  // A whole result is made beside the old one and takes its place when it is complete.
  const beside = !asItGoes && (there === undefined || there.isFile());
  const target = beside ? `${path}.${process.pid}.part` : path;
  return new FileOutput(path, target, there === undefined);
}

class FileOutput implements Output {
  readonly isTerminal = false;
  readonly #path: string;
  readonly #target: string;
  readonly #isNew: boolean;
  readonly #fd: number;
  #written = false;
  #failed = false;

  constructor(path: string, target: string, isNew: boolean) {
    this.#path = path;
    this.#target = target;
    this.#isNew = isNew;
    try {
      // Tried at once, so that a long read is not for nothing.
      this.#fd = openSync(target, constants.O_WRONLY | constants.O_CREAT, 0o644);
    } catch (error) {
      throw new SmtpscopeError("output", cannotWrite(path, error));
    }
  }

  async write(text: string): Promise<void> {
    try {
      if (!this.#written && fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd);
      this.#written = true;
      for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(this.#fd, rest));
    } catch (error) {
      this.#failed = true;
      throw new SmtpscopeError("output", cannotWrite(this.#path, error));
    }
  }

  close(): void {
    closeSync(this.#fd);
    const beside = this.#target !== this.#path;
    if (beside && this.#written && !this.#failed) renameSync(this.#target, this.#path);
    else if (beside || (this.#isNew && !this.#written)) rmSync(this.#target, { force: true });
  }
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
          reject(new SmtpscopeError("output", cannotWrite("the result", error)));
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
