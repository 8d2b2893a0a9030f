import { describe, expect, test } from "vitest";
import { afterHello, play } from "./playbook.ts";

describe("pipelining", () => {
  test("a group in one segment, its replies in one", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n
      2500 S< 250 ok\r\n250 ok\r\n354 go\r\n`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 250 think 500",
      "RCPT TO:<b> → 250 think 500 service 0 behind 1",
      "DATA → 354 think 500 service 0 behind 2",
    ]);
    expect(run.exchanges.map((e) => e.waitedUs)).toEqual([500, 0, 0]);
    expect(run.flags).toContain("pipelining");
  });

  test("each reply in its own time", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\n
      2100 S< 250 sender ok\r\n
      2400 S< 250 b o
      2410 S< k\r\n
      9000 S< 550 c no\r\n`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 250 think 100",
      "RCPT TO:<b> → 250 think 400 service 300 behind 1",
      "RCPT TO:<c> → 550 think 7000 service 6590 behind 2",
    ]);
    expect(run.exchanges.map((e) => e.waitedUs)).toEqual([100, 310, 6590]);
  });

  test("a second group sent while the first is half answered", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\n
      2100 S< 250 ok\r\n
      2150 C> RCPT TO:<c>\r\n
      2200 S< 250 ok\r\n
      2350 S< 250 ok\r\n`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 250 think 100",
      "RCPT TO:<b> → 250 think 200 service 100 behind 1",
      "RCPT TO:<c> → 250 think 200 service 150 behind 1",
    ]);
  });

  test("the end of a message and the next one's commands", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n
      2100 S< 250 ok\r\n250 ok\r\n354 go\r\n
      2200 C> hi\r\n.\r\nMAIL FROM:<a>\r\nRCPT TO:<c>\r\nDATA\r\n
      3000 S< 250 queued\r\n
      3100 S< 250 ok\r\n250 ok\r\n354 go\r\n
      3200 C> hi\r\n.\r\nQUIT\r\n
      4000 S< 250 queued\r\n221 bye\r\n`);
    expect(run.brief.slice(3)).toEqual([
      "(end-of-data) → 250 think 800",
      "MAIL FROM:<a> → 250 think 900 service 100 behind 1",
      "RCPT TO:<c> → 250 think 900 service 0 behind 2",
      "DATA → 354 think 900 service 0 behind 3",
      "(end-of-data) → 250 think 800",
      "QUIT → 221 think 800 service 0 behind 1",
    ]);
    expect(run.conversation!.messages).toBe(2);
  });

  test("a reply of several lines that is under way counts as unanswered", () => {
    const run = afterHello(String.raw`
      2000 C> HELP\r\n
      2100 S< 214-a\r\n
      2200 C> NOOP\r\n
      2300 S< 214 b\r\n250 ok\r\n`);
    expect(run.brief).toEqual(["HELP → 214 think 100", "NOOP → 250 think 100 service 0 behind 1"]);
  });

  test("a client's segment that comes late in the capture, behind replies to other commands", () => {
    const run = afterHello(String.raw`
      2000 @20 C> MAIL FROM:<a>\r\n
      2100 @22 S< 250 ok\r\n
      2050 @21 C> RCPT TO:<b>\r\n
      2200 @23 S< 250 ok\r\n`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 250 think 100",
      "RCPT TO:<b> → 250 think 150 service 100 behind 1",
    ]);
  });

  test("without further copies to wait for, the numbers are the same", () => {
    const text = String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n
      2100 S< 250 ok\r\n
      2200 S< 550 no\r\n
      2300 S< 503 no\r\n
      2400 S< 502 what\r\n
      2500 S< 502 what\r\n
      2600 S< 221 bye\r\n`;
    expect(afterHello(text, { copiesPossible: false }).brief).toEqual(afterHello(text).brief);
  });

  test("more commands than settle at once", () => {
    const many = 200;
    const run = afterHello(
      [
        `2000 C> ${String.raw`NOOP\r\n`.repeat(many)}`,
        `3000 S< ${String.raw`250 ok\r\n`.repeat(many)}`,
        String.raw`4000 C> QUIT\r\n`,
        String.raw`4100 S< 221 bye\r\n`,
      ].join("\n"),
    );
    expect(run.exchanges.map((e) => e.pipelinedBehind)).toEqual([
      ...Array.from({ length: many }, (_, i) => i),
      0,
    ]);
  });
});

describe("messages by DATA", () => {
  test("a message, and the time its body took", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> Subject: x\r\n\r\nhello\r\n
      3200 C> .\r\n
      9200 S< 250 queued\r\n`);
    expect(run.brief).toEqual(["DATA → 354 think 100", "(end-of-data) → 250 think 6000"]);
    const [, end] = run.exchanges;
    expect(end).toMatchObject({ phase: "end-of-data", command: null, askedFrames: [10, 10] });
    expect(end!.askedFirstAtUs).toBe(end!.askedLastAtUs);
    expect(run.bodies).toEqual([{ durationUs: 1100, lengthBytes: 24 }]);
    expect(run.conversation!.messages).toBe(1);
  });

  test("the end split over four segments: asked is its very last byte", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> x\r
      2300 C> \n.
      2400 C> \r
      2500 C> \n
      2600 S< 250 queued\r\n`);
    expect(run.brief[1]).toBe("(end-of-data) → 250 think 100");
    expect(run.exchanges[1]!.askedFrames).toEqual([12, 12]);
    expect(run.bodies).toEqual([{ durationUs: 400, lengthBytes: 6 }]);
  });

  test("dots that are no end", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> ..\r\n..x\r\n.x\r\nx.\r\n. \r\n\r.\r\n.\r.\r\n.\n..\r\n
      2300 C> .\r\n
      2400 S< 250 queued\r\n
      2500 C> QUIT\r\n
      2600 S< 221 bye\r\n`);
    expect(run.brief.slice(1)).toEqual(["(end-of-data) → 250 think 100", "QUIT → 221 think 100"]);
  });

  test("an empty message", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> .\r\n
      2300 S< 250 queued\r\n`);
    expect(run.brief).toEqual(["DATA → 354 think 100", "(end-of-data) → 250 think 100"]);
    expect(run.bodies).toEqual([{ durationUs: 100, lengthBytes: 3 }]);
  });

  test("the body sent before the 354", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2050 C> hello\r\n.\r\n
      2100 S< 354 go\r\n
      2200 S< 250 queued\r\n`);
    expect(run.brief).toEqual(["DATA → 354 think 100", "(end-of-data) → 250 think 150 service 100 behind 1"]);
    expect(run.conversation!.messages).toBe(1);
  });

  test("all in one segment: MAIL, RCPT, DATA, body and QUIT", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nNOOP\r\n.\r\nQUIT\r\n
      2100 S< 250 ok\r\n250 ok\r\n
      2200 S< 354 go\r\n
      2300 S< 250 queued\r\n
      2400 S< 221 bye\r\n`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 250 think 100",
      "RCPT TO:<b> → 250 think 100 service 0 behind 1",
      "DATA → 354 think 200 service 100 behind 2",
      "(end-of-data) → 250 think 300 service 100 behind 3",
      "QUIT → 221 think 400 service 100 behind 4",
    ]);
  });

  test("DATA refused, with commands behind it", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nRSET\r\nQUIT\r\n
      2100 S< 250 ok\r\n
      2200 S< 550 no\r\n
      2300 S< 503 no recipients\r\n
      2400 S< 250 reset\r\n221 bye\r\n`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 250 think 100",
      "RCPT TO:<b> → 550 think 200 service 100 behind 1",
      "DATA → 503 think 300 service 100 behind 2",
      "RSET → 250 think 400 service 100 behind 3",
      "QUIT → 221 think 400 service 0 behind 4",
    ]);
  });

  test("what was held is counted right, however slow the server is", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nRSET\r\n
      2100 S< 250 ok\r\n
      5000000 tick
      10000000 S< 550 no\r\n
      15000000 tick
      20000000 S< 503 no recipients\r\n
      20000100 S< 250 reset\r\n`);
    expect(run.brief[3]).toBe("RSET → 250 think 19998100 service 100 behind 3");
  });

  test("what was held arrived after some of the replies", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n
      2100 S< 250 ok\r\n
      2200 C> RSET\r\n
      2300 S< 550 no\r\n
      2400 S< 503 no recipients\r\n
      2500 S< 250 reset\r\n`);
    expect(run.brief[3]).toBe("RSET → 250 think 300 service 100 behind 2");
  });

  test("DATA answered with 250 by a server that was told NOOP by a firewall", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 250 ok\r\n
      2200 C> QUIT\r\n
      2300 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["DATA → 250 think 100", "QUIT → 221 think 100"]);
  });

  test("an unfinished message", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> half a
      5000 C. rst`);
    expect(run.brief).toEqual(["DATA → 354 think 100"]);
    expect(run.flags).toContain("unfinished-message");
    expect(run.conversation!.messages).toBe(0);
    expect(run.bodies).toEqual([]);
  });

  test("a server that answers a message before it has ended", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> too long
      2300 S< 552 too big\r\n
      2400 C> , really\r\n.\r\n
      2500 C> QUIT\r\n
      2600 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["DATA → 354 think 100", "(end-of-data) → 552 !early", "QUIT → 221 think 100"]);
  });

  test("several mails on a connection, one refused, one given up", () => {
    const mail = (at: number, last: string) => String.raw`
      ${at} C> MAIL FROM:<a>\r\n
      ${at + 100} S< 250 ok\r\n
      ${at + 200} C> RCPT TO:<b>\r\n
      ${at + 300} S< 250 ok\r\n
      ${at + 400} C> DATA\r\n
      ${at + 500} S< 354 go\r\n
      ${at + 600} C> hello\r\n.\r\n
      ${at + 700} S< ${last}\r\n`;
    const run = afterHello(String.raw`
      ${mail(2000, "250 queued")}
      ${mail(3000, "550 spam")}
      4000 C> RSET\r\n
      4100 S< 250 ok\r\n
      ${mail(5000, "250 queued")}
      6000 C> QUIT\r\n
      6100 S< 221 bye\r\n`);
    expect(run.brief.length).toBe(14);
    expect(run.brief.every((line) => line.endsWith("think 100"))).toBe(true);
    expect(run.conversation!.messages).toBe(2);
    expect(run.bodies.length).toBe(3);
    expect(run.flags).toEqual([]);
  });

  test("a body that looks like commands, replies and TLS", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> QUIT\r\n250 ok\r\n\x16\x03\x01\r\nSTARTTLS\r\n\0\r\n.\r\n
      2300 S< 250 queued\r\n`);
    expect(run.brief).toEqual(["DATA → 354 think 100", "(end-of-data) → 250 think 100"]);
  });
});

