/** What a server says itself, learnt from several askings, against what arrives. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectedBanner, learn, lineOf } from "../../src/rewriting/reference/learn.ts";
import { filledFrom, matches, sampleOf } from "../../src/rewriting/reference/pattern.ts";
import { parseReference } from "../../src/rewriting/reference/stored.ts";
import type { Answers } from "../../src/spine/reference.ts";
import { GENUINE_BANNERS } from "./banners.ts";
import { foundAgainst, talk } from "./found.ts";

const DATES = [
  "Tue, 24 Nov 2026 20:20:01 +0000",
  "Tue, 24 Nov 2026 20:20:02 +0000",
  "Tue, 24 Nov 2026 20:20:03 +0000",
];
const KEYWORDS = ["SIZE 52428800", "8BITMIME", "PIPELINING", "CHUNKING", "STARTTLS", "HELP"];
const ehlo = (host: string, keywords: readonly string[], client = "probe") =>
  [`${host} Hello ${client}`, ...keywords]
    .map((line, i, all) => `250${i === all.length - 1 ? " " : "-"}${line}`)
    .join("\n");
const wire = (text: string) => `${text.replaceAll("\n", "\r\n")}\r\n`;

function answers(i: number): Answers {
  return {
    replies: {
      "(connect)": wire(`220 mx.example.net ESMTP Exim 4.96 ${DATES[i]}`),
      EHLO: wire(ehlo("mx.example.net", KEYWORDS)),
      NOOP: wire("250 OK"),
      QUIT: wire("221 mx.example.net closing connection"),
    },
    certificate: null,
  };
}

const EXIM = learn("localhost:25", "2026-11-24T20:20:03Z", [0, 1, 2].map(answers));
const LATER = "220 mx.example.net ESMTP Exim 4.96 Mon, 7 Dec 2026 09:12:20 +0100";
const found = (...texts: string[]) =>
  foundAgainst([EXIM], talk(...texts)).map(({ id, basis, differences }) => [
    id.slice("rewriting/".length),
    basis,
    ...(differences ?? []).map(({ kinds }) => kinds.join("+")),
  ]);

test("a reference that was asked through the same mask still tells the host", () => {
  const masked = `220 ${"*".repeat("mail.example.net ESMTP".length)}`;
  const asked: Answers = {
    replies: { "(connect)": wire(masked), EHLO: wire("250 mail.example.net") },
    certificate: null,
  };
  const reference = learn("mail.example.net:25", "2026-11-24T20:20:03Z", [asked]);
  const [finding] = foundAgainst([reference], talk(masked));
  expect(finding?.originals?.[0]?.candidates[0]).toMatchObject({
    text: "220 mail.example.net ESMTP",
    inferred: expect.stringContaining("the host as in a reference"),
  });
});

describe("learning", () => {
  test("a line matches the lines it was learnt from, whatever differs", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }), (lines) => {
        const line = lineOf(lines);
        expect(sampleOf(line)).toBe(lines[0]);
        expect(matches(line, lines[0]!)).toBe(true);
        // Where the number of words is the same, all are within it.
        const words = lines.map((text) => text.match(/[A-Za-z0-9]+|[^A-Za-z0-9]/gs)?.length);
        const plain = lines.every((text) => /^[A-Za-z0-9 ]+$/.test(text) && !/[ ]{2}|^ | $/.test(text));
        if (plain && new Set(words).size === 1) {
          const digitsOnly = (text: string) =>
            text.replace(/\d+/g, "0").replace(/[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*/g, "a");
          if (new Set(lines.map(digitsOnly)).size === 1)
            for (const text of lines) expect(matches(line, text)).toBe(true);
        }
      }),
    );
  });

  test("a date varies even if it was the same each time; the day after tomorrow it still matches", () => {
    const line = lineOf([`220 mx ESMTP ${DATES[0]}\r\n`, `220 mx ESMTP ${DATES[0]}\r\n`]);
    expect(matches(line, "220 mx ESMTP Thu, 26 Nov 2026 01:02:03 +0000\r\n")).toBe(true);
    expect(matches(line, "220 mx ESMTP yesterday\r\n")).toBe(false);
  });

  test("ids and process numbers vary, the rest does not", () => {
    const line = lineOf(["220 mx ESMTP a1b2-77 pid 4711\r\n", "220 mx ESMTP c3d4-78 pid 4712\r\n"]);
    expect(matches(line, "220 mx ESMTP zz99-1 pid 5\r\n")).toBe(true);
    expect(matches(line, "220 mx ESMTP zz99-1 pid x\r\n")).toBe(false);
    expect(matches(line, "220 my ESMTP zz99-1 pid 5\r\n")).toBe(false);
  });

  test("what is filled in from what arrived leaves only the change", () => {
    const line = lineOf(DATES.map((date) => `220 mx ESMTP ${date}\r\n`));
    const arrived = "220 my ESMTP Thu, 26 Nov 2026 01:02:03 +0000\r\n";
    expect(filledFrom(line, arrived)).toBe(arrived.replace("my", "mx"));
    expect(filledFrom(line, "220 proxy.example.org ready Thu, 26 Nov 2026 01:02:03 +0000\r\n")).toContain(
      "26 Nov 2026 01:02:03",
    );
  });

  test("a file of it can be read again, and what is none is refused", () => {
    expect(parseReference(JSON.stringify(EXIM))).toEqual(EXIM);
    for (const text of [
      "",
      "{}",
      "[]",
      '{"kind":"smtpscope-reference","schema":2}',
      JSON.stringify({ ...EXIM, replies: { NOOP: [[{}]] } }),
    ])
      expect(() => parseReference(text)).toThrow();
  });
});

