import { describe, expect, test } from "vitest";
import { afterHello, HELLO_BRIEF, play } from "./playbook.ts";

const SHAKE = "0 SYN / 10 SYN-ACK / 20 ACK";

describe("the banner", () => {
  test("is asked by the ACK that completes the handshake", () => {
    const run = play(String.raw`
      ${SHAKE}
      5000 S< 220 mx ESMTP\r\n
      5100 C> QUIT\r\n
      5200 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["(connect) → 220 think 4980", "QUIT → 221 think 100"]);
    expect(run.exchanges[0]).toMatchObject({ phase: "banner", askedFrames: [3, 3], answeredFrames: [4, 4] });
    expect(run.sinceSynAckUs).toEqual([4990, null]);
  });

  test("is asked by the SYN-ACK where that ACK is not in the capture", () => {
    const run = play(String.raw`
      0 SYN / 10 SYN-ACK
      5000 S< 220 mx ESMTP\r\n`);
    expect(run.brief).toEqual(["(connect) → 220 think 4990"]);
    expect(run.exchanges[0]!.askedFrames).toEqual([2, 2]);
  });

  test("has no ask where the stream was joined after the handshake", () => {
    const run = play(String.raw`
      5000 S< 220 mx ESMTP\r\n
      5100 C> EHLO a\r\n
      5200 S< 250 mx\r\n`);
    expect(run.brief).toEqual(["(connect) → 220", "EHLO a → 250 think 100"]);
    expect(run.exchanges[0]).toMatchObject({ askedLastAtUs: null, askedFrames: [0, 0], taint: null });
    expect(run.flags).toContain("mid-stream");
  });

  test("a teaser line and the rest later: the first byte, the first line and the last are apart", () => {
    const run = play(String.raw`
      ${SHAKE}
      100 S< 22
      200 S< 0-mx\r\n
      6000100 S< 220 mx ES
      6000200 S< MTP\r\n`);
    const [banner] = run.exchanges;
    expect(run.brief).toEqual(["(connect) → 220 think 80"]);
    expect(banner!.answeredLineAtUs! - banner!.answeredFirstAtUs!).toBe(100);
    expect(banner!.answeredLastAtUs! - banner!.answeredFirstAtUs!).toBe(6_000_100);
    expect(banner!.answeredFrames).toEqual([4, 7]);
    expect(run.conversation!.banner).toEqual(["220-mx", "220 mx ESMTP"]);
  });

  test.each([
    ["554 no service", 554],
    ["421 too busy", 421],
    ["220", 220],
    ["220************", 220],
  ])("%s is a banner", (line, code) => {
    const run = play(String.raw`${SHAKE} / 500 S< ${line}\r\n / 600 S. fin`);
    expect(run.brief).toEqual([`(connect) → ${code} think 480`]);
    expect(run.conversation!.banner).toEqual([line]);
  });

  test("after a 554 greeting QUIT is answered", () => {
    const run = play(String.raw`${SHAKE}
      500 S< 554-mx\r\n554 go away\r\n
      600 C> QUIT\r\n
      700 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["(connect) → 554 think 480", "QUIT → 221 think 100"]);
  });

  test("the escapes of control characters in what is shown", () => {
    const run = play(String.raw`${SHAKE} / 500 S< 220 m\x1b[31mx \x00 \xff\r\n`);
    expect(run.conversation!.banner).toEqual([String.raw`220 m\x1b[31mx \x00 \xff`]);
  });
});