describe("a lone dot between bare line feeds", () => {
  test.each([
    ["LF . LF", String.raw`x\n.\n`],
    ["LF . CRLF", String.raw`x\n.\r\n`],
    ["CRLF . LF", String.raw`x\r\n.\n`],
  ])("%s: no end for a server that goes on waiting", (_, end) => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> ${end}MAIL FROM:<smuggled>\r\n.\r\n
      2300 S< 250 queued\r\n
      2400 C> QUIT\r\n
      2500 S< 221 bye\r\n`);
    expect(run.brief.slice(1)).toEqual(["(end-of-data) → 250 think 100", "QUIT → 221 think 100"]);
    expect(run.flags).not.toContain("loose-end-of-data");
  });

  test.each([
    ["LF . LF", String.raw`x\n.\n`],
    ["LF . CRLF", String.raw`x\n.\r\n`],
    ["CRLF . LF", String.raw`x\r\n.\n`],
  ])("%s: an end for a server that answers", (_, end) => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> ${end}
      2300 S< 250 queued\r\n
      2400 C> QUIT\r\n
      2500 S< 221 bye\r\n`);
    expect(run.brief.slice(1)).toEqual(["(end-of-data) → 250 think 100", "QUIT → 221 think 100"]);
    expect(run.flags).toContain("loose-end-of-data");
    expect(run.conversation!.messages).toBe(1);
  });

  test("the next reply is another's when the message was answered before", () => {
    const run = play(String.raw`
      100 S< 354 go\r\n
      200 C> NOOP\r\nNOOP\r\n
      300 S< 250\r\n250\r\n
      400 C> x\n.\nNOOP\r\n
      500 S< 250 ok\r\n
      600 C> QUIT\r\n
      700 S< 221 bye\r\n`);
    expect(run.brief).toEqual([
      "(unsolicited) → 354",
      "(end-of-data) → 250 !early",
      "(unsolicited) → 250",
      "NOOP → 250 think 100",
      "QUIT → 221 think 100",
    ]);
    expect(new Set(run.exchanges.map((e) => e.ordinal)).size).toBe(run.exchanges.length);
  });

  test("what is behind it was commands after all", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> x\n.\nMAIL FROM:<smuggled>\r\nRCPT TO:<b>\r\n
      2300 S< 250 queued\r\n
      2400 S< 250 ok\r\n
      2500 S< 250 ok\r\n`);
    expect(run.brief.slice(1)).toEqual([
      "(end-of-data) → 250 think 100",
      "MAIL FROM:<smuggled> → 250 think 200 service 100 behind 1",
      "RCPT TO:<b> → 250 think 300 service 100 behind 2",
    ]);
  });

  test.each([1_000, 60_000, 66_000, 200_000])("behind %i bytes of body", (lengthBytes) => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> ${String.raw`${"x".repeat(98)}\n`.repeat(lengthBytes / 100)}
      2250 C> end\n.
      2260 C> \n
      2300 S< 250 queued\r\n
      2400 C> QUIT\r\n
      2500 S< 221 bye\r\n`);
    expect(run.brief.slice(1)).toEqual(["(end-of-data) → 250 think 40", "QUIT → 221 think 100"]);
  });
});

