import type { ByteString } from "./compare/line.ts";
import type { Keyword, Reply } from "./view.ts";
import { keywordsOf } from "./view.ts";

/** Lines of an EHLO reply that were overwritten. */

/** The ASA's way: X's as long as the line, the last a letter that counts the masked lines. */
const COUNTED = /^X+[A-Z]$/;
/** Others overwrite the whole line. */
const PLAIN = /^(?:X{3,}|x{3,}|\*{3,})$/;
/** One X and a letter may be a keyword; so many X's in a row are not. */
const MIN_X = 3;

/** @returns the masked lines, in order; none where they could be keywords that begin with X */
export function maskedKeywords(hello: Reply | null): ByteString[] {
  return maskedAmong(keywordsOf(hello).map(({ text }: Keyword) => text.trimEnd()));
}

/** The same of lines without code and separator. */
export function maskedAmong(texts: readonly ByteString[]): ByteString[] {
  const counted = texts.filter((text) => COUNTED.test(text) && !PLAIN.test(text));
  const inOrder = counted.every((text, i) => text.endsWith(letter(i)));
  if (inOrder && counted.some((text) => text.length > MIN_X)) return counted;
  return texts.filter((text) => PLAIN.test(text));
}

function letter(index: number): string {
  return String.fromCharCode(65 + (index % 26));
}