describe("what arrived as it was said", () => {
  test.each<readonly [string, readonly string[]]>([
    [
      "on another day, to another client",
      [
        LATER,
        "EHLO a",
        ehlo("mx.example.net", KEYWORDS, "a [192.0.2.9]"),
        "NOOP",
        "250 OK",
        "QUIT",
        "221 mx.example.net closing connection",
      ],
    ],
    ["the server is busy", ["421 mx.example.net too busy"]],
    [
      "another command went wrong",
      [LATER, "EHLO a", ehlo("mx.example.net", KEYWORDS), "NOOP", "421 timeout"],
    ],
  ])("%s", (_why, texts) => {
    expect(found(...texts)).toEqual([]);
  });

  test("behind STARTTLS, in a capture that was decrypted", () => {
    const secured = ehlo(
      "mx.example.net",
      KEYWORDS.filter((keyword) => keyword !== "STARTTLS"),
    );
    const texts = [
      LATER,
      "EHLO a",
      ehlo("mx.example.net", KEYWORDS),
      "STARTTLS",
      "220 go",
      "EHLO a",
      secured,
    ];
    expect(found(...texts, "QUIT", "221 mx.example.net closing connection")).toEqual([]);
  });

  test.each(
    GENUINE_BANNERS.map(({ line }) => line).filter((line) => line.length > 6 && !line.startsWith("220-")),
  )("expected as text: %s", (line) => {
    expect(foundAgainst([expectedBanner(line)], talk(line, "HELO a", "250 a"))).toEqual([]);
    expect(foundAgainst([expectedBanner(line.slice(4))], talk(line, "HELO a", "250 a"))).toEqual([]);
  });

  test("one of two servers behind one address", () => {
    const other = expectedBanner("220 mx2.example.net ESMTP");
    expect(foundAgainst([EXIM, other], talk("220 mx2.example.net ESMTP", "HELO a", "250 a"))).toEqual([]);
  });
});

