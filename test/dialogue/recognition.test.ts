import { describe, expect, test } from "vitest";
import type { DialogueListener } from "../../src/spine/conversation.ts";
import { play, playTo } from "./playbook.ts";

const OPEN = "0 SYN / 10 SYN-ACK / 20 ACK";
const SESSION = String.raw`
  1000 S< 220 mx ESMTP\r\n
  1100 C> EHLO a\r\n
  1200 S< 250 mx\r\n
  1300 C> QUIT\r\n
  1400 S< 221 bye\r\n`;
const SESSION_BRIEF = ["(connect) → 220 think 980", "EHLO a → 250 think 100", "QUIT → 221 think 100"];

describe("what comes in front", () => {
  test.each([
    [
      "SOCKS 5 without authentication",
      "socks",
      String.raw`
        100 C# 050100
        200 S# 0500
        300 C# 05010001c00002190019
        400 S# 05000001000000000000`,
    ],
    [
      "SOCKS 5 with a name and a password",
      "socks",
      String.raw`
        100 C# 05020002
        200 S# 0502
        300 C# 01 04 75736572 04 70617373
        310 S# 0100
        320 C# 05010003 02 6d78 0019
        400 S# 05000003 02 6d78 0019`,
    ],
    [
      "SOCKS 5 to an IPv6 address",
      "socks",
      String.raw`
        100 C# 050100
        200 S# 0500
        300 C# 05010004 ${"20".repeat(16)} 0019
        400 S# 05000004 ${"00".repeat(16)} 0000`,
    ],
    ["SOCKS 4", "socks", String.raw`100 C# 04010019c0000219 7573657200 / 200 S# 005a000000000000`],
    ["SOCKS 4a", "socks", String.raw`100 C# 0401001900000001 00 6d7800 / 200 S# 005a000000000000`],
    [
      "HTTP CONNECT",
      "http-connect",
      String.raw`
        100 C> CONNECT mx:25 HTTP/1.1\r\nHost: mx\r\n\r\n
        200 S< HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n`,
    ],
    ["PROXY v1", "proxy-protocol", String.raw`100 C> PROXY TCP4 192.0.2.1 192.0.2.2 40000 25\r\n`],
    [
      "PROXY v2",
      "proxy-protocol",
      String.raw`100 C# 0d0a0d0a000d0a515549540a 21 11 000c c0000201c0000202 9c40 0019`,
    ],
  ] as const)("%s", (_, flag, preface) => {
    const run = play(`1080\n${OPEN}\n${preface}\n${SESSION}`);
    expect(run.exchanges.map((e) => [e.verb, e.code])).toEqual([
      ["(connect)", 220],
      ["EHLO", 250],
      ["QUIT", 221],
    ]);
    expect(run.brief.slice(1)).toEqual(SESSION_BRIEF.slice(1));
    expect(run.flags).toEqual([flag]);
  });

  const V2 = "0d0a0d0a000d0a515549540a";
  test.each([
    [String.raw`100 C> PROXY TCP4 192.0.2.1 192.0.2.2 40000 25\r\n`, "192.0.2.1"],
    [String.raw`100 C> PROXY TCP4 192.0.2.1 19 / 110 C> 2.0.2.2 40000 25\r\nEHLO x\r\n`, "192.0.2.1"],
    [String.raw`100 C> PROXY TCP6 2001:DB8:0::1 2001:db8::2 40000 25\r\n`, "2001:db8::1"],
    [String.raw`100 C> PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 40000 25\r\n`, "192.0.2.1"],
    [String.raw`100 C> PROXY UNKNOWN\r\n`, null],
    [String.raw`100 C> PROXY TCP4 \x1b[31m 192.0.2.2 1 25\r\n`, null],
    [String.raw`100 C> PROXY TCP4\r\n`, null],
    [`100 C# ${V2} 21 11 000c c0000201c0000202 9c40 0019`, "192.0.2.1"],
    [`100 C# ${V2} 21 21 0024 20010db8${"00".repeat(11)}01 ${"00".repeat(16)} 9c40 0019`, "2001:db8::1"],
    // The load balancer's own, a Unix socket, addresses that are not there.
    [`100 C# ${V2} 20 11 000c c0000201c0000202 9c40 0019`, null],
    [`100 C# ${V2} 21 31 0004 00000000`, null],
    [`100 C# ${V2} 21 11 0002 c000`, null],
    [String.raw`100 C> EHLO a\r\n`, null],
  ])("whom it speaks for: %s", (preface, client) => {
    const announced: (string | null)[] = [];
    const listener: DialogueListener = {
      exchange: () => {},
      body: () => {},
      conversation: ({ announcedClient }) => announced.push(announcedClient),
      other: () => {},
      undecided: () => {},
    };
    playTo(listener, `${OPEN}\n${preface}\n${SESSION}`);
    expect(announced).toEqual([client]);
  });

  test("PROXY and the first command in one segment", () => {
    const run = play(String.raw`${OPEN}
      100 C> PROXY TCP4 192.0.2.1 192.0.2.2 40000 25\r\nEHLO a\r\n
      1000 S< 220 mx ESMTP\r\n
      1200 S< 250 mx\r\n`);
    expect(run.exchanges.map((e) => [e.verb, e.code])).toEqual([
      ["(connect)", 220],
      ["EHLO", 250],
    ]);
  });

  test("PROXY, and TLS right behind it", () => {
    const run = play(String.raw`465 / ${OPEN}
      100 C> PROXY TCP4 192.0.2.1 192.0.2.2 40000 465\r\n
      200 C# 160301`);
    expect(run.conversation!.tls?.how).toBe("implicit");
  });

  test("the reply of a proxy and the banner in one segment", () => {
    const run = play(String.raw`1080 / ${OPEN}
      100 C> CONNECT mx:25 HTTP/1.0\r\n\r\n
      200 S< HTTP/1.0 200 ok\r\n\r\n220 mx ESMTP\r\n
      300 C> QUIT\r\n
      400 S< 221 bye\r\n`);
    expect(run.exchanges.map((e) => [e.verb, e.code])).toEqual([
      ["(connect)", 220],
      ["QUIT", 221],
    ]);
  });

  test("a proxy that refuses", () => {
    const run = play(String.raw`1080 / ${OPEN}
      100 C> CONNECT mx:25 HTTP/1.0\r\n\r\n
      200 S< HTTP/1.0 403 no\r\n\r\n
      300 S. fin`);
    expect(run.exchanges.filter((e) => e.taint === null)).toEqual([]);
  });

  test.each([
    ["P", String.raw`PING\r\n`],
    ["PROX", String.raw`PROXIMITY\r\n`],
    ["C", String.raw`CAPA\r\n`],
    ["CR LF", String.raw`\r\n`],
    ["4", String.raw`\x04\r\n`],
    ["5 0", String.raw`\x05\0\r\n`],
  ])("a first line that only begins like one: %s", (_, line) => {
    const run = play(String.raw`${OPEN}
      1000 S< 220 mx ESMTP\r\n
      1100 C> ${line}
      1200 S< 500 what\r\n
      1300 C> QUIT\r\n
      1400 S< 221 bye\r\n`);
    expect(run.exchanges.map((e) => [e.code, e.thinkUs])).toEqual([
      [220, 980],
      [500, 100],
      [221, 100],
    ]);
    expect(run.flags).not.toContain("socks");
  });

  test("a first line that begins like one and never goes on", () => {
    const run = play(String.raw`${OPEN}
      1000 S< 220 mx ESMTP\r\n
      1100 C> P
      1200 C. fin`);
    expect(run.brief).toEqual(["(connect) → 220 think 980"]);
  });

  test("a banner has been: SOCKS and CONNECT can come no more", () => {
    const run = play(String.raw`${OPEN}
      1000 S< 220 mx ESMTP\r\n
      1100 C> CONNECT mx:25\r\n
      1200 S< 500 what\r\n
      1300 C> QUIT\r\n
      1400 S< 221 bye\r\n`);
    expect(run.brief).toEqual([
      "(connect) → 220 think 980",
      "CONNECT mx:25 → 500 think 100",
      "QUIT → 221 think 100",
    ]);
  });
});