describe("the shape of replies", () => {
  test("a bare code ends a reply", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\r\n
      2100 S< 250\r\n
      2200 C> QUIT\r\n
      2300 S< 221\r\n`);
    expect(run.brief).toEqual(["NOOP → 250 think 100", "QUIT → 221 think 100"]);
  });

  test("a bare code ends a reply of several lines", () => {
    const run = afterHello(String.raw`2000 C> HELP\r\n / 2100 S< 214-a\r\n214-\r\n214\r\n`);
    expect(run.brief).toEqual(["HELP → 214 think 100"]);
    expect(run.exchanges[0]!.lines).toEqual(["214-a", "214-", "214"]);
  });

  test("codes that differ within a reply: the first counts", () => {
    const run = afterHello(String.raw`
      2000 C> RCPT TO:<a>\r\n
      2100 S< 550-no\r\n450 really\r\n
      2200 C> NOOP\r\n
      2300 S< 250 ok\r\n`);
    expect(run.brief).toEqual(["RCPT TO:<a> → 550 think 100", "NOOP → 250 think 100"]);
    expect(run.flags).toContain("mixed-codes");
  });

  test("lines in several segments", () => {
    const run = afterHello(String.raw`
      2000 C> NO
      2050 C> OP\r
      2060 C> \n
      2100 S< 2
      2110 S< 50-a\r\n2
      2120 S< 50 b\r
      2130 S< \n`);
    const [noop] = run.exchanges;
    expect(run.brief).toEqual(["NOOP → 250 think 40"]);
    expect(noop).toMatchObject({ askedFrames: [7, 9], answeredFrames: [10, 13], lines: ["250-a", "250 b"] });
    expect(noop!.askedLastAtUs! - noop!.askedFirstAtUs!).toBe(60);
    expect(noop!.answeredLineAtUs! - noop!.answeredFirstAtUs!).toBe(10);
    expect(noop!.answeredLastAtUs! - noop!.answeredFirstAtUs!).toBe(30);
  });

  test("two replies in one segment", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\r\nNOOP\r\n
      2100 S< 250 a\r\n250 b\r\n`);
    expect(run.brief).toEqual(["NOOP → 250 think 100", "NOOP → 250 think 100 service 0 behind 1"]);
  });

  test("bare line feeds on both sides", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\n
      2100 S< 250-a\n250 b\n
      2200 C> QUIT\n
      2300 S< 221 bye\n`);
    expect(run.brief).toEqual(["NOOP → 250 think 100", "QUIT → 221 think 100"]);
    expect(run.exchanges[0]!.lines).toEqual(["250-a", "250 b"]);
    expect(run.flags).toContain("bare-lf");
  });

  test("no bare line feed is seen where CR and LF come apart", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\r
      2001 C> \n
      2100 S< 250 b\r
      2101 S< \n`);
    expect(run.flags).not.toContain("bare-lf");
  });

  test("NUL on either side", () => {
    expect(afterHello(String.raw`2000 C> NO\0OP\r\n / 2100 S< 500 what\r\n`).flags).toContain("nul");
    expect(afterHello(String.raw`2000 C> NOOP\r\n / 2100 S< 250 \0\r\n`).flags).toContain("nul");
    expect(afterHello(String.raw`2000 C> NOOP\r\n / 2100 S< 250 ok\r\n`).flags).not.toContain("nul");
  });

  test("a very long reply and a very long command are cut in what is kept, not in what is timed", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP ${"n".repeat(20_000)}\r\n
      2100 S< 250 ${"r".repeat(40_000)}\r\n
      2200 C> QUIT\r\n
      2300 S< 221 bye\r\n`);
    expect(run.exchanges.map((e) => [e.verb, e.code, e.thinkUs])).toEqual([
      ["NOOP", 250, 100],
      ["QUIT", 221, 100],
    ]);
    expect(run.flags).toContain("line-too-long");
    expect(JSON.stringify(run.exchanges).length).toBeLessThan(60_000);
  });

  test("verbs in any case, with trailing blanks, and those of nobody", () => {
    const run = afterHello(String.raw`
      2000 C> noop \r\n
      2100 S< 250 ok\r\n
      2200 C> Mail From:<a>\r\n
      2300 S< 250 ok\r\n
      2400 C> XYZZY now\r\n
      2500 S< 502 what\r\n
      2600 C> \r\n
      2700 S< 500 what\r\n
      2800 C> MAILFROM:<a>\r\n
      2900 S< 500 what\r\n`);
    expect(run.exchanges.map((e) => [e.verb, e.phase])).toEqual([
      ["NOOP", "noop"],
      ["MAIL", "mail"],
      ["XYZZY", "other"],
      ["(unknown)", "other"],
      ["(unknown)", "other"],
    ]);
    expect(run.brief.every((line) => line.includes("think 100"))).toBe(true);
  });

  test("a masked command of a firewall", () => {
    const run = afterHello(String.raw`2000 C> XXXXXXXX\r\n / 2100 S< 500 what\r\n`);
    expect(run.brief).toEqual(["XXXXXXXX → 500 think 100"]);
  });

  test("international addresses are shown as what they are", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<δ@παράδειγμα.gr> SMTPUTF8\r\n
      2100 S< 250 ok\r\n`);
    expect(run.exchanges[0]!.command).toBe("MAIL FROM:<δ@παράδειγμα.gr> SMTPUTF8");
  });
});

