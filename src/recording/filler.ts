/**
 * What stands in a recording where private bytes stood: as many bytes, read alike by whoever reads the
 * dialogue, and telling nothing but where lines end.
 *
 * - A message becomes `x`. Its line ends stay, and a dot that begins a line: so CRLF.CRLF, what looks
 *   like it, and dots that were doubled are where they were, and nowhere else.
 * - A secret becomes `=`, which is no word character and no part of a mechanism's name: `AUTH PLAIN
 *   AGFs…` stays what it was, `AUTH AGFs…` does not become a mechanism. NUL stays, for it is counted,
 *   and a line that is only a dot, for it ends messages.
 * - A reply that may repeat a secret, or challenge for one, keeps its code and how it goes on.
 */
import type { ByteKind } from "../spine/privacy.ts";

const NUL = 0;
const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const MESSAGE_FILLER = 0x78;
const SECRET_FILLER = 0x3d;
const CODE_BYTES = 3;

/** Behind a gap it is not known where in a line the bytes are. */
export const AMID_LINE = 1 << 30;

/**
 * Overwrites `bytes[start, end)` as its kind demands.
 * @param column how many bytes of the line lie before `start`
 * @returns the column behind `end`
 */
export function fill(kind: ByteKind, bytes: Uint8Array, start: number, end: number, column: number): number {
  switch (kind) {
    case "plain":
      return columnBehind(bytes, start, end, column);
    case "message":
      return fillMessage(bytes, start, end, column);
    case "secret":
      return fillSecret(bytes, start, end, column, 0);
    case "challenge":
      return fillSecret(bytes, start, end, column, CODE_BYTES);
  }
}

function columnBehind(bytes: Uint8Array, start: number, end: number, column: number): number {
  for (let i = end - 1; i >= start; i--) if (bytes[i] === LF) return end - 1 - i;
  return Math.min(AMID_LINE, column + (end - start));
}

function fillMessage(bytes: Uint8Array, start: number, end: number, column: number): number {
  let isLineStart = column === 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === LF) {
      isLineStart = true;
      continue;
    }
    if (byte !== CR && !(byte === DOT && isLineStart)) bytes[i] = MESSAGE_FILLER;
    isLineStart = false;
  }
  return columnBehind(bytes, start, end, column);
}

/** @param codeBytes of each line this much may be a reply's code, and the byte behind it say how it goes on */
function fillSecret(
  bytes: Uint8Array,
  start: number,
  end: number,
  column: number,
  codeBytes: number,
): number {
  let at = column;
  for (let i = start; i < end; i++, at++) {
    const byte = bytes[i]!;
    if (byte === LF) {
      at = -1;
      continue;
    }
    if (byte === CR || byte === NUL) continue;
    if (byte === DOT && at === 0 && i + 1 < end && (bytes[i + 1] === CR || bytes[i + 1] === LF)) continue;
    if (at < codeBytes && byte >= 0x30 && byte <= 0x39) continue;
    if (codeBytes > 0 && at === codeBytes && (byte === 0x20 || byte === 0x2d)) continue;
    bytes[i] = SECRET_FILLER;
  }
  return Math.min(AMID_LINE, at);
}
