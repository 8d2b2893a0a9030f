import { describe, expect, test } from "vitest";
import { FIELDS } from "../../src/filter/fields.ts";
import { FilterError, pointAtFault } from "../../src/filter/filter-error.ts";
import { parseFilter } from "../../src/filter/parser.ts";
import { SmtpscopeError } from "../../src/spine/errors.ts";

/** Of findings there may be, two can be asked for. */
const FINDINGS = {
  known: ["rewriting/banner-masked", "banner-masked", "ehlo-bare"],
  late: ["cause/dns-ptr", "dns-ptr"],
};

function errorOf(filter: string): FilterError {
  try {
    parseFilter(filter, FINDINGS);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`${filter} parsed`);
}

const deep = (count: number) => `${"(".repeat(count)}tls${")".repeat(count)}`;

const ROWS: readonly (readonly [filter: string, position: number, message: string])[] = [
  ["", 0, "the filter is empty"],
  ["  ", 0, "the filter is empty"],
  ["phse==rcpt", 0, "did you mean phase?"],
  ["tls && tsl", 7, "did you mean tls?"],
  ["sevrer==192.0.2.1", 0, "did you mean server?"],
  ["zebra", 0, "there are phase, verb,"],
  ["rcpt && tls", 0, "it is a phase, write phase==rcpt"],
  ["phase==rctp", 7, "did you mean rcpt?"],
  ["phase in {rcpt postcard}", 15, "one of connect banner"],
  ["taint==odd", 7, "one of gap clock unanswered early"],
  ["finding==dns-ptr", 9, "is known only when all has been read"],
  ["tls && finding in {ehlo-bare, cause/DNS-PTR}", 30, "finding can be banner-masked ehlo-bare"],
  ["finding!=baner-masked", 9, "did you mean banner-masked?"],
  ["finding==greylisted", 9, "one of banner-masked ehlo-bare is expected"],
  ["phase=rcpt", 5, 'equality is written "=="'],
  ["tls & tls", 4, '"and" is written "&&"'],
  ["tls | tls", 4, '"or" is written "||"'],
  ["code~4", 4, 'a pattern follows "=~"'],
  ["phase==", 7, "a value is expected, not the end"],
  ["phase==&&tls", 7, 'a value is expected, not "&&"'],
  ["text contains not", 14, "in quotes it would be one"],
  ["verb==(", 6, "in quotes it would be one"],
  ["tls tls", 4, '"&&", "||" or the end is expected, not "tls"'],
  ["tls &&", 6, "a field is expected, not the end"],
  ["&& tls", 0, 'a field is expected, not "&&"'],
  ['"tls"', 0, "a field is expected"],
  ["(tls", 0, "this parenthesis is never closed"],
  ["(tls code", 5, '"&&", "||" or ")" is expected'],
  ["tls)", 3, "no parenthesis is open here"],
  ["()", 1, "a field is expected"],
  ["code in {", 8, "this set is never closed"],
  ["code in {450", 8, "this set is never closed"],
  ["code in {}", 8, "the set is empty"],
  ["code in {450..}", 14, "a value is expected"],
  ["code in {499..400}", 14, "the range ends before it begins"],
  ["code in {,}", 9, "a value is expected"],
  ["code==4xx", 6, 'code is a whole number, "4xx" is not'],
  ["code==-1", 6, "code is a whole number"],
  ["code==1234567890123456", 6, "code is a whole number"],
  ["code contains 4", 5, 'code cannot be compared with "contains"'],
  ["dur>fast", 4, "dur is a duration"],
  ["dur>1", 4, "dur needs a unit: 1s, 1ms or 1us"],
  ["dur>1 s", 4, "dur needs a unit"],
  ["dur>1d", 4, '"d" is no unit of time'],
  ["dur=~1", 3, 'dur cannot be compared with "=~"'],
  ["verb>MAIL", 4, 'verb cannot be compared with ">", only with == != =~ contains in'],
  ["verb in {a..b}", 12, "verb has no ranges"],
  ["client==server", 8, '"server": an address'],
  ["client==10.2.0", 8, "an address"],
  ["client==10.2.0.256", 8, "an address"],
  ["client in 10.2.0.0/33", 10, "an address"],
  ["client in 10.2.0.0/x", 10, "an address"],
  ["client==10.2.0.1:99999", 8, "an address"],
  ["client==[10.2.0.1]:25", 8, "an address"],
  ["client==2001:db8", 8, "an address"],
  ["client==2001::db8::1", 8, "an address"],
  ["client==1:2:3:4:5:6:7::8", 8, "an address"],
  ["client==1:2:3:4:5:6:7:8:9", 8, "an address"],
  ["client in {10.0.0.1..10.0.0.9}", 21, "client has no ranges"],
  ["tls==yes", 5, "tls is true or false"],
  ["tls>1", 3, 'tls cannot be compared with ">"'],
  ['text contains ""', 14, "give some text"],
  ['text contains "abc', 14, "is never closed"],
  ['text contains "a\\qb"', 16, "an escape is expected"],
  ['text contains "\\x4"', 15, "an escape is expected"],
  ["text=~", 6, "a pattern is expected"],
  ["text=~ ", 7, "a pattern is expected"],
  ['text=~ "x', 7, "is never closed"],
  ["text=~(", 6, "no valid pattern: Unterminated group"],
  ["text=~[z-a]", 6, "no valid pattern: Range out of order"],
  ["text=~(a+)+$", 6, "may never end"],
  ["text=~(a|ab)*$", 6, "may never end"],
  ["text=~(?:a?b)+", 6, "may never end"],
  ["text=~.*.*.*.*", 6, "too many ways"],
  [`text=~^${"a?".repeat(40)}$`, 6, "too many ways"],
  ["text=~(a)\\1", 6, "no backreferences"],
  ["text=~(a{90}){90}", 6, "more than 4096 parts"],
  [`text=~${"(".repeat(65)}a${")".repeat(65)}`, 6, "nest at most 64 deep"],
  [`text=~${"(".repeat(2000)}a${")".repeat(2000)}`, 6, "nest at most 64 deep"],
  [deep(65), 64, "nest at most 64 deep"],
  [`${"!".repeat(4000)}tls`, 64, "nest at most 64 deep"],
  ["x".repeat(4097), 4096, "at most 4096 characters"],
];

