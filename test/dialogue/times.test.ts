import { describe, expect, test } from "vitest";
import { afterHello, HELLO, play, type Run } from "./playbook.ts";

function accountSum(run: Run): number {
  return Object.values(run.conversation!.accountUs).reduce((sum, part) => sum + part, 0);
}

describe("the account of time", () => {
  test("by hand", () => {
    const run = play(String.raw`
      0 SYN / 40 SYN-ACK / 60 ACK
      1000 S< 220 mx ESMTP\r\n
      1100 C> EH
      1150 C> LO a\r\n
      1350 S< 250 mx\r\n
      1400 C> DATA\r\n
      1500 S< 354 go\r\n
      1600 C> hello
      2600 C> \r\n.\r\n
      9600 S< 250 queued\r\n
      9700 C. fin`);
    // Server: 60–1000, 1150–1350, 1400–1500, 2600–9600, each less a round trip of 40.
    expect(run.conversation!.accountUs).toEqual({
      connectUs: 40,
      pathUs: 20 + 4 * 40,
      serverUs: 940 + 200 + 100 + 7000 - 4 * 40,
      clientUs: 150 + 50 + 100,
      transferUs: 1100,
      unknownUs: 0,
    });
    expect(accountSum(run)).toBe(9700);
    expect(run.conversation!.lengthUs).toBe(9700);
  });

  test("the round trip is not taken from a SYN that was sent several times", () => {
    const run = play(
      String.raw`syns 2 / 0 SYN / 1000040 SYN-ACK / 1000060 ACK / 1001000 S< 220 mx ESMTP\r\n`,
    );
    expect(run.conversation!.accountUs).toMatchObject({ connectUs: 1_000_040, pathUs: 20, serverUs: 940 });
  });

  test("a wait is at most its own length of path", () => {
    const run = play(String.raw`0 SYN / 500 SYN-ACK / 510 ACK / 600 S< 220 mx ESMTP\r\n`);
    expect(run.conversation!.accountUs).toMatchObject({ connectUs: 500, pathUs: 100, serverUs: 0 });
  });

  test("what is encrypted and not answering is the client's", () => {
    const run = play(String.raw`${HELLO} / 2000 C. fin`);
    expect(run.conversation!.accountUs).toMatchObject({ clientUs: 100 + 800 });
    expect(accountSum(run)).toBe(2000);
  });

  test("gaps are unknown", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\r\n
      3000 S! 8
      4000 C> QUIT\r\n
      5000 S< 221 bye\r\n`);
    expect(accountSum(run)).toBe(5000);
    expect(run.conversation!.accountUs.unknownUs).toBeGreaterThanOrEqual(1000);
  });

  test("a dialogue of one packet", () => {
    const run = play(String.raw`100 C> MAIL FROM:<a>\r\n`);
    expect(accountSum(run)).toBe(0);
  });

  test("a server that ends first and a client that stays", () => {
    const run = afterHello(String.raw`2000 C> QUIT\r\n / 2100 S< 221 bye\r\n / 2200 S. fin / 900000 C. fin`);
    expect(accountSum(run)).toBe(run.conversation!.lengthUs);
  });
});

describe("clocks", () => {
  test("time runs backwards between command and reply", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\r\n
      1900 S< 250 ok\r\n
      2100 C> QUIT\r\n
      2200 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["NOOP → 250 !clock", "QUIT → 221 think 100"]);
    expect(run.exchanges[0]).toMatchObject({ thinkUs: null, serviceUs: null, waitedUs: 0 });
  });

  test("a command stamped before its connection began was not waited for before that", () => {
    const run = play(String.raw`
      1000 SYN / 1010 SYN-ACK / 1020 ACK
      999 S! 1
      999 C> BDAT 0 LAST\r\n
      1020 S< 250\r\n
      1020 C. fin / 1020 S. fin`);
    expect(run.exchanges.map((e) => e.waitedUs)).toEqual([0, 20]);
    expect(run.conversation!.lengthUs).toBe(20);
  });

  test("time runs backwards before the banner", () => {
    const run = play(String.raw`1000 SYN / 1010 SYN-ACK / 1020 ACK / 500 S< 220 mx ESMTP\r\n / 2000 C. fin`);
    expect(run.brief).toEqual(["(connect) → 220 !clock"]);
    expect(run.sinceSynAckUs).toEqual([null]);
  });

  test("time runs backwards between two replies of a group", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\n
      2500 S< 250 ok\r\n
      2400 S< 250 ok\r\n`);
    expect(run.brief[0]).toBe("MAIL FROM:<a> → 250 think 500");
    expect(run.exchanges[1]!.serviceUs).toBe(0);
    expect(run.exchanges.map((e) => e.waitedUs)).toEqual([500, 0]);
  });

  test("time runs backwards within a message: its body has no time", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      1500 C> x\r\n.\r\n
      1600 S< 250 queued\r\n`);
    expect(run.bodies).toEqual([]);
    expect(run.brief[1]).toBe("(end-of-data) → 250 !clock");
  });

  test("a clock stepped forward and back leaves the account whole", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\r\n
      900000 S< 250 ok\r\n
      2200 C> QUIT\r\n
      2300 S< 221 bye\r\n
      2400 C. fin / 2400 S. fin`);
    const parts = Object.values(run.conversation!.accountUs);
    expect(parts.every((part) => part >= 0)).toBe(true);
    expect(accountSum(run)).toBe(run.conversation!.lengthUs);
  });

  test("packets without a time", () => {
    const run = play(String.raw`
      ? SYN / ? SYN-ACK / ? ACK
      ? S< 220 mx ESMTP\r\n
      ? C> EHLO a\r\n
      ? S< 250 mx\r\n
      ? C> DATA\r\n
      ? S< 354 go\r\n
      ? C> x\r\n.\r\n
      ? S< 250 queued\r\n
      ? C> QUIT\r\n
      ? S< 221 bye\r\n`);
    expect(run.brief).toEqual([
      "(connect) → 220 !clock",
      "EHLO a → 250 !clock",
      "DATA → 354 !clock",
      "(end-of-data) → 250 !clock",
      "QUIT → 221 !clock",
    ]);
    expect(run.exchanges.every((e) => e.askedLastAtUs === null && e.waitedUs === 0)).toBe(true);
    expect(run.bodies).toEqual([]);
    expect(accountSum(run)).toBe(0);
    expect(run.conversation!.lengthUs).toBeNull();
  });

  test("only some packets without a time", () => {
    const run = afterHello(String.raw`
      ? C> NOOP\r\n
      2100 S< 250 ok\r\n
      2200 C> NOOP\r\n
      ? S< 250 ok\r\n
      2400 C> QUIT\r\n
      2500 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["NOOP → 250 !clock", "NOOP → 250 !clock", "QUIT → 221 think 100"]);
    expect(accountSum(run)).toBe(2500);
  });
});
