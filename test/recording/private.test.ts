/** What proves who somebody is, and what a mail says, is in no recording: neither in one piece nor in many. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Capture } from "../../src/capture/capture.ts";
import type { Side } from "../../src/spine/wire.ts";
import { parse, resplit, tell } from "../dialogue/playbook.ts";
import { PORTS } from "../support/collect.ts";
import { bytesOf, comparable, inFolder, record, recordCapture, replay } from "./support.ts";

const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");

/** The file's bytes, and each side's as a reader of captures puts them together. */
async function everythingIn(files: readonly string[]): Promise<string> {
  const streams: Record<Side, Buffer[]> = { client: [], server: [] };
  const capture = new Capture(
    {
      tick: () => {},
      open: () => ({
        wanted: true,
        bytes: (from, _at, _frame, buffer, start, end) =>
          streams[from].push(Buffer.from(buffer.subarray(start, end))),
        gap: () => {},
        copy: () => {},
        end: () => {},
        close: () => {},
      }),
    },
    PORTS,
  );
  for (const file of files) await capture.readFile(file, {});
  capture.end();
  return [bytesOf(files), ...streams.client, Buffer.from("|"), ...streams.server]
    .map((each) => each.toString("latin1"))
    .join("");
}

const START = String.raw`
  0 SYN / 10 SYN-ACK / 20 ACK
  1000 S< 220 mx.example.net ESMTP\r\n
  1100 C> EHLO a\r\n
  1200 S< 250-mx.example.net\r\n250 AUTH PLAIN LOGIN CRAM-MD5\r\n`;
const MAIL = String.raw`
  1300 C> MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n
  1400 S< 250 ok\r\n250 ok\r\n`;
const BODY = String.raw`Subject: private-subject\r\n\r\nprivate-text\r\n..private-dot\r\n`;
const OCTETS = "Subject: private-subject\r\n\r\nprivate-text\r\n..private-dot\r\n".length;
const word = base64("\0private-user\0private-password");
const user = base64("private-user");
const pass = base64("private-password");

