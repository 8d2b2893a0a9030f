/** What an operator can do wrong or run into; each code is stable and has its exit status. */
export type ErrorCode =
  | "usage"
  | "filter"
  | "output"
  | "unreadable"
  | "not-a-capture"
  | "empty-capture"
  | "nothing-usable";

/** A mistake of the operator or a fault of the input: one clear line that says what to do. Never a bug. */
export class SmtpscopeError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = "SmtpscopeError";
    this.code = code;
  }
}

/** Why something could not be written, for a person. */
export function cannotWrite(path: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `cannot write ${path}: ${WRITING[code ?? ""] ?? message}`;
}

const WRITING: Readonly<Record<string, string>> = {
  ENOENT: "there is no such folder",
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is as large as it may be",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  EROFS: "the file system is read-only",
  ELOOP: "it is a symbolic link",
  EMFILE: "too many open files",
};
