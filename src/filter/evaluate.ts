/**
 * Comparisons as closures: what can be decided from the filter alone (types, numbers, patterns,
 * networks) is decided once, and an exchange costs a call and a comparison.
 *
 * A comparison with a value that the exchange does not have is false, whatever the operator: with
 * no reply, `code==250` and `code!=250` are both false, and `!(code==250)` is true. As in Wireshark.
 * Where there are several values (lines of a reply, packets) a comparison holds when it holds for
 * one of them; `!=` holds when none is equal.
 *
 * A text is compared as it is. A word (`phase`, `verb`) is compared in any case.
 */
import { inNetworks, type Network, parseNetwork } from "../spine/address.ts";
import type { Field } from "./fields.ts";
import { nearest } from "./filter-error.ts";
import { compilePattern } from "./pattern.ts";
import type { FilterSubject } from "./subject.ts";

export type Test = (subject: FilterSubject) => boolean;

export type Operator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "contains" | "in";

/** A value as written; `at` is where. */
export interface Written {
  readonly text: string;
  readonly at: number;
}

/** One value, or with `to` a range. */
export interface Item {
  readonly from: Written;
  readonly to: Written | null;
}

/** Reports a fault in the filter. */
export type Fail = (at: number, message: string) => never;

type Range = readonly [from: number, to: number];

const TAKES: Record<Field["type"], readonly Operator[]> = {
  flag: ["==", "!="],
  word: ["==", "!=", "=~", "contains", "in"],
  text: ["==", "!=", "=~", "contains", "in"],
  number: ["==", "!=", "<", "<=", ">", ">=", "=~", "in"],
  duration: ["==", "!=", "<", "<=", ">", ">=", "in"],
  address: ["==", "!=", "=~", "contains", "in"],
  frames: ["==", "!=", "<", "<=", ">", ">=", "in"],
};

/** Faults the operator before its value is read: the message can then name what would do. */
export function checkOperator(field: Field, operator: Operator, at: number, fail: Fail): void {
  if (TAKES[field.type].includes(operator)) return;
  fail(at, `${field.name} cannot be compared with "${operator}", only with ${TAKES[field.type].join(" ")}`);
}

/** The name alone: a flag's value, else whether there is one. */
export function compileBare(field: Field): Test {
  if (field.bare !== undefined) return field.bare;
  switch (field.type) {
    case "flag":
      return field.of;
    case "text":
    case "word":
      return (subject) => {
        const value = field.of(subject);
        return value !== null && (typeof value === "string" || value.length > 0);
      };
    case "frames":
      return (subject) => field.of(subject).some((span) => span !== null);
    default:
      return (subject) => field.of(subject) !== null;
  }
}

/** @param items what stands to the right: one value, or with `in` all of them. */
export function compileComparison(
  field: Field,
  operator: Operator,
  items: readonly Item[],
  fail: Fail,
): Test {
  switch (field.type) {
    case "flag": {
      const wanted = truth(field, items, fail) === (operator === "==");
      return (subject) => field.of(subject) === wanted;
    }
    case "word":
    case "text":
      return textTest(field.of, operator, stringTest(field, operator, items, fail));
    case "address":
      return addressTest(field, operator, items, fail);
    case "number":
    case "duration":
      return numberTest(field, operator, items, fail);
    case "frames":
      return framesTest(field, operator, items, fail);
  }
}

function textTest(
  of: (subject: FilterSubject) => string | readonly string[] | null,
  operator: Operator,
  holds: (text: string) => boolean,
): Test {
  const wanted = operator !== "!=";
  return (subject) => {
    const value = of(subject);
    if (value === null) return false;
    if (typeof value === "string") return holds(value) === wanted;
    return value.length > 0 && value.some(holds) === wanted;
  };
}

/** For `!=` the test of equality: the caller turns it. */
function stringTest(
  field: Field,
  operator: Operator,
  items: readonly Item[],
  fail: Fail,
): (text: string) => boolean {
  const first = items[0]!.from;
  if (operator === "=~") return pattern(first, fail);
  const fold = field.type === "word" ? (text: string) => text.toLowerCase() : (text: string) => text;
  if (operator === "contains") {
    if (first.text === "") fail(first.at, "every text contains the empty one: give some text");
    const part = fold(first.text);
    return (text) => fold(text).includes(part);
  }
  const wanted = new Set<string>();
  for (const { from, to } of items) {
    if (to !== null) fail(to.at, `${field.name} has no ranges: list the values`);
    if (field.type === "word" && field.known !== undefined) checkKnown(field, field.known, from, fail);
    wanted.add(fold(from.text));
  }
  if (wanted.size > 1) return (text) => wanted.has(fold(text));
  const [only] = wanted;
  return (text) => fold(text) === only;
}

function checkKnown(
  { name, late = [] }: { readonly name: string; readonly late?: readonly string[] },
  known: readonly string[],
  value: Written,
  fail: Fail,
): void {
  const word = value.text.toLowerCase();
  if (known.includes(word)) return;
  // Ids are known by the part behind their slash as well.
  const can = known.filter((each) => !each.includes("/")).join(" ");
  if (late.includes(word)) {
    fail(
      value.at,
      `"${value.text}" is known only when all has been read, and a filter asks before: the report lists its dialogues; ${name} can be ${can}`,
    );
  }
  const near = nearest(value.text, [...known, ...late]);
  const hint = near === null ? `one of ${can} is expected` : `did you mean ${near}?`;
  fail(value.at, `${name} is never "${value.text}": ${hint}`);
}

