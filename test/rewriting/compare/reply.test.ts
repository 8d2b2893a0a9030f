import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareReplies, type ReplyChange, replyLines } from "../../../src/rewriting/compare/reply.ts";

/** Lines of a reply, code and hyphens added. */
function reply(lines: readonly string[], code = 250, lineEnd = "\r\n"): string {
  return lines.map((line, i) => `${code}${i === lines.length - 1 ? " " : "-"}${line}${lineEnd}`).join("");
}

/** What is compared: `[changes, before, after]`, code and line end left out. */
function differences(before: string, after: string, toEhlo = true) {
  const bare = (line: string | null) => line?.replace(/^\d{3}[ -]/, "").trimEnd() ?? null;
  return compareReplies(before, after, toEhlo).map((each) => [
    each.changes,
    bare(each.before),
    bare(each.after),
  ]);
}

const HOST = "mx.example.net at your service";
const KEYWORDS = ["PIPELINING", "SIZE 10240000", "VRFY", "ETRN", "STARTTLS", "8BITMIME", "DSN", "CHUNKING"];

describe("EHLO", () => {
  const before = reply([HOST, ...KEYWORDS]);
  test.each<[string, string[], unknown[]]>([
    ["the last one taken out", [HOST, ...KEYWORDS.slice(0, -1)], [[["keyword-removed"], "CHUNKING", null]]],
    [
      "two taken out",
      [HOST, ...KEYWORDS.filter((k) => k !== "STARTTLS" && k !== "PIPELINING")],
      [
        [["keyword-removed"], "PIPELINING", null],
        [["keyword-removed"], "STARTTLS", null],
      ],
    ],
    ["one added", [HOST, ...KEYWORDS, "XCLIENT NAME"], [[["keyword-added"], null, "XCLIENT NAME"]]],
    [
      "as the ASA masks",
      [HOST, "PIPELINING", "SIZE 10240000", "VRFY", "ETRN", "XXXXXXXA", "8BITMIME", "DSN", "XXXXXXXB"],
      [
        [["masked"], "STARTTLS", "XXXXXXXA"],
        [["masked"], "CHUNKING", "XXXXXXXB"],
      ],
    ],
    [
      "another size",
      [HOST, ...KEYWORDS].map((k) => k.replace("10240000", "512")),
      [[["keyword-changed", "replaced"], "SIZE 10240000", "SIZE 512"]],
    ],
    [
      "parameters gone",
      [HOST, ...KEYWORDS].map((k) => k.replace(" 10240000", "")),
      [[["keyword-changed", "cut"], "SIZE 10240000", "SIZE"]],
    ],
    [
      "in lower case",
      [HOST, ...KEYWORDS].map((k) => k.replace("STARTTLS", "StartTLS")),
      [[["case"], "STARTTLS", "StartTLS"]],
    ],
    [
      "moved to the end",
      [HOST, ...KEYWORDS.filter((k) => k !== "VRFY"), "VRFY"],
      [[["line-order"], "VRFY", "VRFY"]],
    ],
    ["another host", ["fw.example.com", ...KEYWORDS], [[["replaced"], HOST, "fw.example.com"]]],
    [
      "another keyword in its place is no change of it",
      [HOST, ...KEYWORDS].map((k) => (k === "STARTTLS" ? "HELP" : k)),
      [
        [["keyword-added"], null, "HELP"],
        [["keyword-removed"], "STARTTLS", null],
      ],
    ],
    [
      "a bare OK instead",
      ["OK"],
      [[["replaced"], HOST, "OK"], ...KEYWORDS.map((k) => [["keyword-removed"], k, null])],
    ],
  ])("%s", (_name, after, want) => {
    const sorted = (list: unknown[]) => list.map((each) => JSON.stringify(each)).sort();
    expect(sorted(differences(before, reply(after)))).toEqual(sorted(want));
  });

  test("old and new way to write AUTH are two lines", () => {
    const two = reply([HOST, "AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"]);
    expect(differences(two, reply([HOST, "AUTH PLAIN LOGIN"]))).toEqual([
      [["keyword-removed"], "AUTH=PLAIN LOGIN", null],
    ]);
  });
});

