/**
 * The stages of an SMTP dialogue. `connect` and `body` are stages without a reply of their own;
 * every other phase is that of at least one kind of exchange.
 */
export const PHASES = [
  "connect",
  "banner",
  "helo",
  "ehlo",
  "starttls",
  "tls",
  "auth",
  "mail",
  "rcpt",
  "data",
  "body",
  "end-of-data",
  "bdat",
  "rset",
  "noop",
  "quit",
  "encrypted",
  "other",
] as const;

export type Phase = (typeof PHASES)[number];

/** A phase's place in PHASES: what the hot path keeps instead of the name. */
export type PhaseIndex = number;

export const CONNECT = 0;
export const BANNER = 1;
export const HELO = 2;
export const EHLO = 3;
export const STARTTLS = 4;
export const TLS = 5;
export const AUTH = 6;
export const MAIL = 7;
export const RCPT = 8;
export const DATA = 9;
export const BODY = 10;
export const END_OF_DATA = 11;
export const BDAT = 12;
export const RSET = 13;
export const NOOP = 14;
export const QUIT = 15;
export const ENCRYPTED = 16;
export const OTHER = 17;
