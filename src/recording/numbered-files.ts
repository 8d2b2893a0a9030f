import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";

/** The files of one name, `x`, `x1`, `x2` …, as tcpdump -C counts them. */
export class NumberedFiles {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  nameOf(number: number): string {
    return number === 0 ? this.#path : `${this.#path}${number}`;
  }

  /** Those that are there, rising. */
  numbers(): number[] {
    const name = basename(this.#path);
    try {
      return readdirSync(dirname(this.#path))
        .filter((each) => each.startsWith(name) && /^\d{0,9}$/.test(each.slice(name.length)))
        .map((each) => Number(each.slice(name.length)))
        .sort((a, b) => a - b);
    } catch {
      // What is wrong with the folder is said when a file is to be made in it.
      return [];
    }
  }

  /** Removes what is older than the latest so many. @param keep null: nothing is removed */
  forget(latest: number, keep: number | null): void {
    if (keep === null) return;
    for (const number of this.numbers()) {
      if (number > latest - keep) break;
      try {
        rmSync(this.nameOf(number));
      } catch {
        // It is tried again with the next file.
      }
    }
  }
}

/** No line is longer: an exchange's record is bounded by what is kept of a reply. */
const MAX_LINE_BYTES = 1 << 20;
const LF = 0x0a;

/**
 * Cuts off a last line without an end: whoever wrote it was killed.
 * @param fd of the same file, open for writing
 * @returns how long the file is then
 */
export function wholeLines(path: string, fd: number): number {
  const { size } = fstatSync(fd);
  const from = Math.max(0, size - MAX_LINE_BYTES);
  const tail = Buffer.alloc(size - from);
  const reading = openSync(path, "r");
  try {
    readSync(reading, tail, 0, tail.length, from);
  } finally {
    closeSync(reading);
  }
  const whole = from + tail.lastIndexOf(LF) + 1;
  if (whole < size) ftruncateSync(fd, whole);
  return whole;
}