describe("streams joined midway", () => {
  test("at a command", () => {
    const run = play(String.raw`
      100 C> RCPT TO:<b>\r\n
      200 S< 250 ok\r\n
      300 C> QUIT\r\n
      400 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["RCPT TO:<b> → 250 think 100", "QUIT → 221 think 100"]);
    expect(run.flags).toEqual(["mid-stream"]);
  });

  test("at a reply", () => {
    const run = play(String.raw`
      100 S< 250 ok\r\n
      200 C> DATA\r\n
      300 S< 354 go\r\n
      400 C> x\r\n.\r\n
      500 S< 250 queued\r\n`);
    expect(run.brief).toEqual([
      "(unsolicited) → 250",
      "DATA → 354 think 100",
      "(end-of-data) → 250 think 100",
    ]);
  });

  test("in a message", () => {
    const run = play(String.raw`
      100 C> of a sentence\r\nQUIT\r\n\r\nmore\r\n
      200 C> .\r\n
      300 S< 250 queued\r\n
      400 C> QUIT\r\n
      500 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["(end-of-data) → 250 think 100", "QUIT → 221 think 100"]);
    expect(run.bodies).toEqual([]);
  });

  test("right before the end of a message", () => {
    const run = play(String.raw`
      100 C> .\r\n
      300 S< 250 queued\r\n
      400 C> QUIT\r\n
      500 S< 221 bye\r\n`);
    expect(run.brief.at(-1)).toBe("QUIT → 221 think 100");
  });

  test("in the middle of a command", () => {
    const run = play(String.raw`
      100 C> O:<b>\r\n
      200 S< 250 ok\r\n
      300 C> DATA\r\n
      400 S< 354 go\r\n
      450 C> x\r\n.\r\n
      550 S< 250 queued\r\n`);
    expect(run.brief.at(-1)).toBe("(end-of-data) → 250 think 100");
  });

  test("in the middle of a reply of several lines", () => {
    const run = play(String.raw`
      100 S< IZE 1000\r\n250-PIPELINING\r\n250 DSN\r\n
      200 C> MAIL FROM:<a>\r\n
      300 S< 250 ok\r\n`);
    expect(run.brief.at(-1)).toBe("MAIL FROM:<a> → 250 think 100");
  });

  test("on a port that says nothing: known by its verbs", () => {
    const run = play(String.raw`10025
      100 C> MAIL FROM:<a>\r\n
      200 S< 250 ok\r\n`);
    expect(run.brief).toEqual(["MAIL FROM:<a> → 250 think 100"]);
  });
});

