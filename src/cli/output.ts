import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  realpathSync,
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
  // Where the name is a link, what it leads to is replaced, not the link.
  const place = there === undefined ? path : realpathSync(path);
  const target = beside ? `${place}.${process.pid}.part` : place;
  return new FileOutput(path, place, target, there);
}

class FileOutput implements Output {
  readonly isTerminal = false;
  /** As the operator named it. */
  readonly #path: string;
  readonly #place: string;
  readonly #target: string;
  readonly #isNew: boolean;
  readonly #fd: number;
  #written = false;
  #failed = false;

  constructor(path: string, place: string, target: string, there: Stats | undefined) {
    this.#path = path;
    this.#place = place;
    this.#target = target;
    this.#isNew = there === undefined;
    const beside = target !== place;
    try {
      // Left by a process of this number that was killed; and never through a link that somebody has laid.
      if (beside) rmSync(target, { force: true });
      // Tried at once, so that a long read is not for nothing.
      const flags = constants.O_WRONLY | constants.O_CREAT | (beside ? constants.O_EXCL : 0);
      this.#fd = openSync(target, flags, 0o644);
      // Who may read the old result may read the new one, and nobody else.
      if (beside && there !== undefined) fchmodSync(this.#fd, there.mode & 0o777);
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
    const beside = this.#target !== this.#place;
    if (beside && this.#written && !this.#failed) renameSync(this.#target, this.#place);
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
