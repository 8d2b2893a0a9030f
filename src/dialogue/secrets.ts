import { textOf } from "../spine/text.ts";
import type { ByteText } from "./byte-text.ts";
import { secretDigest } from "./digests.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { Flags } from "./flags.ts";
import { AUTH, AUTH_ANSWER, UNKNOWN } from "./verbs.ts";

/**
 * Which of a client's lines may hold a secret. They are not kept, not even for a report: base64 hides
 * nothing. In doubt a line is taken for one; what is lost is the text of an unknown command.
 */

/** A SASL mechanism's name: RFC 4422 §3.1. One case only: base64 has both. Any other word may be a secret. */
const MECHANISM = /^(?:[A-Z0-9_-]{1,20}|[a-z0-9_-]{1,20})$/;

/** AUTH with something before it, or not a blank behind it. */
const MISSPELT_AUTH = /^(?:\\x[0-9a-f]{2}|[^A-Za-z])*auth/i;

/** Whatever it begins with, a mechanism and then something: AUTH mistyped. */
const NAMES_MECHANISM =
  /^\S+\s+(?:plain|login|external|ntlm|gssapi|x?oauth\w*|cram-md5|digest-md5|scram-\S+)\b/i;

/** Passwords of other protocols, said to the wrong server. */
const PASSWORD_COMMAND = /^\W*(?:pass|login|acct)\b/i;

/** What a firewall leaves of a command that it does not pass. */
const OVERWRITTEN = /^(?:X{4,}|x{4,}|\*{4,})[Xx* ]*$/;

/** One word of base64: an answer to a challenge. */
const BASE64_WORD = /^[A-Za-z0-9+/=_-]{4,}$/;

const REDACTED = Buffer.from(" [redacted]");

/** Decides what of a client's commands is kept, from what was said before. */
export class Discretion {
  readonly #flags: Flags;
  readonly #digests: boolean;
  #sawAuth = false;
  /** Lines that are no commands may be a message that nobody asked for: their text is not kept. */
  #hideUnknown = false;

  /** @param digests of secrets are wanted */
  constructor(flags: Flags, digests: boolean) {
    this.#flags = flags;
    this.#digests = digests;
  }

  clear(): void {
    this.#sawAuth = false;
    this.#hideUnknown = false;
  }

  /** Nothing of a line that is no command may be shown. */
  get hidesUnknown(): boolean {
    return this.#hideUnknown;
  }

  /** Until a command comes nothing is kept. */
  hideUnknown(): void {
    this.#hideUnknown = true;
  }

  /** Keeps of a command, `line[0, end)`, what may be shown. @returns true when the line holds a secret */
  keep(exchange: ExchangeRecord, line: Uint8Array, end: number): boolean {
    const kept = exchange.commandBytes;
    kept.clear();
    switch (exchange.verbIndex) {
      case AUTH_ANSWER:
        this.#digest(exchange, line, end);
        return true;
      case AUTH:
        this.#sawAuth = true;
        keepAuth(kept, line, end);
        this.#digest(exchange, line, end);
        return false;
      case UNKNOWN:
        if (OVERWRITTEN.test(textOf(line, 0, end))) {
          // BDAT perhaps: then its message comes next, and the server takes it for commands.
          this.#hideUnknown = true;
          break;
        }
        if (!this.#hideUnknown && !this.#mayBeSecret(textOf(line, 0, end))) break;
        exchange.secret = true;
        this.#digest(exchange, line, end);
        return true;
      default:
        this.#hideUnknown = false;
    }
    kept.append(line, 0, end);
    return false;
  }

  #digest(exchange: ExchangeRecord, line: Uint8Array, end: number): void {
    if (this.#digests) exchange.unkept = secretDigest(line, 0, end);
  }

  #mayBeSecret(text: string): boolean {
    if (MISSPELT_AUTH.test(text)) this.#sawAuth = true;
    const unseen = this.#sawAuth || this.#flags.has("mid-stream") || this.#flags.has("gap");
    return mayHoldSecret(text, unseen);
  }
}

/**
 * Of a line that is no known command.
 * @param challengeUnseen the server may have asked for a secret without our knowing
 */
function mayHoldSecret(text: string, challengeUnseen: boolean): boolean {
  if (MISSPELT_AUTH.test(text) || NAMES_MECHANISM.test(text) || PASSWORD_COMMAND.test(text)) return true;
  return challengeUnseen && BASE64_WORD.test(text);
}

/** Keeps of `AUTH PLAIN <initial response>` the mechanism and not the response (RFC 4954 §4). */
function keepAuth(kept: ByteText, line: Uint8Array, end: number): void {
  const { kept: shown, to } = shownOfAuth(line, end);
  kept.append(line, 0, shown);
  if (shown < to || to < end) kept.append(REDACTED, 0, REDACTED.length);
}

/** @returns how much of an AUTH line is kept, and where what is private begins */
export function shownOfAuth(line: Uint8Array, end: number): { kept: number; to: number } {
  const AUTH_BYTES = 4;
  const from = behindBlanks(line, AUTH_BYTES, end);
  let to = from;
  while (to < end && line[to]! > 0x20) to++;
  if (MECHANISM.test(textOf(line, from, to))) return { kept: to, to: behindBlanks(line, to, end) };
  return { kept: Math.min(AUTH_BYTES, end), to: from };
}

function behindBlanks(line: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && line[at]! <= 0x20) at++;
  return at;
}

/** Of a line that may hold a secret: from where to where it only shows that it may. */
export function tellingPart(line: Uint8Array, end: number): [from: number, to: number] {
  // A character a byte; what a shown text would escape is no letter, and no blank.
  const text = Buffer.from(line.subarray(0, end))
    .toString("latin1")
    .replace(/[^\x20-\x7e]/g, ".");
  const auth = MISSPELT_AUTH.exec(text);
  if (auth !== null) return [auth[0].length - "auth".length, auth[0].length];
  const mechanism = NAMES_MECHANISM.exec(text);
  if (mechanism !== null) return [text.search(/\s/), mechanism[0].length];
  const password = PASSWORD_COMMAND.exec(text);
  return password === null ? [0, 0] : [text.search(/\w/), password[0].length];
}
