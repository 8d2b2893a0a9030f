import type { ErrorCode } from "../spine/errors.ts";

/** Exit statuses; README.md and --help list them. */
export const EXIT = {
  done: 0,
  /** What --fail-on or --exit-code asks about is so. */
  found: 1,
  /** Wrong use, or input that is damaged or partly unreadable. */
  usage: 2,
  damaged: 2,
  /** No input could be read, or there is no SMTP in it. */
  nothingUsable: 3,
  /** Interrupted before the end of a finite input. */
  interrupted: 130,
  /** The screen was ended by a signal: 128 and its number, as shells have it. */
  signalled: { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as Readonly<Record<string, number>> & {
    readonly SIGHUP: number;
  },
  /** A defect of the program itself. */
  internal: 70,
} as const;

/** For --help. */
export const EXIT_STATUSES =
  "Exit status: 0 done; 1 what --fail-on asks about is so; 2 wrong use, or input damaged or in part unreadable (what was read is reported); " +
  "3 nothing readable, or no SMTP in it; 130 interrupted while reading files";

export function exitOf(code: ErrorCode): number {
  switch (code) {
    case "usage":
    case "filter":
    case "output":
      return EXIT.usage;
    case "unreadable":
    case "not-a-capture":
    case "empty-capture":
    case "nothing-usable":
      return EXIT.nothingUsable;
  }
}