describe("errors", () => {
  for (const [filter, position, message] of ROWS) {
    test(filter.length > 60 ? `${filter.slice(0, 20)}… of ${filter.length}` : `"${filter}"`, () => {
      const error = errorOf(filter);
      expect(error.message).toContain(message);
      expect(error.position).toBe(position);
      expect(error).toBeInstanceOf(SmtpscopeError);
      expect(error.code).toBe("filter");
    });
  }
});

test("what is just within the limits parses", () => {
  parseFilter(deep(64));
  parseFilter(`${"tls||".repeat(818)}tls`);
  parseFilter("text=~^a.*b.*c.*d.*e");
});

test("every field has a name of its own and a line about it, and stands alone", () => {
  expect(new Set(FIELDS.map((field) => field.name)).size).toBe(FIELDS.length);
  for (const { name, doc } of FIELDS) {
    expect(doc).toMatch(/^\S.{3,70}$/);
    parseFilter(name);
  }
});

describe("rendering", () => {
  test("the caret is below the fault", () => {
    expect(pointAtFault(errorOf("tls && tsl"))).toBe("tls && tsl\n       ^");
    expect(pointAtFault(errorOf("tls &&"))).toBe("tls &&\n      ^");
  });

  test("a long filter is cut about the fault", () => {
    const [line, caret] = pointAtFault(errorOf(`${"tls && ".repeat(100)}tsl${" && tls".repeat(100)}`)).split(
      "\n",
    );
    expect(line!.length).toBeLessThan(80);
    expect(line!.slice(caret!.length - 1)).toMatch(/^tsl && /);
  });

  test("control characters do not reach the terminal", () => {
    const [line, caret] = pointAtFault(errorOf('text contains "\u001b[2J" && tsl')).split("\n");
    expect(line).not.toMatch(/\u001b/);
    expect(line!.slice(caret!.length - 1)).toBe("tsl");
  });
});