const DIALOGUES: [name: string, text: string][] = [
  ["an initial response", String.raw`2000 C> AUTH PLAIN ${word}\r\n / 2100 S< 235 in\r\n`],
  [
    "lower case, tabs",
    String.raw`2000 C> auth${"\t"}plain ${"\t"}${word} trailing-private\r\n / 2100 S< 235 in\r\n`,
  ],
  ["no mechanism", String.raw`2000 C> AUTH ${word}\r\n / 2100 S< 504 what\r\n`],
  [
    "a challenge",
    String.raw`2000 C> AUTH PLAIN\r\n / 2100 S< 334 \r\n / 2200 C> ${word}\r\n / 2300 S< 535 no\r\n`,
  ],
  [
    "two challenges",
    String.raw`2000 C> AUTH LOGIN\r\n / 2100 S< 334 VXNlcm5hbWU6\r\n / 2200 C> ${user}\r\n
      2300 S< 334 UGFzc3dvcmQ6\r\n / 2400 C> ${pass}\r\n / 2500 S< 235 in\r\n`,
  ],
  [
    "answers before they are asked for",
    String.raw`2000 C> AUTH LOGIN\r\n${user}\r\n${pass}\r\nNOOP\r\n
      2100 S< 334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n / 2200 S< 235 in\r\n250 ok\r\n`,
  ],
  [
    "answers although refused",
    String.raw`2000 C> AUTH LOGIN\r\n${user}\r\n${pass}\r\n / 2100 S< 502 no\r\n500 what\r\n500 what\r\n`,
  ],
  ["mistyped", String.raw`2000 C> AUHT PLAIN ${word}\r\n / 2100 S< 500 what\r\n`],
  ["glued", String.raw`2000 C> AUTH=PLAIN ${word}\r\n / 2100 S< 500 what\r\n`],
  ["of another protocol", String.raw`2000 C> PASS private-password\r\n / 2100 S< 500 what\r\n`],
  ["known by its reply only", String.raw`2000 C> ${user} ${pass}\r\n / 2100 S< 535 no\r\n`],
  [
    "repeated by the server",
    String.raw`2000 C> AUTH PLAIN ${word}\r\n / 2100 S< 501 5.5.4 cannot decode ${word}\r\n`,
  ],
  ["cut off", String.raw`2000 C> AUTH PLAIN ${word}`],
  ["cut off after the challenge", String.raw`2000 C> AUTH LOGIN\r\n / 2100 S< 334 a\r\n / 2200 C> ${user}`],
  [
    "a message",
    String.raw`${MAIL}
      1500 C> DATA\r\n / 1600 S< 354 go\r\n / 1700 C> ${BODY}.\r\n / 1800 S< 250 ok\r\n`,
  ],
  [
    "a message before the 354",
    String.raw`${MAIL}
      1500 C> DATA\r\n${BODY}.\r\nQUIT\r\n / 1600 S< 354 go\r\n / 1800 S< 250 ok\r\n221 bye\r\n`,
  ],
  [
    "a message that is refused",
    String.raw`${MAIL}
      1500 C> DATA\r\n${BODY}.\r\n / 1600 S< 451 no\r\n500 what\r\n500 what\r\n500 what\r\n500 what\r\n`,
  ],
  [
    "a message that never ends",
    String.raw`${MAIL}
      1500 C> DATA\r\n / 1600 S< 354 go\r\n / 1700 C> ${BODY}`,
  ],
  [
    "a message nobody answered to",
    String.raw`${MAIL}
      1500 C> DATA\r\n / 1700 C> ${BODY}`,
  ],
  [
    "bare line feeds",
    String.raw`${MAIL}
      1500 C> DATA\r\n / 1600 S< 354 go\r\n / 1700 C> private-text\n.\nprivate-text\r\n.\r\n / 1800 S< 250 ok\r\n`,
  ],
  [
    "chunks",
    String.raw`${MAIL}
      1500 C> BDAT ${OCTETS}\r\n${BODY} / 1600 S< 250 ok\r\n
      1700 C> BDAT ${OCTETS} LAST\r\n${BODY} / 1800 S< 250 ok\r\n`,
  ],
  [
    "with a gap",
    String.raw`${MAIL}
      1500 C> DATA\r\n / 1600 S< 354 go\r\n / 1700 C> ${BODY} / 1700 C! 10 / 1700 C> private-text\r\n.\r\n
      1800 S< 250 ok\r\n`,
  ],
  ["a gap in AUTH", String.raw`2000 C> AUTH PL / 2000 C! 4 / 2000 C> ${word}\r\n / 2100 S< 235 in\r\n`],
  [
    "a gap before an answer",
    String.raw`2000 C! 12 / 2100 S< 334 a\r\n / 2200 C> ${user}\r\n / 2300 S< 235 in\r\n`,
  ],
];

const END = String.raw`
  9000000 C. fin
  9000100 S. fin`;

describe("filled over", () => {
  test.each(DIALOGUES)("%s", async (_, text) => {
    const script = parse(`${START}\n${text}\n${END}`);
    for (const cut of [() => false, () => true, (_: number, at: number) => at % 7 === 0]) {
      await inFolder(async (folder) => {
        const { live, files, recording } = await record(folder, (sink) => tell(resplit(script, cut), sink));
        expect(recording.counts.faults).toBe(0);
        const all = await everythingIn(files);
        for (const secret of [word, user, pass, "trailing-private"])
          expect(all).not.toContain(secret.replace(/=+$/, ""));
        expect(all).not.toMatch(/private/);
        expect(all).toContain("EHLO a");
        const { collector } = await replay(files);
        // Where a gap falls in time only a run knows.
        if (text.includes("!")) expect(collector.exchanges.length).toBe(live.exchanges.length);
        else expect(comparable(collector)).toEqual(comparable(live));
      });
    }
  });

  const SHARED = new URL("../../../shared/captures/", import.meta.url).pathname;
  const payloads: [name: string, payloads: string[]][] = [
    ["bro__smtp.trace", ["Z3VycGFydGFwQHBhdHJpb3RzLmlu", "cHVuamFiQDEyMw"]],
    ["nDPI__emotet.pcap", ["cmF1bHBhcmVkZXNAd2FuYWRvby5mcg", "Y3VsdHVtZXhmcjE"]],
    ["PcapPlusPlus__Smtp.pcap", ["Z3VycGFydGFwQHBhdHJpb3RzLmlu", "cHVuamFiQDEyMw"]],
  ];
  test.each(payloads)("%s", async (name, secrets) => {
    const capture = join(SHARED, name);
    if (!existsSync(capture)) return;
    await inFolder(async (folder) => {
      const { files } = await recordCapture(folder, capture);
      const all = await everythingIn(files);
      expect(all).toContain("AUTH");
      for (const secret of secrets) expect(all).not.toContain(secret);
    });
  });

  test("mail of the project's captures", async () => {
    for (const name of ["healthy", "pipelining", "bdat-exim", "slow-ptr"]) {
      await inFolder(async (folder) => {
        const path = new URL(`../../captures/${name}.pcap`, import.meta.url).pathname;
        const { files } = await recordCapture(folder, path);
        const all = await everythingIn(files);
        expect(all).not.toMatch(/Message-Id:|Content-Type|MIME-Version|Subject:/i);
        expect(all).toContain("RCPT TO:");
      });
    }
  });
});