describe("one direction only", () => {
  test("the client's", () => {
    const run = play(String.raw`oneway / 0 SYN / 20 ACK
      1100 C> EHLO a\r\n
      1300 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n
      1400 C> hello\r\n.\r\n
      1500 C> QUIT\r\n`);
    expect(run.exchanges.filter((e) => e.taint === null)).toEqual([]);
    expect(run.exchanges.map((e) => e.verb)).toEqual([
      "(connect)",
      "EHLO",
      "MAIL",
      "RCPT",
      "DATA",
      "(end-of-data)",
      "QUIT",
    ]);
    expect(run.flags).toContain("one-way");
    expect(run.conversation!.accountUs.serverUs).toBe(0);
  });

  test("the server's", () => {
    const run = play(String.raw`oneway / 10 SYN-ACK
      1000 S< 220 mx ESMTP\r\n
      1200 S< 250 mx\r\n
      1400 S< 250 ok\r\n
      1500 S< 221 bye\r\n`);
    expect(run.brief.slice(1)).toEqual([
      "(unsolicited) → 250 !gap",
      "(unsolicited) → 250 !gap",
      "(unsolicited) → 221 !gap",
    ]);
    expect(run.flags).toContain("one-way");
  });
});

describe("a server that says nothing", () => {
  test.each([25, 465, 587, 2525])("on port %i: an unanswered connect", (port) => {
    const run = play(`${port} / ${OPEN} / 30000 C. fin`);
    expect(run.brief).toEqual(["(connect) → - !unanswered"]);
    expect(run.exchanges[0]!.waitedUs).toBe(29_980);
    expect(run.flags).toEqual(["silent-server"]);
  });

  test("on a port of the user's", () => {
    const run = play(`2500 / ${OPEN} / 30000 C. fin`, { ports: new Set([2500]) });
    expect(run.brief).toEqual(["(connect) → - !unanswered"]);
  });

  test("on any other port: left to what that server says elsewhere", () => {
    const run = play(`2500 / ${OPEN} / 30000 C. fin`);
    expect(run).toMatchObject({ brief: [], undecided: 1, others: 0 });
  });

  test("a client that talks to it", () => {
    const run = play(String.raw`${OPEN} / 9000 C> EHLO a\r\n / 30000 C. fin`);
    expect(run.brief).toEqual(["(connect) → - !unanswered", "EHLO a → - !unanswered"]);
    expect(run.exchanges.map((e) => e.waitedUs)).toEqual([29_980, 0]);
  });

  test("an unanswered SYN", () => {
    const run = play("syns 4 / 0 SYN / 30000 C. open");
    expect(run.brief).toEqual(["(connect) → - !unanswered"]);
    expect(run.flags).toEqual(expect.arrayContaining(["syn-unanswered", "syn-retransmitted"]));
    expect(run.conversation!.accountUs).toMatchObject({ connectUs: 30_000, serverUs: 0 });
  });

  test("a refused SYN", () => {
    const run = play("refused / 0 SYN / 50 S. rst");
    expect(run.brief).toEqual(["(connect) → - !unanswered"]);
    expect(run.flags).toContain("refused");
  });

  test("half a banner and nothing more", () => {
    const run = play(String.raw`${OPEN} / 100 S< 220-mx\r\n / 30000 C. fin`);
    expect(run.exchanges.map((e) => [e.verb, e.code])).toEqual([["(connect)", 220]]);
  });
});