function pattern(value: Written, fail: Fail): (text: string) => boolean {
  if (value.text === "") fail(value.at, "a pattern is expected");
  const compiled = compilePattern(value.text);
  return typeof compiled === "string" ? fail(value.at, compiled) : compiled;
}

function addressTest(
  field: Field & { readonly type: "address" },
  operator: Operator,
  items: readonly Item[],
  fail: Fail,
): Test {
  if (operator === "=~" || operator === "contains") {
    return textTest(field.of, operator, stringTest(field, operator, items, fail));
  }
  const networks = items.map(({ from, to }): Network => {
    if (to !== null) fail(to.at, `${field.name} has no ranges: write a network, as 10.2.0.0/24`);
    const expected = "an address, address:port, [address]:port or network/bits is expected";
    return parseNetwork(from.text) ?? fail(from.at, `"${from.text}": ${expected}`);
  });
  const inside = inNetworks(networks);
  const wanted = operator !== "!=";
  return (subject) => inside(field.of(subject)) === wanted;
}

function numberTest(
  field: Field & { readonly type: "number" | "duration" },
  operator: Operator,
  items: readonly Item[],
  fail: Fail,
): Test {
  const { of } = field;
  if (operator === "=~") {
    const matches = pattern(items[0]!.from, fail);
    return (subject) => {
      const value = of(subject);
      return value !== null && matches(String(value));
    };
  }
  const ranges = items.map((item) => rangeOf(field, item, fail));
  if (ranges.length > 1) {
    return (subject) => {
      const value = of(subject);
      return value !== null && ranges.some(([from, to]) => value >= from && value <= to);
    };
  }
  const [from, to] = bounds(operator, ranges[0]!);
  const wanted = operator !== "!=";
  return (subject) => {
    const value = of(subject);
    return value !== null && (value >= from && value <= to) === wanted;
  };
}

function framesTest(
  field: Field & { readonly type: "frames" },
  operator: Operator,
  items: readonly Item[],
  fail: Fail,
): Test {
  const ranges = items.map((item) => bounds(operator, rangeOf(field, item, fail)));
  const meets = (span: Range | null) =>
    span !== null && ranges.some(([from, to]) => span[0] <= to && span[1] >= from);
  const wanted = operator !== "!=";
  return (subject) => {
    const spans = field.of(subject);
    return spans.some((span) => span !== null) && spans.some(meets) === wanted;
  };
}

/** An ordering as the range it allows. All our values are integers but those of a filter may not be. */
function bounds(operator: Operator, [from, to]: Range): Range {
  switch (operator) {
    case "<":
      return [Number.NEGATIVE_INFINITY, Math.ceil(from) - 1];
    case "<=":
      return [Number.NEGATIVE_INFINITY, from];
    case ">":
      return [Math.floor(from) + 1, Number.POSITIVE_INFINITY];
    case ">=":
      return [from, Number.POSITIVE_INFINITY];
    default:
      return [from, to];
  }
}

function rangeOf(field: Field, { from, to }: Item, fail: Fail): Range {
  const read = field.type === "duration" ? durationUs : wholeNumber;
  const first = read(field.name, from, fail);
  if (to === null) return [first, first];
  const last = read(field.name, to, fail);
  if (last < first) fail(to.at, "the range ends before it begins");
  return [first, last];
}

function wholeNumber(name: string, { text, at }: Written, fail: Fail): number {
  // Fifteen digits are exact in a number.
  if (!/^\d{1,15}$/.test(text)) fail(at, `${name} is a whole number, "${text}" is not`);
  return Number(text);
}

const UNIT_US: ReadonlyMap<string, number> = new Map([
  ["us", 1],
  ["µs", 1],
  ["μs", 1],
  ["ms", 1e3],
  ["s", 1e6],
  ["m", 60e6],
  ["min", 60e6],
  ["h", 3600e6],
]);

/** There is no default unit: seconds to one reader are milliseconds to the next. */
function durationUs(name: string, { text, at }: Written, fail: Fail): number {
  const [, number, unit] = /^(\d{1,12}(?:\.\d{1,9})?)(\D*)$/.exec(text) ?? [];
  if (number === undefined) fail(at, `${name} is a duration, as 1s, 250ms or 80us; "${text}" is not`);
  if (unit === "") fail(at, `${name} needs a unit: ${text}s, ${text}ms or ${text}us (also m, h)`);
  const unitUs = UNIT_US.get(unit!) ?? fail(at, `"${unit}" is no unit of time: us ms s m h are`);
  // To the nanosecond: 1.1 × 1e6 is not 1100000 in binary.
  return Number((Number(number) * unitUs).toFixed(3));
}

function truth(field: Field, items: readonly Item[], fail: Fail): boolean {
  const { text, at } = items[0]!.from;
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  return fail(at, `${field.name} is true or false; write ${field.name} or !${field.name}`);
}
