import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Rotation } from "../recording/rotating-file.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { parseLength } from "./times.ts";

/** The files that a proxy writes for as long as it runs: a recording, a log, both rotated alike. */

export const FILE_OPTIONS = {
  write: {
    alias: "w",
    type: "string",
    requiresArg: true,
    describe: "Record the dialogues as a capture, FILE.pcapng; secrets and messages become filler",
  },
  raw: {
    type: "boolean",
    default: false,
    describe: "Record everything as it came: passwords and mail too, in a file for you alone",
  },
  log: {
    type: "string",
    requiresArg: true,
    describe: "Write every exchange and dialogue to FILE as replay -o ndjson does",
  },
  "rotate-size": {
    type: "string",
    requiresArg: true,
    describe: "Go on in another file when one has this size, e.g. 100MB",
  },
  "rotate-age": {
    type: "string",
    requiresArg: true,
    describe: "Go on in another file when one spans this time, e.g. 1h",
  },
  keep: { type: "number", requiresArg: true, describe: "So many files stay, older ones are removed" },
} as const;

interface FileArguments {
  readonly write: string | undefined;
  readonly raw: boolean;
  readonly log: string | undefined;
  readonly rotateSize: string | undefined;
  readonly rotateAge: string | undefined;
  readonly keep: number | undefined;
}

/** What to write: plain values, for another process. */
export interface FileRequest extends Rotation {
  readonly recording: string | null;
  readonly raw: boolean;
  readonly log: string | null;
}

/** @throws SmtpscopeError */
export function fileRequest(args: FileArguments): FileRequest {
  const { write = null, raw, log = null, keep } = args;
  if (raw && write === null) throw new SmtpscopeError("usage", "--raw is about a recording: name it with -w");
  if (write !== null && !write.endsWith(".pcapng"))
    throw new SmtpscopeError("usage", `-w ${write}: a recording's name ends in .pcapng`);
  if (keep !== undefined && (!Number.isInteger(keep) || keep < 1))
    throw new SmtpscopeError("usage", "--keep takes a whole number above 0");
  const rotates = args.rotateSize ?? args.rotateAge;
  if (write === null && log === null && (rotates ?? keep) !== undefined)
    throw new SmtpscopeError(
      "usage",
      "nothing is written that could be rotated: name a file with -w or --log",
    );
  return {
    recording: write,
    raw,
    log,
    sizeBytes: args.rotateSize === undefined ? null : parseSize(args.rotateSize, "rotate-size"),
    ageUs: args.rotateAge === undefined ? null : agedUs(args.rotateAge),
    keep: keep ?? null,
  };
}

/** Asked before anything runs: the process that writes cannot refuse to start. @throws SmtpscopeError */
export function refuseUnwritable({ recording, log }: FileRequest): void {
  for (const [option, path] of [
    ["-w", recording],
    ["--log", log],
  ] as const) {
    if (path === null) continue;
    try {
      accessSync(dirname(path), constants.W_OK | constants.X_OK);
    } catch (error) {
      const why =
        (error as NodeJS.ErrnoException).code === "ENOENT"
          ? "there is no such folder"
          : "its folder cannot be written to";
      throw new SmtpscopeError("output", `${option} ${path}: ${why}`);
    }
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw new SmtpscopeError("output", `${option} ${path}: it is a folder`);
  }
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/** Smaller files would be mostly beginnings. */
const LEAST_BYTES = 10_000;
const LEAST_AGE_US = 1_000_000;

/** A size as written by the operator: `100MB`, `1.5GB`, `64MiB`, or bytes. */
function parseSize(text: string, option: string): number {
  const parts = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmg]i?)?b?)\s*$/i.exec(text);
  const bytes =
    parts === null ? Number.NaN : Math.floor(Number(parts[1]) * UNITS[(parts[2] ?? "").toLowerCase()]!);
  if (bytes >= LEAST_BYTES) return bytes;
  throw new SmtpscopeError("usage", `--${option}: "${text}" is no size from 10kB; write 500kB, 100MB or 1GB`);
}

function agedUs(text: string): number {
  const us = parseLength(text, "rotate-age", Number.POSITIVE_INFINITY) * 1_000;
  if (us >= LEAST_AGE_US) return us;
  throw new SmtpscopeError("usage", `--rotate-age: "${text}" is too short; write 10m, 1h or 1d`);
}