describe("chunks by BDAT", () => {
  test("two chunks", () => {
    const run = afterHello(String.raw`
      2000 C> BDAT 5\r\nhello
      2100 S< 250 5 octets\r\n
      2200 C> BDAT 4 LAST\r\n
      2300 C> bye\n
      2900 S< 250 queued\r\n`);
    expect(run.brief).toEqual(["BDAT 5 → 250 think 100", "BDAT 4 LAST → 250 think 600"]);
    expect(run.exchanges.map((e) => [e.phase, e.askedFrames])).toEqual([
      ["bdat", [7, 7]],
      ["end-of-data", [9, 10]],
    ]);
    expect(run.conversation!.messages).toBe(1);
  });

  test("what the octets are does not matter", () => {
    const run = afterHello(String.raw`
      2000 C> BDAT 12 last\r\n\r\n.\r\nQUIT\r\n\0
      2100 S< 250 queued\r\n
      2200 C> QUIT\r\n
      2300 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["BDAT 12 last → 250 think 100", "QUIT → 221 think 100"]);
    expect(run.flags).toEqual([]);
  });

  test("pipelined behind MAIL and RCPT, with QUIT in the same segment", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 3\r\nabcBDAT 0 LAST\r\nQUIT\r\n
      2100 S< 250 ok\r\n250 ok\r\n
      2300 S< 250 3 octets\r\n
      2400 S< 250 queued\r\n221 bye\r\n`);
    expect(run.brief).toEqual([
      "MAIL FROM:<a> → 250 think 100",
      "RCPT TO:<b> → 250 think 100 service 0 behind 1",
      "BDAT 3 → 250 think 300 service 200 behind 2",
      "BDAT 0 LAST → 250 think 400 service 100 behind 3",
      "QUIT → 221 think 400 service 0 behind 4",
    ]);
  });

  test("a refused chunk: its octets are sent all the same", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 6 LAST\r\nQUIT\r\n
      2100 S< 250 ok\r\n550 no\r\n
      2200 S< 503 no recipients\r\n
      2300 C> RSET\r\n
      2400 S< 250 ok\r\n`);
    expect(run.brief.slice(2)).toEqual([
      "BDAT 6 LAST → 503 think 200 service 100 behind 2",
      "RSET → 250 think 100",
    ]);
    expect(run.conversation!.messages).toBe(0);
  });

  test("a reply before the chunk has ended", () => {
    const run = afterHello(String.raw`
      2000 C> BDAT 10 LAST\r\nhello
      2100 S< 552 too big\r\n
      2200 C> world
      2300 C> QUIT\r\n
      2400 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["BDAT 10 LAST → 552 !early", "QUIT → 221 think 100"]);
    expect(run.exchanges[0]!.askedFrames).toEqual([7, 9]);
  });

  test("a chunk that never ends", () => {
    const run = afterHello(String.raw`
      2000 C> BDAT 1000 LAST\r\nhello
      5000 C. rst`);
    expect(run.brief).toEqual(["BDAT 1000 LAST → - !unanswered"]);
    expect(run.flags).toContain("unfinished-message");
  });

  test.each(["BDAT", "BDAT x LAST", "BDAT -5", "BDAT 5 LASTLY", "BDAT 99999999999999999999"])(
    "a size that is none: %s",
    (command) => {
      const run = afterHello(String.raw`
        2000 C> ${command}\r\n
        2100 S< 501 syntax\r\n
        2200 C> QUIT\r\n
        2300 S< 221 bye\r\n`);
      expect(run.brief).toEqual([`${command} → 501 think 100`, "QUIT → 221 think 100"]);
    },
  );

  test("a chunk of 3 GB is no reason to keep anything", () => {
    const run = afterHello(String.raw`
      2000 C> BDAT 3000000000\r\n
      2100 C> ${"x".repeat(100_000)}
      2200 C. rst`);
    expect(run.brief).toEqual(["BDAT 3000000000 → - !unanswered"]);
  });
});

