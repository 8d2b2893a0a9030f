import * as phase from "../spine/phase.ts";

/**
 * The verbs of SMTP (RFC 5321, its extensions, LMTP) and the pseudo-verbs for what is answered
 * without being a command. To add a verb: one line here; its number is its place in the list.
 */
const TABLE = [
  ["(unknown)", phase.OTHER],
  ["(connect)", phase.BANNER],
  ["(end-of-data)", phase.END_OF_DATA],
  ["(auth)", phase.AUTH],
  ["(tls)", phase.TLS],
  ["(encrypted)", phase.ENCRYPTED],
  ["(unsolicited)", phase.OTHER],
  ["HELO", phase.HELO],
  ["EHLO", phase.EHLO],
  ["LHLO", phase.EHLO],
  ["MAIL", phase.MAIL],
  ["RCPT", phase.RCPT],
  ["DATA", phase.DATA],
  ["BDAT", phase.BDAT],
  ["RSET", phase.RSET],
  ["NOOP", phase.NOOP],
  ["QUIT", phase.QUIT],
  ["AUTH", phase.AUTH],
  ["STARTTLS", phase.STARTTLS],
  ["X-ANONYMOUSTLS", phase.STARTTLS],
  ["VRFY", phase.OTHER],
  ["EXPN", phase.OTHER],
  ["HELP", phase.OTHER],
  ["ETRN", phase.OTHER],
  ["TURN", phase.OTHER],
  ["ATRN", phase.OTHER],
  ["SEND", phase.OTHER],
  ["SOML", phase.OTHER],
  ["SAML", phase.OTHER],
  ["BURL", phase.OTHER],
  ["XCLIENT", phase.OTHER],
  ["XFORWARD", phase.OTHER],
] as const;

type VerbName = (typeof TABLE)[number][0];

/** No verb is longer. */
export const MAX_VERB_BYTES = 20;

/** A verb's place in the table. */
export type VerbIndex = number;

function verbIndex(name: VerbName): VerbIndex {
  return TABLE.findIndex(([known]) => known === name);
}

export const VERB_NAMES: readonly string[] = TABLE.map(([name]) => name);
export const VERB_PHASES: readonly number[] = TABLE.map(([, of]) => of);

export const UNKNOWN = verbIndex("(unknown)");
export const CONNECT = verbIndex("(connect)");
export const END_OF_BODY = verbIndex("(end-of-data)");
export const AUTH_ANSWER = verbIndex("(auth)");
export const TLS = verbIndex("(tls)");
export const ENCRYPTED = verbIndex("(encrypted)");
export const UNSOLICITED = verbIndex("(unsolicited)");
export const EHLO = verbIndex("EHLO");
export const LHLO = verbIndex("LHLO");
export const HELO = verbIndex("HELO");
export const MAIL = verbIndex("MAIL");
export const RCPT = verbIndex("RCPT");
export const DATA = verbIndex("DATA");
export const BDAT = verbIndex("BDAT");
export const RSET = verbIndex("RSET");
export const QUIT = verbIndex("QUIT");
export const AUTH = verbIndex("AUTH");
export const STARTTLS = verbIndex("STARTTLS");
export const ANONYMOUS_TLS = verbIndex("X-ANONYMOUSTLS");

/** Verbs of four letters, and longer ones, by their first four as one number. */
const short = new Map<number, VerbIndex>();
const long = new Map<number, { index: VerbIndex; name: string }>();
TABLE.forEach(([name], index) => {
  if (name.startsWith("(")) return;
  const start = packed(Buffer.from(name), 0);
  if (name.length === 4) short.set(start, index);
  else if (long.has(start))
    throw new Error(`${name} and another long verb begin alike: verbAt() must tell them apart`);
  else long.set(start, { index, name });
});

/** Four bytes in capitals. Clearing 0x20 makes a letter of a letter only, so equal numbers are equal letters. */
function packed(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) & 0xdfdfdfdf;
}

/**
 * The verb that a command line begins with: letters in either case, ended by white space or the
 * line's end (RFC 5321 §4.1.1). UNKNOWN for anything else.
 */
export function verbAt(line: Uint8Array, start: number, end: number): VerbIndex {
  if (end - start < 4) return UNKNOWN;
  const first = packed(line, start);
  if (end - start === 4 || line[start + 4]! <= 0x20) return short.get(first) ?? UNKNOWN;
  const longer = long.get(first);
  if (longer === undefined) return UNKNOWN;
  const { index, name } = longer;
  const after = start + name.length;
  if (after > end || (after < end && line[after]! > 0x20)) return UNKNOWN;
  for (let i = 4; i < name.length; i++) {
    const byte = line[start + i]!;
    const upper = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
    if (upper !== name.charCodeAt(i)) return UNKNOWN;
  }
  return index;
}
