/** Groups: their names, their sums, and their bound. */
import { describe, expect, test } from "vitest";
import { type GroupKey, Groups } from "../../src/analysis/groups.ts";
import type { Conversation } from "../../src/spine/conversation.ts";
import type { Exchange } from "../../src/spine/exchange.ts";

const exchange = (given: Partial<Exchange> = {}) =>
  ({
    code: 250,
    serviceUs: 10,
    waitedUs: 12,
    taint: null,
    answeredFirstAtUs: 60_000_000,
    askedLastAtUs: null,
    ...given,
  }) as Exchange;
const between = (client: string, server: string) => ({ transport: { client, server } }) as Conversation;
const SOMEBODY = between("198.51.100.7:40001", "192.0.2.25:25");

function namesBy(key: GroupKey, ...records: [Exchange, Conversation][]): string[] {
  const groups = new Groups(key);
  for (const [e, conversation] of records) groups.record(e, conversation);
  return groups.table([50]).groups.map(({ name }) => name);
}

describe("groups", () => {
  test("by client leave the port out, by server they do not", () => {
    const v6 = between("[2001:db8::7]:40001", "[2001:db8::25]:25");
    expect(namesBy("client", [exchange(), SOMEBODY], [exchange(), v6])).toEqual([
      "198.51.100.7",
      "[2001:db8::7]",
    ]);
    expect(namesBy("server", [exchange(), SOMEBODY], [exchange(), v6])).toEqual([
      "192.0.2.25:25",
      "[2001:db8::25]:25",
    ]);
  });

  test("by code: no code has a name too", () => {
    expect(namesBy("code", [exchange({ code: null }), SOMEBODY], [exchange(), SOMEBODY])).toEqual([
      "250",
      "none",
    ]);
  });

  test("by minute: of the reply, else of the command, in order of time", () => {
    const at = (
      answeredFirstAtUs: number | null,
      askedLastAtUs: number | null,
      waitedUs: number,
    ): [Exchange, Conversation] => [exchange({ answeredFirstAtUs, askedLastAtUs, waitedUs }), SOMEBODY];
    expect(
      namesBy(
        "minute",
        at(119_999_999, 0, 1),
        at(59_999_999, 0, 5),
        at(null, 60_000_000, 9),
        at(null, null, 1),
      ),
    ).toEqual(["1970-01-01T00:00Z", "1970-01-01T00:01Z", "no time"]);
  });

  test("count what is tainted, record what is not, rank by waiting", () => {
    const groups = new Groups("code");
    groups.record(exchange({ code: 450, serviceUs: 7, waitedUs: 8 }), SOMEBODY);
    groups.record(exchange({ code: 450, serviceUs: 9, waitedUs: 9, taint: "gap" }), SOMEBODY);
    groups.record(exchange({ code: null, serviceUs: null, waitedUs: 83, taint: "unanswered" }), SOMEBODY);
    const { key, groups: views, rest } = groups.table([50]);
    expect({ key, rest }).toEqual({ key: "code", rest: null });
    expect(views).toEqual([
      {
        name: "none",
        waitedUs: 83,
        share: 0.83,
        seen: 1,
        unanswered: 1,
        service: { n: 0, minUs: null, maxUs: null, sumUs: 0, percentilesUs: {} },
      },
      {
        name: "450",
        waitedUs: 17,
        share: 0.17,
        seen: 2,
        unanswered: 0,
        service: { n: 1, minUs: 7, maxUs: 7, sumUs: 7, percentilesUs: { 50: 7 } },
      },
    ]);
  });

  test("beyond the bound share one, and nothing is lost; parts too", () => {
    const client = (i: number) => between(`10.0.${i >> 8}.${i & 255}:1`, "192.0.2.25:25");
    const groups = new Groups("client");
    for (let i = 0; i < 1_000; i++) groups.record(exchange({ waitedUs: 1 }), client(i));
    const check = ({ groups: views, rest }: ReturnType<Groups["table"]>, each: number) => {
      expect(views).toHaveLength(256);
      expect(rest).not.toBeNull();
      expect(views.reduce((sum, { seen }) => sum + seen, 0) + rest!.seen).toBe(1_000 * each);
      expect(views.reduce((sum, { service }) => sum + service.sumUs, 0) + rest!.service.sumUs).toBe(
        10_000 * each,
      );
    };
    check(groups.table([50]), 1);
    const sum = new Groups("client");
    sum.add(structuredClone(groups.part()));
    sum.add(structuredClone(groups.part()));
    check(sum.table([50]), 2);
    // What overflowed elsewhere is no group of its own here.
    const later = new Groups("client");
    later.add(groups.part().filter(({ name }) => name === ""));
    for (let i = 0; i < 256; i++) later.record(exchange(), client(i));
    const { groups: views, rest } = later.table([50]);
    expect(views.length).toBeGreaterThanOrEqual(255);
    expect(views.reduce((count, { seen }) => count + seen, 0) + rest!.seen).toBe(744 + 256);
  });
});
