/**
 * One line as it was said, against the same line as it arrived: what kind of change is it?
 *
 * The kinds are those by which devices can be told apart: one that masks keeps the length (no TCP sequence
 * number moves), one that shortens or lengthens must be a proxy. A line has one kind of change of its text
 * (two, for letter case together with white space), and may have another of its line end.
 */

/**
 * Bytes as a string: each character is one byte, 0 … 255 (latin1), line end included. Kept, matched and
 * hashed like any string, and nothing of the wire is lost; escape it before anybody sees it (show.ts).
 */
export type ByteString = string;

export type LineChange =
  /** Overwritten in place with `*` or `X`, the length kept. */
  | "masked"
  /** Only the case of ASCII letters. */
  | "case"
  /** Only blanks and tabs: added, removed, or others. */
  | "whitespace"
  /** Only octets above 0x7e, or what stands in their place. */
  | "non-ascii"
  /** One stretch is missing. */
  | "cut"
  /** One stretch was put in. */
  | "lengthened"
  | "replaced"
  /** CRLF became LF, or the like. */
  | "line-end";

/** Where two lines differ: bytes [from, to) of each. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** @returns the main change first; none where the lines are the same */
export function lineChanges(before: ByteString, after: ByteString): readonly LineChange[] {
  if (before === after) return [];
  const [a, b] = [endOf(before), endOf(after)];
  const changes = textChanges(before.slice(0, a), after.slice(0, b));
  return before.slice(a) === after.slice(b) ? changes : [...changes, "line-end"];
}

/** What changed between two texts without line ends. */
export function textChanges(before: ByteString, after: ByteString): LineChange[] {
  if (before === after) return [];
  const [a, b] = [lowered(before), lowered(after)];
  if (a === b) return ["case"];
  if (isMask(before, after)) return ["masked"];
  if (unspaced(before) === unspaced(after)) return ["whitespace"];
  if (unspaced(a) === unspaced(b)) return ["case", "whitespace"];
  if (isNonAscii(before, after) || isNonAscii(after, before)) return ["non-ascii"];
  const { prefix, suffix } = common(before, after);
  if (prefix + suffix === after.length) return ["cut"];
  if (prefix + suffix === before.length) return ["lengthened"];
  return ["replaced"];
}

/**
 * Where the lines differ. Where their lengths are the same, position by position; else what is between
 * their common beginning and their common end (an empty span where bytes are missing).
 */
export function differingSpans(before: ByteString, after: ByteString): { before: Span[]; after: Span[] } {
  if (before === after) return { before: [], after: [] };
  if (before.length !== after.length) {
    const { prefix, suffix } = common(before, after);
    return {
      before: [{ from: prefix, to: before.length - suffix }],
      after: [{ from: prefix, to: after.length - suffix }],
    };
  }
  const spans: Span[] = [];
  for (let i = 0; i < before.length; i++) {
    if (before[i] === after[i]) continue;
    const from = i;
    while (i < before.length && before[i] !== after[i]) i++;
    spans.push({ from, to: i });
  }
  return { before: spans, after: spans };
}

/** Where the line end begins: CRLF, LF, or a lone CR at the end. */
export function endOf(line: ByteString): number {
  let end = line.length;
  if (line[end - 1] === "\n") end--;
  if (line[end - 1] === "\r") end--;
  return end;
}

/** A whole line of X's, as the ASA writes them: the last may be a letter that counts the masked lines. */
const CROSSED = /^(?:\d{3}[ -]?)?[Xx]+[A-Z]?$/;
/** Fewer X's in a row may be text; a star never is by chance. */
const MIN_CROSSES = 3;

/** Same length, and whatever differs was overwritten with one and the same `*` or `X`. */
function isMask(before: ByteString, after: ByteString): boolean {
  if (before.length !== after.length) return false;
  let pen = "";
  let count = 0;
  let uniform = true;
  for (let i = 0; i < after.length && uniform; i++) {
    if (before[i] === after[i]) continue;
    if (count++ === 0) pen = after[i]!;
    else uniform = pen === after[i];
  }
  if (uniform && pen === "*") return true;
  if (uniform && (pen === "X" || pen === "x") && count >= MIN_CROSSES) return true;
  const code = /^\d{3}/.exec(after)?.[0] ?? "";
  return CROSSED.test(after) && before.startsWith(code);
}

function lowered(text: ByteString): ByteString {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function unspaced(text: ByteString): ByteString {
  return text.replace(/[ \t]+/g, "");
}

/** In place of one octet: itself escaped at most (`\xNN`, `&#NNN;`). */
const MAX_STANDING_FOR_OCTET = 6;

/** Is `other` the same as `text`, but for what stands where `text` has octets above 0x7e? */
function isNonAscii(text: ByteString, other: ByteString): boolean {
  const runs = text.match(/[\x7f-\xff]+/g);
  if (runs === null) return false;
  const pieces = text.split(/[\x7f-\xff]+/);
  if (!other.startsWith(pieces[0]!)) return false;
  let at = pieces[0]!.length;
  for (let i = 0; i < runs.length; i++) {
    const piece = pieces[i + 1]!;
    const last = i === runs.length - 1;
    const found = last ? other.length - piece.length : other.indexOf(piece, at);
    if (found < at || (last && !other.endsWith(piece))) return false;
    if (found - at > runs[i]!.length * MAX_STANDING_FOR_OCTET) return false;
    at = found + piece.length;
  }
  return true;
}

function common(a: ByteString, b: ByteString): { prefix: number; suffix: number } {
  const most = Math.min(a.length, b.length);
  let prefix = 0;
  while (prefix < most && a[prefix] === b[prefix]) prefix++;
  let suffix = 0;
  while (suffix < most - prefix && a[a.length - 1 - suffix] === b[b.length - 1 - suffix]) suffix++;
  return { prefix, suffix };
}