describe("LMTP", () => {
  const LHLO = String.raw`
    24 / 0 SYN / 10 SYN-ACK / 20 ACK
    100 S< 220 lmtp ready\r\n
    200 C> LHLO a\r\n
    300 S< 250 mx\r\n`;

  test("one reply for each accepted recipient", () => {
    const run = play(String.raw`${LHLO}
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA\r\n
      2100 S< 250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n
      2200 C> hi\r\n.\r\n
      2300 S< 250 b delivered\r\n
      2700 S< 452 d full\r\n
      2800 C> QUIT\r\n
      2900 S< 221 bye\r\n`);
    expect(run.brief.slice(7)).toEqual([
      "(end-of-data) → 250 think 100",
      "(end-of-data) → 452 think 500 service 400",
      "QUIT → 221 think 100",
    ]);
    const [first, second] = run.exchanges.slice(7);
    expect(second).toMatchObject({
      askedFrames: first!.askedFrames,
      askedLastAtUs: first!.askedLastAtUs,
      phase: "end-of-data",
    });
    expect(first!.waitedUs + second!.waitedUs).toBe(500);
    expect(run.flags).toContain("lmtp");
  });

  test("by BDAT, with the next mail pipelined behind", () => {
    const run = play(String.raw`${LHLO}
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\n
      2100 S< 250 ok\r\n250 ok\r\n250 ok\r\n
      2200 C> BDAT 2\r\nhiBDAT 2 LAST\r\n\r\nMAIL FROM:<a>\r\nRCPT TO:<d>\r\n
      2300 S< 250 got it\r\n
      2400 S< 250 b\r\n250 c\r\n
      2500 S< 250 ok\r\n250 ok\r\n`);
    expect(run.brief.slice(5)).toEqual([
      "BDAT 2 → 250 think 100",
      "BDAT 2 LAST → 250 think 200 service 100 behind 1",
      "BDAT 2 LAST → 250 think 200 service 0 behind 1",
      "MAIL FROM:<a> → 250 think 300 service 100 behind 2",
      "RCPT TO:<d> → 250 think 300 service 0 behind 3",
    ]);
  });

  test("no accepted recipient: one reply, to DATA", () => {
    const run = play(String.raw`${LHLO}
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n
      2100 S< 250 ok\r\n550 no\r\n503 none\r\n
      2200 C> QUIT\r\n
      2300 S< 221 bye\r\n`);
    expect(run.brief.slice(4)).toEqual(["DATA → 503 think 100 service 0 behind 2", "QUIT → 221 think 100"]);
  });

  test("two mails: recipients of the first do not count for the second", () => {
    const run = play(String.raw`${LHLO}
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nRSET\r\nMAIL FROM:<a>\r\nRCPT TO:<d>\r\nDATA\r\n
      2100 S< 250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n
      2200 C> hi\r\n.\r\n
      2300 S< 250 d\r\n
      2400 C> QUIT\r\n
      2500 S< 221 bye\r\n`);
    expect(run.brief.slice(9)).toEqual(["(end-of-data) → 250 think 100", "QUIT → 221 think 100"]);
  });

  test("commands that are refused in between leave the recipients as they are", () => {
    const run = play(String.raw`${LHLO}
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nMAIL FROM:<a>\r\nRCPT TO:<c>\r\nLHLO\r\nDATA\r\n
      2100 S< 250 ok\r\n250 ok\r\n503 nested\r\n250 ok\r\n501 whose name\r\n354 go\r\n
      2200 C> hi\r\n.\r\n
      2300 S< 250 b\r\n250 c\r\n
      2400 C> QUIT\r\n
      2500 S< 221 bye\r\n`);
    expect(run.brief.slice(8)).toEqual([
      "(end-of-data) → 250 think 100",
      "(end-of-data) → 250 think 100 service 0",
      "QUIT → 221 think 100",
    ]);
  });

  test("a 421 among the replies ends them", () => {
    const run = play(String.raw`${LHLO}
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n
      2100 S< 250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n
      2200 C> hi\r\n.\r\n
      2300 S< 250 b\r\n421 down\r\n
      2400 S. fin`);
    expect(run.brief.slice(6)).toEqual([
      "(end-of-data) → 250 think 100",
      "(end-of-data) → 421 think 100 service 0",
    ]);
  });

  test("SMTP with several recipients has one reply", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n
      2100 S< 250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n
      2200 C> hi\r\n.\r\n
      2300 S< 250 queued\r\n
      2400 C> QUIT\r\n
      2500 S< 221 bye\r\n`);
    expect(run.brief.slice(4)).toEqual(["(end-of-data) → 250 think 100", "QUIT → 221 think 100"]);
  });
});

describe("XCLIENT and XFORWARD", () => {
  test("the dialogue starts over with a new greeting, the ask of which is XCLIENT", () => {
    const run = afterHello(String.raw`
      2000 C> XCLIENT ADDR=1.2.3.4 NAME=x\r\n
      2500 S< 220 mx ESMTP\r\n
      2600 C> EHLO x\r\n
      2700 S< 250 mx\r\n
      2800 C> XFORWARD NAME=x\r\n
      2900 S< 250 ok\r\n`);
    expect(run.brief).toEqual([
      "XCLIENT ADDR=1.2.3.4 NAME=x → 220 think 500",
      "EHLO x → 250 think 100",
      "XFORWARD NAME=x → 250 think 100",
    ]);
  });
});

describe("further copies", () => {
  test("of a command and of its reply", () => {
    const run = afterHello(String.raw`
      2000 C> NOOP\r\n
      2050 C= 8 14
      2060 C= 9 10
      2100 S< 250 ok\r\n
      2150 S= 88 96
      2160 S= 96 97
      2200 C> QUIT\r\n
      2300 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["NOOP → 250 think 100 copies 3", "QUIT → 221 think 100"]);
  });
});
