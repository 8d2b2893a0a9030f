/** Whatever is put on a canvas: every cell holds one printable character, and rows keep their width. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Canvas, CONTINUED, widthOf } from "../../src/screens/canvas.ts";

const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      "\x1b",
      "[",
      "]",
      "2",
      "J",
      "m",
      "\x07",
      "\x9b",
      "\r",
      "\n",
      "\t",
      "\u202e",
      "\u200b",
      "é",
      "日",
      "🙂",
      "́",
    ),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 2 }),
  ),
  maxLength: 30,
});
// Control, format (bidi, zero width), surrogate, private, unassigned; separators of lines; marks that join.
const ACTS = /[\p{C}\p{Zl}\p{Zp}\p{M}]/u;

test.each([false, true])("hostile text, ASCII only: %s", (isAscii) => {
  fc.assert(
    fc.property(
      hostile,
      fc.integer({ min: -3, max: 25 }),
      fc.integer({ min: 1, max: 20 }),
      (text, x, width) => {
        const canvas = new Canvas(width, 2, isAscii);
        canvas.put(x, 0, text);
        canvas.put(0, 1, `${text}日${text}`);
        canvas.put(Math.max(0, x - 1), 1, "x");
        for (const cell of canvas.characters) {
          expect(cell === CONTINUED || [...cell].length === 1).toBe(true);
          expect(cell).not.toMatch(ACTS);
          if (isAscii) expect(cell).toMatch(/^[ -~]?$/);
        }
        for (let y = 0; y < 2; y++) {
          const row = canvas.characters.slice(y * width, (y + 1) * width).join("");
          expect(widthOf(row)).toBe(width);
        }
      },
    ),
    { numRuns: 600 },
  );
});

test("what is cut ends in an ellipsis, and nothing runs over", () => {
  const canvas = new Canvas(10, 1);
  expect(canvas.put(2, 0, "abcdefgh", "plain", 6)).toBe(6);
  expect(canvas.lines()).toEqual(["  abc…"]);
});

test("wide characters take two cells, and half of one is none", () => {
  const canvas = new Canvas(6, 1);
  canvas.put(0, 0, "日本");
  expect(canvas.characters).toEqual(["日", CONTINUED, "本", CONTINUED, " ", " "]);
  canvas.put(1, 0, "x");
  expect(canvas.characters).toEqual([" ", "x", "本", CONTINUED, " ", " "]);
});
