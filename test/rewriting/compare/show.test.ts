import fc from "fast-check";
import { expect, test } from "vitest";
import { showDifference } from "../../../src/rewriting/compare/show.ts";

test("two lines, carets, hex", () => {
  expect(showDifference("220 mx ok\r\n", "220 ** **\r\n")).toEqual({
    before: "220 mx ok\\r\\n",
    beforeMarks: "    ^^ ^^",
    after: "220 ** **\\r\\n",
    afterMarks: "    ^^ ^^",
    beforeHex: "6d 78 | 6f 6b",
    afterHex: "2a 2a | 2a 2a",
  });
});

test("a caret where bytes are missing, and under each character of an escape", () => {
  const shown = showDifference("250 a\xe9b\r\n", "250 ab\n");
  expect([shown.before, shown.beforeMarks]).toEqual(["250 a\\xe9b\\r\\n", "     ^^^^^^^"]);
  expect([shown.after, shown.afterMarks, shown.afterHex]).toEqual(["250 ab\\n", "     ^", "62"]);
  expect(showDifference("a\r\n", "a\n")).toMatchObject({
    beforeMarks: " ^^",
    afterMarks: " ^",
    afterHex: "",
  });
});

test("nothing that acts on a terminal comes out, and it is bounded", () => {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const line = fc.oneof(
    fc.string({ unit: byte, maxLength: 40 }),
    fc.string({ unit: byte, minLength: 600, maxLength: 700 }),
  );
  fc.assert(
    fc.property(line, line, (before, after) => {
      const shown = showDifference(before, after);
      for (const text of Object.values(shown)) {
        expect(text.replace("…", "")).toMatch(/^[\x20-\x7e\u2026]*$/);
        expect(text.length).toBeLessThan(2_200);
      }
    }),
  );
});
