/** What a mask hides: masked banners and EHLO lines, and what is made of them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bannerOriginals, guessBanner, maskText } from "../../src/rewriting/originals/banner.ts";
import { BANNER_TEMPLATES } from "../../src/rewriting/originals/banner-templates.ts";
import { keywordOriginals } from "../../src/rewriting/originals/keywords.ts";
import { ARTICLE_BANNER, GENUINE_BANNERS } from "./banners.ts";

/** A1's rule by another way: character by character. */
function naiveMask(text: string): string {
  let masked = "";
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    const kept = character === "2" || character === "0" || (character === " " && text[i - 1] === "0");
    masked += kept ? character : "*";
  }
  return masked;
}

const says = (host: string) => [{ host, from: "its reply to EHLO or HELO", trust: 1 }];

const HOST = fc
  .tuple(
    fc.stringMatching(/^[a-z]{2,10}[0-9]{0,2}$/),
    fc.stringMatching(/^[a-z][a-z0-9-]{1,12}[a-z]$/),
    fc.constantFrom("net", "com", "org", "de", "co.uk"),
  )
  .map((labels) => labels.join("."));
const two = (n: number) => String(n).padStart(2, "0");
const DATE = fc
  .tuple(
    fc.constantFrom("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    fc.integer({ min: 1, max: 31 }),
    fc.constantFrom("Jan", "Feb", "Jun", "Nov", "Dec"),
    fc.integer({ min: 1998, max: 2027 }),
    fc.nat(23),
    fc.nat(59),
    fc.nat(59),
  )
  .map(
    ([day, date, month, year, h, m, s]) => `${day}, ${date} ${month} ${year} ${two(h)}:${two(m)}:${two(s)}`,
  );

/** One greeting by a template, with its host. */
const GREETING = fc.constantFrom(...BANNER_TEMPLATES).chain((template) =>
  fc
    .record({
      host: HOST,
      date: DATE,
      zone: fc.constantFrom("+0000", "-0500", "+0100", "+0200", "+0530"),
      numbers: fc.array(fc.nat(9_999), { minLength: 8, maxLength: 8 }),
      id: fc.stringMatching(/^[a-f0-9]{32}$/),
      client: fc.constantFrom("client.example.org [198.51.100.7]", "[10.0.0.2]"),
    })
    .map(({ host, date, zone, numbers, id, client }) => {
      let at = 0;
      const text = template.pattern.replace(/%[hnvDztmixc]/g, (slot) => {
        const number = numbers[at++ % numbers.length]!;
        switch (slot) {
          case "%h":
            return host;
          case "%v":
            // Versions of long-lived programs.
            return number % 4 === 0 ? String(10 + (number % 20)) : String(number % 10);
          case "%n":
            return String(number);
          case "%D":
            return `${date} ${zone}`;
          case "%z":
            return `${date} GMT`;
          case "%t":
            return "11/24/26 20:20:01";
          case "%c":
            return client;
          case "%m":
            return id;
          case "%i":
            return id.slice(number % 8);
          default:
            return id.slice(0, 3 + (number % 12));
        }
      });
      return { template, host, text };
    }),
);

test("the mask keeps 2, 0 and the blank behind a 0", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme-ascii" }), (text) => {
      expect(maskText(text)).toBe(naiveMask(text));
    }),
  );
});

describe("the banner of the article", () => {
  test.each([
    ["wrapped as printed", ["220", ...ARTICLE_BANNER]],
    ["joined", [`220 ${ARTICLE_BANNER.join("")}`]],
    ["joined without a blank", [`220${ARTICLE_BANNER.join("")}`]],
  ])("%s: Exchange 2003 on a day of the twenties, between 2000 and 2009", (_how, lines) => {
    const { candidates } = bannerOriginals(lines, []);
    expect(candidates[0]?.text).toContain(
      "Microsoft ESMTP MAIL Service, Version: 6.0.3790.1830 ready at  ???, 2? ??? 200?",
    );
    expect(candidates[0]?.inferred).toContain("Exchange 2003");
    expect(candidates[0]?.share).toBeGreaterThan(0.9);
  });
});

