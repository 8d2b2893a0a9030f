/**
 * Text from the wire on its way to a person or a file.
 *
 * Everything that arrived over the network passes through `escapeText` before it is shown: control
 * characters (C0, DEL, C1), line and paragraph separators and the characters that reorder or hide
 * text become visible escapes. A backslash stays as it is: readability of `DOMAIN\user` is worth
 * more than an escape that can be undone.
 */

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// C0, DEL, C1; soft hyphen; bidi marks, embeddings, overrides, isolates; zero-width; separators; BOM; lone surrogates; tags.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

/** Shows what must not reach a terminal or a page as it is: `\x1b`, `\u{202e}`. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/**
 * Bytes of the wire as shown text: UTF-8 where they are that (SMTPUTF8, RFC 6531), else each byte
 * above ASCII as `\xNN`.
 */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let ascii = "";
  let plain = true;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte < 0x20 || byte > 0x7e) {
      plain = false;
      break;
    }
  }
  if (plain) {
    for (let i = start; i < end; i++) ascii += String.fromCharCode(bytes[i]!);
    return ascii;
  }
  const part = bytes.subarray(start, end);
  try {
    return escapeText(strictUtf8.decode(part));
  } catch {
    for (const byte of part) {
      ascii +=
        byte < 0x20 || byte > 0x7e ? `\\x${byte.toString(16).padStart(2, "0")}` : String.fromCharCode(byte);
    }
    return ascii;
  }
}

/** Lines (ended by LF or CRLF) as shown text; `omittedBytes` of a longer whole are mentioned in a last line. */
export function linesOf(bytes: Uint8Array, length: number, omittedBytes: number): string[] {
  const lines: string[] = [];
  for (let start = 0; start < length; ) {
    let end = bytes.indexOf(0x0a, start);
    if (end < 0 || end >= length) end = length;
    const bare = end > start && bytes[end - 1] === 0x0d ? end - 1 : end;
    lines.push(textOf(bytes, start, bare));
    start = end + 1;
  }
  if (omittedBytes > 0) lines.push(`[… ${omittedBytes} bytes more]`);
  return lines;
}