describe("replies without a code", () => {
  test("alone: it answers the oldest", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\r\n
      2100 S< hello?\r\n
      2200 C> QUIT\r\n
      2300 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["NOOP → - think 100", "QUIT → 221 think 100"]);
    expect(run.exchanges[0]!.lines).toEqual(["hello?"]);
    expect(run.flags).toContain("reply-without-code");
  });

  test("as a banner", () => {
    const run = play(String.raw`${SHAKE}
      1000 S< mx ready\r\n
      1100 C> EHLO a\r\n
      1200 S< 250 mx\r\n`);
    expect(run.brief).toEqual(["(connect) → - think 980", "EHLO a → 250 think 100"]);
  });

  test("right behind a reply: the rest of that reply", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\n
      2100 S< 250 sender\nok\r\n
      2300 S< 250 rcpt\r\n`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 250 think 100",
      "RCPT TO:<b> → 250 think 300 service 200 behind 1",
    ]);
  });

  test("within a reply of several lines", () => {
    const run = afterHello(String.raw`
      2000 C> HELP\r\n
      2100 S< 214-topics\r\n  HELO EHLO\r\n214 end\r\n`);
    expect(run.brief).toEqual(["HELP → 214 think 100"]);
    expect(run.exchanges[0]!.lines).toEqual(["214-topics", "  HELO EHLO", "214 end"]);
  });

  test("with nothing pending: nothing is made of it", () => {
    const run = afterHello(String.raw`2000 S< * note\r\n / 2100 C> NOOP\r\n / 2200 S< 250 ok\r\n`);
    expect(run.brief).toEqual(["NOOP → 250 think 100"]);
  });
});

describe("replies that nothing asked for", () => {
  test("a 421 with nothing pending", () => {
    const run = afterHello(String.raw`300000000 S< 421 timeout\r\n / 300000001 S. fin`);
    expect(run.brief).toEqual(["(unsolicited) → 421"]);
    expect(run.exchanges[0]).toMatchObject({
      phase: "other",
      command: null,
      askedLastAtUs: null,
      thinkUs: null,
      waitedUs: 0,
      taint: null,
    });
  });

  test("a 421 with one command pending answers it", () => {
    const run = afterHello(String.raw`2000 C> MAIL FROM:<a>\r\n / 3000 S< 421 down\r\n / 3001 S. fin`);
    expect(run.brief).toEqual(["MAIL FROM:<a> → 421 think 1000"]);
  });

  test("a 421 with three pending answers the oldest, the rest get nothing", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n
      3000 S< 421 down\r\n
      4000 S. fin`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 421 think 1000",
      "RCPT TO:<b> → - behind 1 !unanswered",
      "DATA → - behind 2 !unanswered",
    ]);
    expect(run.exchanges.map((e) => e.waitedUs)).toEqual([1000, 0, 0]);
  });

  test("a 421 while a message is on its way is not its answer", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> one\r\ntwo
      2300 S< 421 down\r\n
      2400 S. rst`);
    expect(run.brief).toEqual(["DATA → 354 think 100", "(unsolicited) → 421"]);
    expect(run.flags).toContain("unfinished-message");
  });

  test("a second reply to one command", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\r\n
      2100 S< 250 ok\r\n
      2200 S< 250 ok again\r\n
      2300 C> QUIT\r\n
      2400 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["NOOP → 250 think 100", "(unsolicited) → 250", "QUIT → 221 think 100"]);
  });

  test("a second greeting behind a banner", () => {
    const run = play(String.raw`${SHAKE}
      100 S< 220 proxy\r\n
      200 S< 220 mx ESMTP\r\n
      300 C> QUIT\r\n
      400 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["(connect) → 220 think 80", "(unsolicited) → 220", "QUIT → 221 think 100"]);
  });
});

