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