describe("what was changed", () => {
  const banner = (text: string) => [text, "QUIT", "221 mx.example.net closing connection"] as const;
  const mask = (text: string) => text.replace(/[^20]/g, "*");
  const hello = (reply: string) => [LATER, "EHLO a", reply] as const;
  const without = (name: string) => KEYWORDS.filter((keyword) => keyword !== name);
  test.each<readonly [string, readonly string[], readonly (readonly string[])[]]>([
    ["a masked banner", banner(`220 ${mask(LATER.slice(4))}`), [["banner-masked", "seen", "masked"]]],
    ["a replaced banner", banner("220 firewall.example.org ready"), [["banner-changed", "seen", "replaced"]]],
    ["a banner cut short", banner("220 mx.example.net ESMTP"), [["banner-changed", "seen", "cut"]]],
    ["a longer banner", banner(`${LATER} (checked)`), [["banner-changed", "seen", "lengthened"]]],
    [
      "letter case",
      banner(LATER.replace("mx.example.net", "MX.EXAMPLE.NET")),
      [["banner-changed", "seen", "case"]],
    ],
    ["white space", banner(LATER.replace("ESMTP ", "ESMTP  ")), [["banner-changed", "seen", "whitespace"]]],
    [
      "STARTTLS gone",
      hello(ehlo("mx.example.net", without("STARTTLS"))),
      [["starttls-removed", "seen", "keyword-removed"]],
    ],
    [
      "the last keyword gone",
      hello(ehlo("mx.example.net", without("HELP"))),
      [["keyword-removed", "seen", "keyword-removed"]],
    ],
    [
      "two keywords gone, in one dialogue",
      hello(ehlo("mx.example.net", KEYWORDS.slice(0, 2))),
      [
        ["starttls-removed", "seen", "keyword-removed"],
        ["keyword-removed", "seen", "keyword-removed", "keyword-removed", "keyword-removed"],
      ],
    ],
    [
      "STARTTLS masked",
      hello(
        ehlo(
          "mx.example.net",
          KEYWORDS.map((keyword) => (keyword === "STARTTLS" ? "XXXXXXXA" : keyword)),
        ),
      ),
      [
        ["starttls-masked", "seen", "masked"],
        ["ehlo-keyword-masked", "likely"],
      ],
    ],
    [
      "another SIZE",
      hello(ehlo("mx.example.net", ["SIZE 10240000", ...KEYWORDS.slice(1)])),
      [["keyword-changed", "seen", "keyword-changed+replaced"]],
    ],
    [
      "a keyword more",
      hello(ehlo("mx.example.net", [...KEYWORDS, "DSN"])),
      [["keyword-changed", "seen", "keyword-added"]],
    ],
    [
      "another order",
      hello(ehlo("mx.example.net", ["8BITMIME", "SIZE 52428800", ...KEYWORDS.slice(2)])),
      [["keyword-changed", "seen", "line-order"]],
    ],
    [
      "another text to QUIT",
      [LATER, "QUIT", "221 Service closing transmission channel"],
      [["reply-changed", "seen", "replaced"]],
    ],
  ])("%s", (_why, texts, want) => {
    expect(found(...texts)).toEqual(want);
  });

  test("line ends", () => {
    const script = talk(LATER, "QUIT", "221 mx.example.net closing connection").replace(
      "+0100\\r\\n",
      "+0100\\n",
    );
    expect(foundAgainst([EXIM], script).map(({ id, differences }) => [id, differences?.[0]?.kinds])).toEqual([
      ["rewriting/banner-changed", ["line-end"]],
    ]);
  });

  test("octets above ASCII", () => {
    const reference = expectedBanner("220 mx.example.net Caf\xe9");
    const [finding] = foundAgainst([reference], talk("220 mx.example.net Caf?", "QUIT", "221 bye"));
    expect(finding).toMatchObject({
      id: "rewriting/banner-changed",
      differences: [{ kinds: ["non-ascii"] }],
    });
  });

  test("is shown as two lines with carets and in hex, and the date is not among it", () => {
    const [finding] = foundAgainst(
      [EXIM],
      talk(LATER.replace("Exim", "Xxim"), "QUIT", "221 mx.example.net closing connection"),
    );
    const { before, beforeMarks, beforeHex, after, afterMarks, afterHex } = finding!.differences![0]!;
    expect(before).toBe(`${LATER}\\r\\n`);
    expect(after).toBe(`${LATER.replace("Exim", "Xxim")}\\r\\n`);
    expect(beforeMarks).toBe(`${" ".repeat(LATER.indexOf("Exim"))}^`);
    expect([afterMarks, beforeHex, afterHex]).toEqual([beforeMarks, "45", "58"]);
    expect(finding!.claim).toContain("220 mx.example.net ESMTP Exim 4.96");
  });

  test("an expression that the banner does not match", () => {
    const expects = (text: string, banner: string) =>
      foundAgainst([expectedBanner(text)], talk(banner, "QUIT", "221 bye")).map(
        ({ id, basis }) => `${id} ${basis}`,
      );
    expect(expects("/^mx\\d?\\.example\\.net /", "220 mx7.example.net ESMTP")).toEqual([]);
    expect(expects("/EXAMPLE/i", "220 mx7.example.net ESMTP")).toEqual([]);
    expect(expects("/^220 mx/", "220 mx7.example.net ESMTP")).toEqual([]);
    expect(expects("/^mx/", "220 firewall ready")).toEqual(["rewriting/banner-changed seen"]);
    expect(expects("/^mx/", "220 **********")).toEqual(["rewriting/banner-masked seen"]);
    expect(() => expectedBanner("/(/")).toThrow(SyntaxError);
  });
});
