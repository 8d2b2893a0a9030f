import { type ByteString, differingSpans, type Span } from "./line.ts";

/**
 * Two lines shown one above the other, with carets under what differs and that in hex. What cannot be printed
 * is escaped byte by byte (`\r`, `\xe9`), so that the carets stand where they belong and what is shown is what
 * was on the wire.
 */

export interface ShownDifference {
  readonly before: string;
  readonly beforeMarks: string;
  readonly after: string;
  readonly afterMarks: string;
  /** The bytes that differ, as `6d 61 …`; empty where there are none. */
  readonly beforeHex: string;
  readonly afterHex: string;
}

/** Shown of one line: RFC 5321 allows 512 octets, and nobody compares more by eye. */
const MAX_SHOWN_BYTES = 512;
const MAX_HEX_BYTES = 48;

/** @param before null for a line that was added @param after null for one that was removed */
export function showDifference(before: ByteString | null, after: ByteString | null): ShownDifference {
  const [a, b] = [before ?? "", after ?? ""];
  const spans = differingSpans(a, b);
  return {
    before: shownBytes(a),
    beforeMarks: marks(a, spans.before),
    after: shownBytes(b),
    afterMarks: marks(b, spans.after),
    beforeHex: hex(a, spans.before),
    afterHex: hex(b, spans.after),
  };
}

/** The line as text, one escape for each byte that is not printable ASCII. */
export function shownBytes(line: ByteString): string {
  const shown = [...line.slice(0, MAX_SHOWN_BYTES)].map(shownByte).join("");
  return line.length > MAX_SHOWN_BYTES ? `${shown}[… ${line.length - MAX_SHOWN_BYTES} bytes more]` : shown;
}

function shownByte(character: string): string {
  if (character >= " " && character <= "~") return character;
  const short = SHORT[character];
  return short ?? `\\x${(character.charCodeAt(0) & 0xff).toString(16).padStart(2, "0")}`;
}

const SHORT: Readonly<Record<string, string>> = { "\r": "\\r", "\n": "\\n", "\t": "\\t" };

/** Carets under the bytes of the spans; one under the place of an empty span. */
function marks(line: ByteString, spans: readonly Span[]): string {
  let text = "";
  let at = 0;
  const upTo = (end: number, mark: string) => {
    for (; at < Math.min(end, line.length, MAX_SHOWN_BYTES); at++)
      text += mark.repeat(shownByte(line[at]!).length);
  };
  for (const { from, to } of spans) {
    upTo(from, " ");
    if (from === to && from <= MAX_SHOWN_BYTES) text += "^";
    else upTo(to, "^");
  }
  return text.trimEnd();
}

function hex(line: ByteString, spans: readonly Span[]): string {
  let left = MAX_HEX_BYTES;
  const runs: string[] = [];
  for (const { from, to } of spans) {
    if (from === to) continue;
    if (left <= 0) return `${runs.join(" | ")} …`;
    const bytes = [...line.slice(from, Math.min(to, from + left))];
    left -= to - from;
    const text = bytes.map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
    runs.push(bytes.length < to - from ? `${text} …` : text);
  }
  return runs.join(" | ");
}
