import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { differingSpans, endOf, type LineChange, lineChanges } from "../../../src/rewriting/compare/line.ts";

const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1");

const CASES: [string, string, LineChange[]][] = [
  // PIX and ASA: domain.md A1
  ["220 mail.example.net ESMTP Postfix\r\n", "220 ******************************\r\n", ["masked"]],
  ["220 mx2.example.net 2026 0 ok\r\n", "220 **2*************202**0***\r\n", ["masked"]],
  ["220 mail.example.net\r\n", "220*****************\r\n", ["masked"]],
  ["250 STARTTLS\r\n", "250 XXXXXXXA\r\n", ["masked"]],
  ["250-X-EXPS GSSAPI NTLM LOGIN\r\n", "250-XXXXXXXXXXXXXXXXXXXXXXXD\r\n", ["masked"]],
  ["250 OK\r\n", "250 XI\r\n", ["masked"]],
  ["STARTTLS\r\n", "XXXXXXXX\r\n", ["masked"]],
  ["EHLO client.example.org\r\n", "XXXX client.example.org\r\n", ["masked"]],
  ["EHLO client\r\n", "xxxx client\r\n", ["masked"]],
  // masked, and more
  ["220 mail.example.net\r\n", "220 ****************\n", ["masked", "line-end"]],
  // what looks alike
  ["220 xxx\r\n", "220 XXX\r\n", ["case"]],
  ["220 mail.example.net\r\n", "220 ***\r\n", ["replaced"]],
  ["EHLO client\r\n", "NOOP client\r\n", ["replaced"]],
  ["250 abcd\r\n", "250 *X*X\r\n", ["replaced"]],
  ["250 ab c\r\n", "250 ab X\r\n", ["replaced"]],
  ["550 no such user\r\n", "250 XXXXXXXXXXXX\r\n", ["replaced"]],
  // the others
  ["MAIL FROM:<a|b@example.org>\r\n", "MAIL FROM:<a b@example.org>\r\n", ["replaced"]],
  ["220 mail.example.net ESMTP\r\n", "220 firewall.example.com\r\n", ["replaced"]],
  ["220 mail.example.net ESMTP Postfix\r\n", "220 mail.example.net\r\n", ["cut"]],
  ["220 mail.example.net ESMTP\r\n", "220 ESMTP\r\n", ["cut"]],
  ["250 Ok\r\n", "250 2.0.0 Ok\r\n", ["lengthened"]],
  ["mail from:<a@b>\r\n", "MAIL FROM:<a@b>\r\n", ["case"]],
  ["MAIL FROM: <a@b>\r\n", "MAIL FROM:<a@b>\r\n", ["whitespace"]],
  ["NOOP \r\n", "NOOP\r\n", ["whitespace"]],
  ["mail from: <a@b>\r\n", "MAIL FROM:<a@b>\r\n", ["case", "whitespace"]],
  ["250 Ok\r\n", "250 Ok\n", ["line-end"]],
  ["250 Ok\n", "250 Ok\r\n", ["line-end"]],
  ["250 Ok\r\n", "250 Ok", ["line-end"]],
  ["250 ok\r\n", "250 Ok\n", ["case", "line-end"]],
  [latin1("250 schön\r\n"), "250 schon\r\n", ["non-ascii"]],
  [latin1("250 schön\r\n"), "250 sch??n\r\n", ["non-ascii"]],
  [latin1("250 schön\r\n"), "250 schn\r\n", ["non-ascii"]],
  [latin1("250 schön\r\n"), "250 sch\\xc3\\xb6n\r\n", ["non-ascii"]],
  ["250 sch\xf6n\r\n", latin1("250 schön\r\n"), ["non-ascii"]],
  [latin1("250 schön\r\n"), "250 schlimm ganz und gar ohne n\r\n", ["replaced"]],
];

describe("what changed in a line", () => {
  test.each(CASES)("%j → %j", (before, after, changes) => {
    expect(lineChanges(before, after)).toEqual(changes);
  });
});

const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const text = fc.oneof(
  fc.string({ unit: byte, maxLength: 60 }),
  fc.string({ unit: fc.constantFrom(..."aA0 *X\t\xe9"), maxLength: 12 }),
);
const word = fc.string({ unit: fc.constantFrom(..."bcdefghijkl"), minLength: 1, maxLength: 12 });
const words = fc.array(word, { minLength: 2, maxLength: 6 });

test("a line is itself, and nothing else is", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(lineChanges(a, a)).toEqual([]);
      expect(lineChanges(a, b).length > 0).toBe(a !== b);
    }),
  );
});

test("putting what came in place of what was said makes the one line of the other", () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const spans = differingSpans(before, after);
      let made = "";
      let at = 0;
      spans.before.forEach(({ from, to }, i) => {
        const other = spans.after[i]!;
        made += before.slice(at, from) + after.slice(other.from, other.to);
        at = to;
      });
      expect(made + before.slice(at)).toBe(after);
      expect(spans.before).toHaveLength(spans.after.length);
    }),
  );
});

test("any one change of a line is named", () => {
  const nth = fc.nat();
  fc.assert(
    fc.property(words, word, nth, nth, (said, other, m, n) => {
      const line = said.join(" ");
      const at = m % said.length;
      const long = said[at]!.length >= 3;
      const put = (replacement: string) => said.with(at, replacement).join(" ");
      const from = m % line.length;
      const to = from + 1 + (n % (line.length - from));
      const changed: [LineChange, string][] = [
        ["masked", put("*".repeat(said[at]!.length))],
        ["masked", line.replace(/[^0-9 ]/g, "*")],
        ...(long ? ([["masked", put("X".repeat(said[at]!.length))]] as [LineChange, string][]) : []),
        ["case", put(said[at]!.toUpperCase())],
        ["whitespace", said.join("  ")],
        ["non-ascii", put(`${said[at]}\xe9`)],
        ["lengthened", `${line} ${other}`],
        ["lengthened", `${line.slice(0, from)}Z${other}${line.slice(from)}`],
        ["replaced", `${put(`Q${other}Q`)}Q`],
      ];
      for (const [change, after] of changed) expect(lineChanges(line, after), after).toEqual([change]);
      const cut = line.slice(0, from) + line.slice(to);
      const isBlank = line.slice(from, to).trim() === "";
      expect(lineChanges(line, cut)).toEqual([isBlank ? "whitespace" : "cut"]);
      expect(lineChanges(`${line}\r\n`, `${line}\n`)).toEqual(["line-end"]);
    }),
  );
});

test("where the line end begins", () => {
  expect(["a\r\n", "a\n", "a\r", "a", "\r\n", ""].map(endOf)).toEqual([1, 1, 1, 1, 0, 0]);
});
