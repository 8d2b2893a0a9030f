import fc from "fast-check";
import { expect, test } from "vitest";
import { FIELDS } from "../../src/filter/fields.ts";
import { FilterError, pointAtFault } from "../../src/filter/filter-error.ts";
import { parseFilter } from "../../src/filter/parser.ts";
import type { FilterSubject } from "../../src/filter/subject.ts";
import { exchange, SILENCE } from "./exchange.ts";

type Expression =
  | { readonly kind: "leaf"; readonly text: string; readonly holds: (subject: FilterSubject) => boolean }
  | { readonly kind: "not"; readonly inner: Expression }
  | { readonly kind: "and" | "or"; readonly parts: readonly Expression[] };

const maybe = (value: number | null, holds: (value: number) => boolean) => value !== null && holds(value);

const numberLeaf = fc
  .record({
    operator: fc.constantFrom("==", "!=", "<", "<=", ">", ">="),
    value: fc.constantFrom(0, 250, 449, 450, 451, 554),
  })
  .map(({ operator, value }): Expression => {
    const compare: Record<string, (code: number) => boolean> = {
      "==": (code) => code === value,
      "!=": (code) => code !== value,
      "<": (code) => code < value,
      "<=": (code) => code <= value,
      ">": (code) => code > value,
      ">=": (code) => code >= value,
    };
    return { kind: "leaf", text: `code${operator}${value}`, holds: (s) => maybe(s.code, compare[operator]!) };
  });

const leaf: fc.Arbitrary<Expression> = fc.oneof(
  numberLeaf,
  fc.integer({ min: 0, max: 3000 }).map(
    (ms): Expression => ({
      kind: "leaf",
      text: `dur>${ms}ms`,
      holds: (s) => maybe(s.serviceUs, (us) => us > ms * 1000),
    }),
  ),
  fc
    .constantFrom("rcpt", "mail", "quit")
    .map(
      (phase): Expression => ({ kind: "leaf", text: `phase == ${phase}`, holds: (s) => s.phase === phase }),
    ),
  fc.constant<Expression>({ kind: "leaf", text: "tls", holds: (s) => s.conversation.tls }),
  fc.constant<Expression>({ kind: "leaf", text: "unanswered", holds: (s) => s.taint === "unanswered" }),
  fc.constantFrom(3, 10, 16).map(
    (frame): Expression => ({
      kind: "leaf",
      text: `frame==${frame}`,
      holds: (s) =>
        [s.askedFrames, s.answeredFrames].some((span) => span && span[0] <= frame && frame <= span[1]),
    }),
  ),
);

const expression = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    tie("tree").map((inner): Expression => ({ kind: "not", inner })),
    fc
      .record({
        kind: fc.constantFrom("and" as const, "or" as const),
        parts: fc.array(tie("tree"), { minLength: 1, maxLength: 4 }),
      })
      .map((made): Expression => made),
  ),
})).tree;

const subject = fc.oneof(
  fc.constant(SILENCE),
  fc
    .record({
      code: fc.constantFrom(250, 449, 450, 451, 554),
      serviceUs: fc.option(fc.integer({ min: 0, max: 3_000_000 })),
      phase: fc.constantFrom("rcpt", "mail", "quit"),
      tls: fc.boolean(),
      askedFrames: fc.option(fc.constant([3, 4] as const)),
    })
    .map((given) => exchange(given)),
);

/** What the language means, said as plainly as possible. */
function naive(tree: Expression, s: FilterSubject): boolean {
  switch (tree.kind) {
    case "leaf":
      return tree.holds(s);
    case "not":
      return !naive(tree.inner, s);
    case "and":
      return tree.parts.map((part) => naive(part, s)).every(Boolean);
    case "or":
      return tree.parts.map((part) => naive(part, s)).some(Boolean);
  }
}

/** Fewest parentheses, so that precedence is tried too. `words`: and, or, not. */
function write(tree: Expression, words: boolean): string {
  const within = (part: Expression) =>
    part.kind === "and" || part.kind === "or" ? `(${write(part, words)})` : write(part, words);
  switch (tree.kind) {
    case "leaf":
      return tree.text;
    case "not":
      return words ? `not ${within(tree.inner)}` : `!${within(tree.inner)}`;
    case "and":
      return tree.parts
        .map((part) => (part.kind === "or" ? within(part) : write(part, words)))
        .join(words ? " and " : "&&");
    case "or":
      return tree.parts.map((part) => write(part, words)).join(words ? " or " : "||");
  }
}

/** The opposite with negations moved to the leaves. */
function opposite(tree: Expression): Expression {
  switch (tree.kind) {
    case "leaf":
      return { kind: "not", inner: tree };
    case "not":
      return tree.inner;
    case "and":
      return { kind: "or", parts: tree.parts.map(opposite) };
    case "or":
      return { kind: "and", parts: tree.parts.map(opposite) };
  }
}

test("a filter means what its tree says", () => {
  fc.assert(
    fc.property(expression, subject, fc.boolean(), (tree, s, words) => {
      expect(parseFilter(write(tree, words)).matches(s)).toBe(naive(tree, s));
    }),
    { numRuns: 1000 },
  );
});

test("De Morgan: a negation equals its expansion", () => {
  fc.assert(
    fc.property(expression, subject, (tree, s) => {
      const negated = parseFilter(`!(${write(tree, false)})`).matches(s);
      expect(parseFilter(write(opposite(tree), true)).matches(s)).toBe(negated);
    }),
    { numRuns: 1000 },
  );
});

const piece = fc.oneof(
  fc.constantFrom(...FIELDS.map((field) => field.name)),
  fc.constantFrom(
    "==",
    "!=",
    "<",
    ">=",
    "=~",
    "in",
    "contains",
    "matches",
    "!",
    "not",
    "&&",
    "or",
    "(",
    ")",
    "{",
    "}",
  ),
  fc.constantFrom(
    "..",
    ",",
    '"',
    "'",
    "\\",
    "450",
    "1s",
    "10.2.0.0/24",
    "::1",
    "[::1]:25",
    "(a+)+",
    "^4",
    "[",
    "*",
    "\0",
  ),
  fc.string({ unit: "binary", maxLength: 4 }),
);

/** Runs on one subject of each sort too: what parses must run. */
function parsesOrSaysWhy(text: string): void {
  try {
    const filter = parseFilter(text);
    for (const s of [exchange(), SILENCE]) expect(typeof filter.matches(s)).toBe("boolean");
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    expect(error.position).toBeGreaterThanOrEqual(0);
    expect(error.position).toBeLessThanOrEqual(text.length);
    expect(pointAtFault(error).split("\n")).toHaveLength(2);
  }
}

test("any text parses or is refused with a place", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 100 }), parsesOrSaysWhy), { numRuns: 2000 });
});

test("anything like a filter parses or is refused with a place", () => {
  const pieces = fc.tuple(fc.array(piece, { maxLength: 12 }), fc.constantFrom("", " "));
  fc.assert(
    fc.property(pieces, ([parts, between]) => parsesOrSaysWhy(parts.join(between))),
    { numRuns: 5000 },
  );
});

test("any pattern is accepted and runs, or is refused", () => {
  const part = fc.constantFrom(
    "a",
    "b",
    ".",
    "(",
    ")",
    "(?:",
    "(?=",
    "[",
    "]",
    "|",
    "*",
    "+",
    "?",
    "{2}",
    "{1,3}",
    "{2,}",
    "^",
    "$",
    "\\d",
    "\\",
    "\\b",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 10 }), (parts) => parsesOrSaysWhy(`text =~ ${parts.join("")}`)),
    { numRuns: 5000 },
  );
});
