import { closeSync, openSync, writeSync } from "node:fs";
import { SmtpscopeError } from "../spine/errors.ts";

/** Where the result goes: standard output, or the file of -O. */
export interface Output {
  readonly isTerminal: boolean;
  write(text: string): Promise<void>;
  close(): void;
}

export function openOutput(path: string | null): Output {
  if (path === null) return standardOutput();
  let fd: number;
  try {
    fd = openSync(path, "w", 0o644);
  } catch (error) {
    throw cannotWrite(path, error);
  }
  return {
    isTerminal: false,
    write: async (text) => {
      try {
        for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        throw cannotWrite(path, error);
      }
    },
    close: () => closeSync(fd),
  };
}

function standardOutput(): Output {
  return {
    isTerminal: process.stdout.isTTY === true,
    write: (text) =>
      new Promise((resolve) => {
        // A reader that has seen enough (head, a pager) is no error: see the EPIPE handler in main.ts.
        if (process.stdout.write(text)) resolve();
        else process.stdout.once("drain", resolve);
      }),
    close: () => {},
  };
}

function cannotWrite(path: string, error: unknown): SmtpscopeError {
  return new SmtpscopeError(
    "output",
    `cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`,
  );
}