describe("with the host known", () => {
  test("the true template is among the first three, and its text fits", () => {
    fc.assert(
      fc.property(GREETING, ({ template, host, text }) => {
        const guesses = guessBanner(naiveMask(text), says(host)).slice(0, 3);
        const found = guesses.find((guess) => guess.template.name === template.name);
        expect(guesses.map((guess) => guess.template.name)).toContain(template.name);
        // Laid over again it gives the same mask (blanks may be masked or not), and the host is where it belongs.
        const all = (masked: string) => masked.replaceAll(" ", "*");
        expect(all(naiveMask(found!.text.replaceAll("?", "a")))).toBe(all(naiveMask(text)));
        expect(found!.text.startsWith(host)).toBe(true);
      }),
      { numRuns: 300, seed: 20_2 },
    );
  });

  test.each(GENUINE_BANNERS.filter(({ server }) => server !== null))("$line", ({ line, server }) => {
    const text = line.slice(4);
    const host = /^\S+/.exec(text)![0];
    const names = guessBanner(naiveMask(text), says(host))
      .slice(0, 3)
      .map(({ template }) => template.name);
    expect(
      names.some((name) => server!.test(name)),
      names.join("; "),
    ).toBe(true);
  });
});

test("with the host unknown its length is told where the template is", () => {
  const [first] = guessBanner(
    naiveMask(
      "mail02.example.net Microsoft ESMTP MAIL Service, Version: 6.0.3790.4675 ready at  Tue, 24 Nov 2009 20:20:01 +0200",
    ),
    [],
  );
  expect(first?.host).toBe("?????2????????????".replace("?2", "02"));
});

test("hostile masks end soon", () => {
  const started = performance.now();
  for (const text of [
    "*".repeat(512),
    "*0".repeat(256),
    "* ".repeat(256),
    "0 ".repeat(256),
    `${"*".repeat(500)}2`,
  ])
    guessBanner(text, []);
  expect(performance.now() - started).toBeLessThan(5_000);
});

describe("keywords", () => {
  const EXCHANGE_2003 = [
    "XXXA",
    "SIZE",
    "ETRN",
    "PIPELINING",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "8BITMIME",
    "BINARYMIME",
    "XXXXXXXB",
    "XXXC",
    `${"X".repeat(23)}D`,
    `${"X".repeat(11)}E`,
    "AUTH GSSAPI NTLM LOGIN",
    `${"X".repeat(9)}F`,
    `${"X".repeat(11)}G`,
    "XXXXXXH",
    "XI",
  ];
  const first = (lines: readonly string[]) => {
    const masked = lines.filter((line) => /^X+[A-Z]$/.test(line));
    return keywordOriginals(lines, masked).map(({ candidates }) => candidates[0]?.text);
  };

  test("of Exchange 2003, by length and order", () => {
    expect(first(EXCHANGE_2003)).toEqual([
      "TURN",
      "CHUNKING",
      "VRFY",
      "X-EXPS GSSAPI NTLM LOGIN",
      "X-EXPS=LOGIN",
      "AUTH=LOGIN",
      "X-LINK2STATE",
      "XEXCH50",
      "OK",
    ]);
  });

  test("of Postfix: the same eight X's are STARTTLS, SMTPUTF8 or CHUNKING by their place", () => {
    const lines = [
      "PIPELINING",
      "SIZE 10240000",
      "VRFY",
      "ETRN",
      "XXXXXXXA",
      "ENHANCEDSTATUSCODES",
      "8BITMIME",
      "DSN",
      "XXXXXXXB",
      "XXXXXXXC",
    ];
    expect(first(lines)).toEqual(["STARTTLS", "SMTPUTF8", "CHUNKING"]);
  });

  test("of Sendmail", () => {
    const lines = [
      "ENHANCEDSTATUSCODES",
      "PIPELINING",
      "8BITMIME",
      "SIZE",
      "DSN",
      "ETRN",
      "XXXXXXXA",
      "XXXXXXXXB",
      "XXXC",
    ];
    expect(first(lines)).toEqual(["STARTTLS", "DELIVERBY", "HELP"]);
  });
});
