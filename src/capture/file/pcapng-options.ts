/**
 * The option list at the end of a pcapng block: code, length, value padded to four bytes, until the
 * end-of-options code or the end of the block.
 *
 * A length that does not fit the block is an error in the block, whichever option it is.
 */

const END_OF_OPTIONS = 0;

/**
 * Calls `take` for each option of `view[start, end)`.
 * @returns null, or what is wrong
 */
export function eachOption(
  view: DataView,
  start: number,
  end: number,
  littleEndian: boolean,
  take: (code: number, at: number, lengthBytes: number) => void,
): string | null {
  let at = start;
  while (end - at >= 4) {
    const code = view.getUint16(at, littleEndian);
    const lengthBytes = view.getUint16(at + 2, littleEndian);
    const next = at + 4 + padded(lengthBytes);
    if (next > end) return `an option of ${lengthBytes} bytes does not fit its block`;
    if (code === END_OF_OPTIONS) return null;
    take(code, at + 4, lengthBytes);
    at = next;
  }
  return null;
}

/** Rounded up to a multiple of four, as pcapng pads everything. */
export function padded(lengthBytes: number): number {
  return Math.ceil(lengthBytes / 4) * 4;
}