describe("other replies", () => {
  test.each<[string, string, string, unknown[]]>([
    ["another code", "250 Ok\r\n", "550 Ok\r\n", [[["code"], "Ok", "Ok"]]],
    ["another code and text", "250 Ok\r\n", "502 No\r\n", [[["code", "replaced"], "Ok", "No"]]],
    ["a teaser gone", reply(["wait", "mx"], 220), reply(["mx"], 220), [[["line-removed"], "wait", null]]],
    [
      "a warning put in",
      reply(["mx"], 220),
      reply(["mx", "no spam"], 220),
      [[["line-added"], null, "no spam"]],
    ],
    [
      "a greeting of two lines masked",
      reply(["mx.example.net", "be nice"], 220),
      reply(["**************", "*******"], 220),
      [
        [["masked"], "mx.example.net", "**************"],
        [["masked"], "be nice", "*******"],
      ],
    ],
    [
      "a separator overwritten",
      "220 mx ESMTP\r\n",
      "220*********\r\n",
      [[["masked"], "mx ESMTP", "220*********"]],
    ],
    [
      "line feeds only",
      "250-a\r\n250 b\r\n",
      "250-a\n250 b\n",
      [
        [["line-end"], "a", "a"],
        [["line-end"], "b", "b"],
      ],
    ],
  ])("%s", (_name, before, after, want) => {
    expect(differences(before, after, false)).toEqual(want);
  });
});

test("lines of a reply", () => {
  expect(replyLines("220-a\r\n220 b\n220")).toEqual(["220-a\r\n", "220 b\n", "220"]);
  expect(replyLines("")).toEqual([]);
});

const keyword = fc.string({ unit: fc.constantFrom(..."BCDEFGHIJKLMNPQRSTUVW"), minLength: 4, maxLength: 14 });
const parameter = fc.oneof(
  fc.constant(""),
  fc.nat(99_999_999).map((n) => ` ${n}`),
);
const ehlo = fc
  .uniqueArray(fc.tuple(keyword, parameter), { selector: ([k]) => k, minLength: 2, maxLength: 12 })
  .map((all) => all.map(([k, p]) => k + p));

test("any one rewriting of an EHLO reply is reported, and nothing else", () => {
  fc.assert(
    fc.property(ehlo, fc.nat(), fc.nat(), (lines, m, n) => {
      const at = m % lines.length;
      const line = lines[at]!;
      const others = lines.filter((_, i) => i !== at);
      const to = n % lines.length;
      const added = lines.toSpliced(to, 0, "ADDED 1");
      const cases: [readonly string[], ReplyChange[] | null, string | null, string | null][] = [
        [others, ["keyword-removed"], line, null],
        [added, ["keyword-added"], null, "ADDED 1"],
        [lines.with(at, `${line} YES`), ["keyword-changed", "lengthened"], line, `${line} YES`],
        [lines.with(at, line.toLowerCase()), ["case"], line, line.toLowerCase()],
        [lines.with(at, "*".repeat(line.length)), ["masked"], line, "*".repeat(line.length)],
        [
          lines.with(at, `${"X".repeat(line.length - 1)}A`),
          ["masked"],
          line,
          `${"X".repeat(line.length - 1)}A`,
        ],
      ];
      for (const [after, changes, a, b] of cases) {
        expect(differences(reply([HOST, ...lines]), reply([HOST, ...after]))).toEqual([[changes, a, b]]);
      }
      // Which of two neighbours has moved, nobody can say.
      const moved = differences(reply([HOST, ...lines]), reply([HOST, ...others.toSpliced(to, 0, line)]));
      expect(moved.map(([changes]) => changes)).toEqual(at === to ? [] : [["line-order"]]);
    }),
  );
});

test("any two replies: nothing throws, and every line of both is accounted for once", () => {
  const any = fc.array(
    fc.constantFrom("250-a\r\n", "250 b\r\n", "250-SIZE 1\r\n", "x\n", "250", "\r\n", "250-***\r\n"),
    {
      maxLength: 9,
    },
  );
  fc.assert(
    fc.property(any, any, fc.boolean(), (a, b, toEhlo) => {
      const [before, after] = [a.join(""), b.join("")];
      const found = compareReplies(before, after, toEhlo);
      expect(found.length === 0).toBe(compareReplies(after, before, toEhlo).length === 0);
      const lineCount = (text: string) => replyLines(text).length;
      const removed = found.filter((each) => each.after === null).length;
      const added = found.filter((each) => each.before === null).length;
      expect(lineCount(before) - removed).toBe(lineCount(after) - added);
      const places = found.flatMap((each) => (each.beforeLine === null ? [] : [each.beforeLine]));
      expect(new Set(places).size).toBe(places.length);
    }),
  );
});
