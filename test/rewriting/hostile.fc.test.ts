/** Whatever is said, and however it is cut: nothing throws, nothing acts on a terminal, the same is found. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { expectedBanner } from "../../src/rewriting/reference/learn.ts";
import { parse, resplit } from "../dialogue/playbook.ts";
import { ARTICLE_BANNER } from "./banners.ts";
import { foundAgainst, foundIn, talk } from "./found.ts";

/** Bytes as a playbook writes them. */
const escaped = (bytes: Uint8Array) =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

const TOKENS = [
  "220",
  "250",
  "-",
  " ",
  "\r\n",
  "\n",
  "*",
  "X",
  "XXXXXXXA",
  "2",
  "0",
  "\x1b[31m",
  "\u202e",
  "STARTTLS",
  "mx.example.net",
  "BINARYMIME",
  "\0",
];
const SAID = fc
  .array(fc.oneof(fc.constantFrom(...TOKENS), fc.string({ maxLength: 3 })), { maxLength: 40 })
  .map((parts) => Buffer.from(parts.join("")));

const script = (texts: readonly Uint8Array[]) =>
  [
    "0 SYN",
    "10 SYN-ACK",
    "20 ACK",
    ...texts.map((bytes, i) => `${1_000 * (i + 1)} ${i % 2 === 0 ? "S<" : "C>"} ${escaped(bytes)}`),
  ].join("\n");

const REFERENCE = [expectedBanner("220 mx.example.net ESMTP Exim 4.96 Tue, 24 Nov 2026 20:20:01 +0000")];

test("anything said becomes findings without control characters", () => {
  fc.assert(
    fc.property(fc.array(SAID, { minLength: 1, maxLength: 8 }), (texts) => {
      const said = texts.map((text, i) =>
        Buffer.concat([
          Buffer.from(i === 0 ? "220 " : i === 2 ? "250-mx.a.b\r\n250 " : ""),
          text,
          Buffer.from("\r\n"),
        ]),
      );
      for (const finding of [...foundIn(script(said)), ...foundAgainst(REFERENCE, script(said))]) {
        const { confidence, claim } = finding;
        expect(confidence).toBeGreaterThan(0);
        expect(confidence).toBeLessThanOrEqual(1);
        expect(claim).not.toBe("");
        for (const value of strings(finding))
          expect(value).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      }
    }),
    { numRuns: 300 },
  );
});

function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : [];
}

const ENVELOPE = [
  "EHLO a",
  "250-mx.example.net\n250-XXXXXXXA\n250 BINARYMIME",
  "MAIL FROM:<a@b>",
  "250 ok",
  "RCPT TO:<c@d>",
  "250 ok",
  "DATA",
  "354 go",
];
const SCRIPTS = [
  `${talk(`220 ${ARTICLE_BANNER.join("")}`, ...ENVELOPE)}\n20000 C> hello\\r\\n.\\r\n20001 C> \\n\n900000000 C. rst`,
  `${talk("220 mx.example.net ESMTP", ...ENVELOPE)}\n20000 C> hello\\r\\n.\n20001 C> \\r\n20002 C> \\n\n900000000 C. rst`,
  `${talk("220 mx.example.net ESMTP", ...ENVELOPE)}\n20000 C> hello\\r\\n.\\r\\n\n900000000 C. rst`,
  talk("220-***\n220 ****", "STARTTLS", "500 XXXXXXXX unknown", "QUIT", "221 bye"),
];

test("how packets are cut into pieces changes nothing", () => {
  for (const text of SCRIPTS) {
    const whole = foundIn(text);
    expect(foundIn(resplit(parse(text), () => true))).toEqual(whole);
    fc.assert(
      fc.property(fc.func(fc.boolean()), (cut) => {
        expect(foundIn(resplit(parse(text), (step, at) => cut(step, at)))).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  }
  expect(SCRIPTS.map((text) => foundIn(text).some(({ id }) => id === "rewriting/end-of-data-held"))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
