/** Cases that went wrong once: each pairs, hides or bounds something that is easy to get wrong. */
import { expect, test } from "vitest";
import { afterHello, play } from "./playbook.ts";

const OPEN = "0 SYN / 10 SYN-ACK / 20 ACK";

test("more commands than are listed: those listed keep their replies, the others are no one's", () => {
  const count = 5_000;
  const commands = Array.from({ length: count }, (_, i) => `RCPT TO:<u${i}@example.net>\\r\\n`).join("");
  const replies = Array.from({ length: count }, (_, i) => `250 u${i} ok\\r\\n`).join("");
  const run = afterHello(
    `2000 C> ${commands} / 3000 S< ${replies} / 4000 C> QUIT\\r\\n / 4100 S< 221 bye\\r\\n`,
  );
  const recipients = run.exchanges.filter((e) => e.verb === "RCPT");
  expect(recipients.length).toBe(count);
  for (const { command, lines, taint } of recipients) {
    if (taint !== null) continue;
    const name = /<(u\d+)@/.exec(command ?? "")?.[1];
    expect(lines).toEqual([`250 ${name} ok`]);
  }
  expect(recipients.filter(({ taint }) => taint === null).length).toBeGreaterThan(4_000);
  expect(run.exchanges.at(-1)).toMatchObject({ verb: "QUIT", code: 221 });
});

test.each([25, 2525, 21])("FTP on port %i is not SMTP, and its password is nowhere", (port) => {
  const run = play(String.raw`${port} / ${OPEN}
    1000 S< 220 ftp.smtp.example FTP server ready\r\n
    1100 C> USER anonymous\r\n
    1200 S< 331 password, please\r\n
    1300 C> PASS hunter2\r\n
    1400 S< 230 in\r\n`);
  expect(run.conversation).toBeUndefined();
  expect(run.exchanges).toEqual([]);
});

test("LHLO refused: what follows is ordinary SMTP", () => {
  const run = play(String.raw`${OPEN}
    1000 S< 220 mx ESMTP\r\n
    1100 C> LHLO a\r\n
    1200 S< 500 what?\r\n
    1300 C> EHLO a\r\n
    1400 S< 250 mx\r\n
    1500 C> RCPT TO:<a@x>\r\n
    1600 S< 250 ok\r\n
    1700 C> RCPT TO:<b@x>\r\n
    1800 S< 250 ok\r\n
    1900 C> DATA\r\n
    2000 S< 354 go\r\n
    2100 C> x\r\n.\r\n
    2200 S< 250 queued\r\n
    2300 C> QUIT\r\n
    2400 S< 221 bye\r\n`);
  expect(run.brief.slice(-2)).toEqual(["(end-of-data) → 250 think 100", "QUIT → 221 think 100"]);
  expect(run.conversation!.messages).toBe(1);
});

test("LMTP that dies after the dot: each recipient's reply is missing", () => {
  const run = play(String.raw`${OPEN}
    1000 S< 220 mx LMTP\r\n
    1100 C> LHLO a\r\n
    1200 S< 250 mx\r\n
    1500 C> RCPT TO:<a@x>\r\n
    1600 S< 250 ok\r\n
    1700 C> RCPT TO:<b@x>\r\n
    1800 S< 250 ok\r\n
    1900 C> DATA\r\n
    2000 S< 354 go\r\n
    2100 C> x\r\n.\r\n
    2500 S. rst`);
  const ends = run.exchanges.filter((e) => e.verb === "(end-of-data)");
  expect(ends.map(({ taint }) => taint)).toEqual(["unanswered", "unanswered"]);
  expect(new Set(ends.map(({ ordinal }) => ordinal)).size).toBe(2);
});

test("a message that nobody asked for is not shown: DATA with it, answered 421 or 503", () => {
  for (const reply of ["421 overloaded", "503 no recipients"]) {
    const run = afterHello(String.raw`
      2000 C> DATA\r\nSubject: top secret\r\n\r\nhello dear\r\n.\r\n
      2100 S< ${reply}\r\n
      2200 S< 500 what?\r\n`);
    expect(JSON.stringify(run.exchanges)).not.toMatch(/secret|dear/);
  }
});

test("AUTH mistyped shows no secret", () => {
  const run = afterHello(String.raw`
    2000 C> AUHT PLAIN U0VDUkVUUEFTUw==\r\n
    2100 S< 500 what?\r\n
    2200 C> PASS hunter2\r\n
    2300 S< 500 what?\r\n`);
  expect(JSON.stringify(run.exchanges)).not.toMatch(/U0VD|hunter2/i);
});

test("an empty line of the server's answers nothing; one without a code makes those pending doubtful", () => {
  const run = afterHello(String.raw`
    2000 C> NOOP\r\nNOOP\r\n
    2100 S< \r\n
    2200 S< 250 one\r\n
    2300 S< 250 two\r\n`);
  expect(run.brief.map((line) => line.slice(0, 10))).toEqual(["NOOP → 250", "NOOP → 250"]);
});