describe("what is not SMTP", () => {
  const others: [name: string, text: string][] = [
    [
      "FTP on a mail port",
      String.raw`0 SYN / 10 SYN-ACK / 20 ACK
      1000 S< 220 FTP ready private-place\r\n / 1100 C> USER private-user\r\n / 1200 S< 331 private\r\n
      1300 C> PASS private-password\r\n / 1400 S< 230 private\r\n`,
    ],
    [
      "HTTP elsewhere",
      String.raw`10025
      0 SYN / 10 SYN-ACK / 20 ACK
      1100 C> POST /private HTTP/1.1\r\nAuthorization: private\r\n\r\n / 1200 S< HTTP/1.1 200 private\r\n\r\nprivate`,
    ],
    [
      "a terminal elsewhere",
      String.raw`10025
      0 SYN / 10 SYN-ACK / 20 ACK
      1000 S< 220 private\r\n / 1100 C> private-user\r\n / 1200 S< 331 private\r\n / 1300 C> private-password\r\n`,
    ],
  ];
  test.each(others)("%s keeps its packets, without what they said", async (_, text) => {
    await inFolder(async (folder) => {
      const { live, files } = await record(folder, (sink) => tell(parse(`${text}\n${END}`), sink));
      expect(live.others).toBe(1);
      expect(await everythingIn(files)).not.toMatch(/private/);
      const { collector, capture } = await replay(files);
      expect([collector.others, collector.conversations]).toEqual([1, []]);
      const said = parse(text).steps.length;
      expect(capture.counts.packets).toBeGreaterThanOrEqual(said + 5);
    });
  });
});

describe("who may read it", () => {
  const script = parse(`${START}\n2000 C> AUTH PLAIN ${word}\\r\\n / 2100 S< 235 in\\r\\n\n${MAIL}\n${END}`);
  const modeOf = (file: string) => statSync(file).mode & 0o777;

  test("its owner and their group", async () => {
    await inFolder(async (folder) => {
      const { files } = await record(folder, (sink) => tell(script, sink));
      expect(modeOf(files[0]!) & ~0o640).toBe(0);
    });
  });

  test("raw: everything as it came, for its owner only", async () => {
    await inFolder(async (folder) => {
      const { live, files } = await record(folder, (sink) => tell(script, sink), { raw: true });
      expect(modeOf(files[0]!)).toBe(0o600);
      expect(await everythingIn(files)).toContain(word);
      const { collector } = await replay(files);
      expect(comparable(collector)).toEqual(comparable(live));
    });
  });
});

describe("what is too much to wait for becomes filler", () => {
  const bytes = (from: Side, atUs: number, frame: number, text: string) =>
    ({ kind: "bytes", from, atUs: 1_700_000_000_000_000 + atUs, frame, bytes: Buffer.from(text) }) as const;

  test.each([
    ["behind an unanswered DATA", "DATA\r\n"],
    ["behind an unanswered STARTTLS", "STARTTLS\r\n"],
    ["behind a line in doubt", "XYZZY\r\n"],
    ["a line without end", "private-text private-text"],
  ])("%s", async (_, command) => {
    const { facts, steps } = parse(START);
    const block = "private-text ".repeat(4_000);
    const more = Array.from({ length: 200 }, (_, i) => bytes("client", 3_000 + i, 10 + i, block));
    await inFolder(async (folder) => {
      const before = process.memoryUsage();
      const { recording, files } = await record(folder, (sink) =>
        tell({ facts, steps: [...steps, bytes("client", 2_000, 8, command), ...more] }, sink),
      );
      const after = process.memoryUsage();
      expect(recording.counts.faults).toBe(0);
      expect(await everythingIn(files)).not.toMatch(/private-text private-text/);
      expect(statSync(files[0]!).size).toBeGreaterThan(200 * block.length);
      expect(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(
        80 << 20,
      );
    });
  });
});