describe("is it SMTP?", () => {
  test.each([
    ["at once", String.raw`200 S< debris\r\n`],
    ["in pieces", String.raw`200 S< deb / 200 S< ris\r\n`],
  ])("a line without a code behind a reply tells nothing, %s", (_, line) => {
    const run = play(String.raw`10025
      100 S< 421 bye\r\n
      ${line}
      300 C> BDAT 0 LAST\r\n
      400 S< 250 ok\r\n`);
    expect(run.brief).toEqual(["(connect) → 421", "BDAT 0 LAST → 250 think 100"]);
  });

  const others: [string, number, string][] = [
    [
      "FTP",
      21,
      String.raw`1000 S< 220 ProFTPD ready\r\n / 1100 C> USER a\r\n / 1200 S< 331 pass\r\n / 1300 C> PASS x\r\n / 1400 S< 230 in\r\n`,
    ],
    [
      "FTP of several lines",
      21,
      String.raw`1000 S< 220-hi\r\n220 there\r\n / 1100 C> AUTH TLS\r\n / 1200 S< 234 ok\r\n`,
    ],
    ["FTP that only quits", 21, String.raw`1000 S< 220 vsFTPd\r\n / 1100 C> QUIT\r\n / 1200 S< 221 bye\r\n`],
    ["POP3", 110, String.raw`1000 S< +OK ready\r\n / 1100 C> USER a\r\n / 1200 S< +OK\r\n`],
    ["IMAP", 143, String.raw`1000 S< * OK ready\r\n / 1100 C> a1 LOGIN a b\r\n / 1200 S< a1 OK\r\n`],
    ["HTTP", 80, String.raw`1000 C> GET \x2f HTTP/1.1\r\nHost: x\r\n\r\n / 1100 S< HTTP/1.1 200 OK\r\n\r\n`],
    [
      "HTTP that posts a mail",
      80,
      String.raw`1000 C> POST \x2f HTTP/1.1\r\n\r\nMAIL FROM:<a>\r\n / 1100 S< HTTP/1.1 200 OK\r\n\r\n`,
    ],
    ["SSH", 22, String.raw`1000 S< SSH-2.0-OpenSSH_9\r\n / 1100 C> SSH-2.0-x\r\n`],
    ["IRC", 6667, String.raw`1000 C> NICK a\r\nUSER a 0 * :a\r\n / 1100 S< :irc 001 a :hi\r\n`],
    [
      "NNTP",
      119,
      String.raw`1000 S< 200 news\r\n / 1100 C> MODE READER\r\n / 1200 S< 200 ok\r\n / 1300 C> QUIT\r\n / 1400 S< 205 bye\r\n`,
    ],
    ["ManageSieve", 4190, String.raw`1000 S< "IMPLEMENTATION" "x"\r\nOK\r\n / 1100 C> LOGOUT\r\n`],
    ["binary", 5000, "1000 C# 00010203 / 1100 S# ff00ff00"],
    ["a long line of nothing", 5000, `1000 C> ${"x".repeat(5000)}`],
  ];

  test.each(others)("%s is not, on its own port", (_, port, text) => {
    const run = play(`${port} / ${OPEN}\n${text}`);
    expect(run).toMatchObject({ brief: [], others: 1, undecided: 0 });
  });

  test.each(others)("%s does no harm on port 25", (_, _port, text) => {
    const run = play(`25 / ${OPEN}\n${text}`);
    expect(run.others + (run.conversation === undefined ? 0 : 1)).toBe(1);
  });

  test.each([
    ["HTTP", String.raw`1000 C> GET \x2f HTTP/1.1\r\nHost: x\r\n\r\n / 1100 S< HTTP/1.1 200 OK\r\n\r\n`],
    ["SSH", String.raw`1000 S< SSH-2.0-OpenSSH_9\r\n / 1100 C> SSH-2.0-x\r\n`],
    ["POP3", String.raw`1000 S< +OK ready\r\n / 1100 C> USER a\r\n / 1200 S< +OK\r\n`],
  ])("%s on port 25 gives nothing that would be recorded as a reply's time", (_, text) => {
    const run = play(`25 / ${OPEN}\n${text}`);
    expect(run.exchanges.filter((e) => e.taint === null && e.code !== null)).toEqual([]);
  });

  test.each([
    ["a greeting that says so", SESSION],
    ["a greeting that does not, and EHLO", SESSION.replace("ESMTP", "ready")],
    ["a masked greeting", SESSION.replace("mx ESMTP", "********")],
  ])("%s is SMTP on any port", (_, session) => {
    const run = play(`10025 / ${OPEN}\n${session}`);
    expect(run.brief).toEqual(SESSION_BRIEF);
  });

  test("554 and 421 greetings on any port, when they say so", () => {
    const run = play(String.raw`10025 / ${OPEN} / 100 S< 554 mx ESMTP no\r\n / 200 S. fin`);
    expect(run.brief).toEqual(["(connect) → 554 think 80"]);
  });

  test("a session of a client that is not captured, on a mail port", () => {
    const run = play(String.raw`25 / ${OPEN} / 100 S< 220 ready\r\n / 200 S. fin`);
    expect(run.brief).toEqual(["(connect) → 220 think 80"]);
  });
});