describe("commands that get no reply", () => {
  test("the client gives up", () => {
    const run = afterHello(String.raw`2000 C> MAIL FROM:<a>\r\n / 302000 C. fin / 303000 S. fin`);
    expect(run.brief).toEqual(["MAIL FROM:<a> → - !unanswered"]);
    expect(run.exchanges[0]).toMatchObject({ waitedUs: 301_000, answeredFirstAtUs: null });
  });

  test("QUIT, and the server only closes", () => {
    const run = afterHello(String.raw`2000 C> QUIT\r\n / 2100 S. fin / 2200 C. fin`);
    expect(run.brief).toEqual(["QUIT → - !unanswered"]);
  });

  test("two of a group of three", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\n
      2500 S< 250 ok\r\n
      5000 S. rst`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 250 think 500",
      "RCPT TO:<b> → - behind 1 !unanswered",
      "RCPT TO:<c> → - behind 2 !unanswered",
    ]);
    expect(run.exchanges.map((e) => e.waitedUs)).toEqual([500, 2500, 0]);
  });
});

describe("clients that do not wait", () => {
  test("an early talker", () => {
    const run = play(String.raw`${SHAKE}
      30 C> EHLO spam\r\n
      5000 S< 220 mx\r\n
      5100 S< 250 mx\r\n`);
    expect(run.brief).toEqual(["(connect) → 220 think 4980", "EHLO spam → 250 think 5070 service 100"]);
    expect(run.flags).toContain("early-talker");
    expect(run.exchanges.map((e) => e.waitedUs)).toEqual([4980, 100]);
  });

  test("PIPECONNECT: EHLO and a whole group before the banner", () => {
    const run = play(String.raw`${SHAKE}
      30 C> EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n
      1000 S< 220 mx\r\n250-mx\r\n250 PIPECONNECT\r\n250 ok\r\n250 ok\r\n354 go\r\n
      1100 C> hello\r\n.\r\n
      1200 S< 250 queued\r\n`);
    expect(run.brief).toEqual([
      "(connect) → 220 think 980",
      "EHLO a → 250 think 970 service 0",
      "MAIL FROM:<a> → 250 think 970 service 0 behind 1",
      "RCPT TO:<b> → 250 think 970 service 0 behind 2",
      "DATA → 354 think 970 service 0 behind 3",
      "(end-of-data) → 250 think 100",
    ]);
  });

  test("a 554 to an early talker is the banner; the rest is unanswered", () => {
    const run = play(String.raw`${SHAKE}
      30 C> EHLO spam\r\n
      40 S< 554 synchronization error\r\n
      50 S. fin`);
    expect(run.brief).toEqual(["(connect) → 554 think 20", "EHLO spam → - !unanswered"]);
  });

  test("a reply before its command ends", () => {
    const run = afterHello(String.raw`
      2000 C> RCPT TO:<a
      2100 S< 552 too long\r\n
      2200 C> aaaa>\r\n
      2300 C> QUIT\r\n
      2400 S< 221 bye\r\n`);
    expect(run.exchanges.map((e) => [e.verb, e.code, e.thinkUs, e.serviceUs, e.taint])).toEqual([
      ["RCPT", 552, null, null, "early"],
      ["QUIT", 221, 100, 100, null],
    ]);
  });
});

test("nothing but the beginning", () => {
  expect(afterHello("2000 C. fin").brief).toEqual([]);
  expect(HELLO_BRIEF.length).toBe(2);
});
