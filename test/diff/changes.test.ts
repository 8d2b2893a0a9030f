import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DiffReport } from "../../src/spine/diff-report.ts";
import { ROOT, run, workFolder } from "../cli/support/run.ts";
import { EPOCH_US } from "../support/raw-ip.ts";
import {
  diffBetween,
  diffOver,
  EHLO_LINES,
  mail,
  type Path,
  replyOf,
  type Said,
  type Session,
} from "./path.ts";

function sessions(count: number, said: (i: number) => readonly Said[] = () => mail()): Session[] {
  return Array.from({ length: count }, (_, i) => ({
    startUs: EPOCH_US + i * 1_000_000,
    client: "198.51.100.7",
    clientPort: 20_000 + i,
    said: said(i),
  }));
}

/** "part verb kinds keyword ×times" */
function brief({ changes }: DiffReport): string[] {
  return changes
    .map(({ part, verb, kinds, keyword, times }) =>
      [part, verb, kinds.join("+"), ...(keyword === null ? [] : [keyword]), `×${times}`].join(" "),
    )
    .sort();
}

type Rewrite = Path["rewrite"];
const server =
  (change: (text: string) => string): Rewrite =>
  (text, from) =>
    from === "server" ? change(text) : text;
const client =
  (change: (text: string) => string): Rewrite =>
  (text, from) =>
    from === "client" ? change(text) : text;
const ehloOf = (lines: readonly string[]) =>
  server((text) => (text === replyOf(EHLO_LINES) ? replyOf(lines) : text));
const without = (keyword: string) => EHLO_LINES.filter((line) => !line.startsWith(keyword));

const DEVICES: [string, Rewrite, string[]][] = [
  ["nothing", (text) => text, []],
  [
    "a PIX masks the banner",
    server((text) => (text.startsWith("220") ? text.replace(/(?<=^220 .*)[^20\r\n]/g, "*") : text)),
    ["reply (connect) masked ×3"],
  ],
  [
    "an ASA masks keywords",
    ehloOf(["mx.example.net", "PIPELINING", "SIZE 10240000", "XXXXXXXA", "8BITMIME", "XXXXXXXB"]),
    ["reply EHLO masked CHUNKING ×3", "reply EHLO masked STARTTLS ×3"],
  ],
  [
    "an ASA overwrites a command",
    client((text) => text.replace(/^EHLO/, "XXXX")),
    ["command EHLO masked ×3"],
  ],
  ["a PIX makes it NOOP", client((text) => text.replace(/^EHLO/, "NOOP")), ["command EHLO replaced ×3"]],
  ["a keyword is taken out", ehloOf(without("STARTTLS")), ["reply EHLO keyword-removed STARTTLS ×3"]],
  ["the last one is taken out", ehloOf(without("CHUNKING")), ["reply EHLO keyword-removed CHUNKING ×3"]],
  ["one is put in", ehloOf([...EHLO_LINES, "XCLIENT NAME"]), ["reply EHLO keyword-added XCLIENT ×3"]],
  [
    "a size is made smaller",
    ehloOf(EHLO_LINES.map((line) => line.replace("10240000", "512000"))),
    ["reply EHLO keyword-changed+replaced SIZE ×3"],
  ],
  [
    "the order is changed",
    ehloOf(["mx.example.net", "CHUNKING", ...EHLO_LINES.slice(1, -1)]),
    ["reply EHLO line-order CHUNKING ×3"],
  ],
  [
    "the banner is replaced",
    server((text) => text.replace(/^220 mx.*\r\n/, "220 gateway.example.com ready\r\n")),
    ["reply (connect) replaced ×3"],
  ],
  ["a code is changed", server((text) => text.replace(/^250 2\.1\.5/, "450 2.1.5")), ["reply RCPT code ×3"]],
  [
    "line ends",
    server((text) => text.replace("Ok\r\n", "Ok\n")),
    ["reply MAIL line-end ×3", "reply RCPT line-end ×3"],
  ],
  ["a bar in an address", client((text) => text.replace("bob@", "b b@")), ["command RCPT replaced ×3"]],
  [
    "a header is put into the message",
    client((text) => (text.startsWith("Subject") ? `X-Scanned: yes\r\n${text}` : text)),
    ["message (end-of-data) other-bytes ×3"],
  ],
  [
    "a byte of the message",
    client((text) => text.replace("hello\r\n.", "hallo\r\n.")),
    ["message (end-of-data) other-bytes ×3"],
  ],
];

describe("a device on the path", () => {
  test.each(DEVICES)("%s", (_name, rewrite, want) => {
    const report = diffOver(sessions(3), { rewrite, offsetUs: -1_500_000, nat: "203.0.113.1" });
    expect(brief(report)).toEqual(want);
    expect(report.matched.dialogues).toBe(3);
  });
  test.each(DEVICES)("%s, with connections of its own", (_name, rewrite, want) => {
    const path = { rewrite, offsetUs: 1_500_000, nat: "203.0.113.1", newSequences: true };
    const report = diffOver(
      sessions(3, (i) => mail({ from: `alice${i}@example.org`, queueId: `4F1A2${i}` })),
      path,
    );
    expect(brief(report)).toEqual(want);
  });
});

test("what is shown: both lines, where they differ, their frames on both sides", () => {
  const rewrite = server((text) => text.replace("Postfix", "*******"));
  const [change] = diffOver(sessions(1), { rewrite }).changes;
  expect(change!.variants).toEqual([
    {
      before: "220 mx.example.net ESMTP Postfix\\r\\n",
      beforeMarks: `${" ".repeat(25)}^^^^^^^`,
      beforeHex: "50 6f 73 74 66 69 78",
      after: "220 mx.example.net ESMTP *******\\r\\n",
      afterMarks: `${" ".repeat(25)}^^^^^^^`,
      afterHex: "2a 2a 2a 2a 2a 2a 2a",
      times: 1,
      inside: expect.objectContaining({ file: "inside", frame: 4, tcpStream: 0 }),
      outside: expect.objectContaining({ file: "outside", frame: 4, tcpStream: 0 }),
    },
  ]);
});

test("of a message only length and digest are shown", () => {
  const body = "Subject: confidential\r\n\r\nconfidential\r\n";
  const rewrite = client((text) => text.replace("confidential\r\n.", "CONFIDENTIAL, too\r\n."));
  const report = diffOver(
    sessions(1, () => mail({ body })),
    { rewrite },
  );
  const [variant] = report.changes[0]!.variants;
  expect(variant!.before).toMatch(/^42 bytes, digest [0-9a-f]{16}$/);
  expect(variant!.after).toMatch(/^47 bytes, digest [0-9a-f]{16}$/);
  expect(JSON.stringify(report)).not.toMatch(/confidential/i);
});

test("a secret is compared and never shown", () => {
  const said: Said[] = [
    { from: "server", text: "220 mx ESMTP\r\n", afterUs: 100 },
    { from: "client", text: "EHLO a\r\n", afterUs: 100 },
    { from: "server", text: "250 mx\r\n", afterUs: 100 },
    { from: "client", text: "AUTH PLAIN AGFhYWEAYmJiYg==\r\n", afterUs: 100 },
    { from: "server", text: "235 ok\r\n", afterUs: 100 },
  ];
  const rewrite = client((text) => text.replace("bYmJiYg", "bYmJiYw").replace("YmJiYg", "YmJiYw"));
  const report = diffOver(
    sessions(1, () => said),
    { rewrite },
  );
  expect(brief(report)).toEqual(["secret AUTH other-bytes ×1"]);
  expect(JSON.stringify(report)).not.toMatch(/YmJi/);
});

describe("a proxy that speaks for itself", () => {
  /** STARTTLS is answered on the way: the server never hears of it. */
  test("a command that never came to the server", () => {
    const said = mail();
    const withTls = said.toSpliced(
      3,
      0,
      { from: "client", text: "STARTTLS\r\n", afterUs: 200 },
      { from: "server", text: "500 no\r\n", afterUs: 100 },
    );
    const report = diffBetween(
      sessions(2, () => said),
      sessions(2, () => withTls),
    );
    expect(brief(report)).toEqual(["command STARTTLS not-passed-on ×2"]);
  });
  test("a command that no client said", () => {
    const said = mail();
    const withRset = said.toSpliced(
      3,
      0,
      { from: "client", text: "RSET\r\n", afterUs: 200 },
      { from: "server", text: "250 ok\r\n", afterUs: 100 },
    );
    const report = diffBetween(
      sessions(2, () => withRset),
      sessions(2, () => said),
    );
    expect(brief(report)).toEqual(["command RSET put-in ×2"]);
  });
});

test("a reply that is held: how long, and on which way", () => {
  const path = {
    offsetUs: 12_000_000,
    delayUs: () => 200,
    holdUs: (text: string, from: string) => (from === "server" && text.startsWith("220") ? 3_000_000 : 0),
  };
  const report = diffOver(sessions(20), path);
  const banner = report.delays.find(({ phase }) => phase === "banner")!;
  expect(banner.added).toMatchObject({ n: 20, minUs: 3_000_400, p50Us: 3_000_400, maxUs: 3_000_400 });
  expect(banner.reply!.p50Us).toBeGreaterThanOrEqual(3_000_200 - banner.reply!.uncertaintyUs);
  expect(banner.reply!.p50Us).toBeLessThanOrEqual(3_000_200 + banner.reply!.uncertaintyUs);
  expect(banner.reply!.uncertaintyUs).toBeLessThanOrEqual(221);
  const others = report.delays.filter(({ phase }) => phase !== "banner" && phase !== "connect");
  for (const { added } of others) expect(added).toMatchObject({ minUs: 400, maxUs: 400 });
  expect(report.changes).toEqual([]);
});

test("a message that is held before it is passed on: at the server it takes longer", () => {
  const path = {
    offsetUs: -7_000_000,
    delayUs: () => 200,
    holdUs: (text: string) => (text.endsWith("\r\n.\r\n") ? 2_000_000 : 0),
  };
  const report = diffOver(sessions(20), path);
  const [body, end, data] = ["body", "end-of-data", "data"].map((phase) =>
    report.delays.find((each) => each.phase === phase),
  );
  for (const each of [body, end]) {
    expect(each!.added).toMatchObject({ n: 20, minUs: 2_000_400, maxUs: 2_000_400 });
    const { p50Us, uncertaintyUs } = each!.command!;
    expect(Math.abs(p50Us - 2_000_200)).toBeLessThanOrEqual(uncertaintyUs);
  }
  expect(data!.added).toMatchObject({ minUs: 400, maxUs: 400 });
  // What was held is counted once.
  expect([body!.held, end!.held]).toEqual([0, 20]);
  const held = report.findings.find(({ id }) => id === "rewriting/reply-held")!;
  expect(held.claim).toContain("end-of-data");
  expect(held.claim).not.toContain("body");
});

test("a message sent with BDAT has no 354 that it could run from", () => {
  const bdat: Said[] = sessions(1)[0]!.said.slice(0, 8);
  bdat.push(
    { from: "client", text: "BDAT 5 LAST\r\nhello", afterUs: 200 },
    { from: "server", text: "250 2.0.0 Ok\r\n", afterUs: 900 },
  );
  const { delays } = diffOver(
    sessions(5, () => bdat),
    { delayUs: () => 200 },
  );
  expect(delays.map(({ phase }) => phase)).not.toContain("body");
});

describe("a banner of three lines is masked, hyphens too, and arrives as three replies", () => {
  const lines = ["mx.example.net ESMTP Exim 4.96.2 #2", "No unsolicited", "mail, please"];
  const said: Said[] = [{ from: "server", text: replyOf(lines, 220), afterUs: 2_000 }, ...mail().slice(1)];

  test.each<[string, (line: string) => string]>([
    ["as stars", (line) => `220${line.slice(3).replace(/[^20 \r\n]/g, "*")}`],
    ["as a blank", (line) => `220 ${line.slice(4).replace(/[^20\r\n]/g, "*")}`],
  ])("%s", (_how, masked) => {
    const report = diffOver(
      sessions(3, () => said),
      {
        rewrite: (text) => (text.startsWith("220") ? text.replace(/.+\r\n/g, masked) : text),
      },
    );
    expect(brief(report)).toEqual(["reply (connect) masked ×9"]);
    expect(report.findings.map(({ id }) => id)).toEqual(["rewriting/banner-masked"]);
  });
});

describe("BDAT is overwritten, and the server takes the message for commands", () => {
  const unknown = "502 5.5.2 Error: command not recognized\r\n";
  const start = sessions(1)[0]!.said.slice(0, 7);
  const message = "BDAT 20 LAST\r\nTop secret\r\nnumber\r\n";
  const inside: Said[] = [
    ...start,
    { from: "client", text: message.replace("BDAT 20 LAST", "X".repeat(12)), afterUs: 200 },
    { from: "server", text: unknown, afterUs: 900 },
    { from: "server", text: unknown, afterUs: 900 },
    { from: "server", text: unknown, afterUs: 900 },
    { from: "client", text: "QUIT\r\n", afterUs: 200 },
    { from: "server", text: "221 2.0.0 Bye\r\n", afterUs: 900 },
  ];
  const outside = inside.map((said) => (said.text.includes("XXXX") ? { ...said, text: message } : said));
  const report = diffBetween(
    sessions(3, () => inside),
    sessions(3, () => outside),
  );

  test("that, and not what follows from it", () => {
    expect(brief(report)).toEqual(["command BDAT masked ×3"]);
    expect(report.findings.map(({ id }) => id)).toEqual(["rewriting/command-masked"]);
  });

  test("nothing of the message is shown", () => {
    expect(JSON.stringify(report)).not.toMatch(/secret|number/i);
  });
});

test("what was held is counted in dialogues as well", () => {
  const holdUs = (text: string) => (/^(RCPT|DATA)/.test(text) ? 300_000 : 0);
  const { findings } = diffOver(sessions(7), { holdUs });
  expect(findings.map(({ id, dialogues }) => [id, dialogues])).toEqual([["rewriting/reply-held", 7]]);
});

test("segments cut on the way", () => {
  const report = diffOver(sessions(2), { cutAt: 20 });
  expect(report.segments).toMatchObject({ dialogues: 2, resplit: 16 });
  expect(report.segments.example).toMatchObject({
    verb: "(connect)",
    from: "server",
    before: [],
    after: [20],
  });
  expect(report.changes).toEqual([]);
  expect(diffOver(sessions(2), {}).segments).toEqual({
    compared: 26,
    resplit: 0,
    dialogues: 0,
    example: null,
  });
});

// ---- Any rewriting

const WORDS = fc.constantFrom("alpha", "bravo", "charlie", "delta", "echo", "foxtrot");
const line = fc.array(WORDS, { minLength: 2, maxLength: 5 }).map((words) => words.join(" "));

/** Replies with texts of their own, so that any of them can be found and changed. */
const dialogue = fc.array(line, { minLength: 7, maxLength: 7 }).map((texts) => {
  const codes = [220, 250, 250, 250, 354, 250, 221];
  return mail().map((said, i) => {
    const n = i >> 1;
    return said.from === "client" ? said : { ...said, text: `${codes[n]} ${texts[n]} r${n}\r\n` };
  });
});

const VERBS = ["(connect)", "EHLO", "MAIL", "RCPT", "DATA", "(end-of-data)", "QUIT"];

interface Rewriting {
  readonly name: string;
  readonly change: (text: string) => string;
}
const ANY_REWRITING: Rewriting[] = [
  { name: "masked", change: (text) => text.replace(/(?<=^\d{3} )\w+/, (word) => "*".repeat(word.length)) },
  { name: "case", change: (text) => text.toUpperCase() },
  { name: "whitespace", change: (text) => text.replace(/(?<=^\d{3} \w+) /, "  ") },
  { name: "cut", change: (text) => text.replace(/ \w+ (r\d)/, " $1") },
  { name: "lengthened", change: (text) => text.replace(/ (r\d)/, " ZULU $1") },
  { name: "line-end", change: (text) => text.replace("\r\n", "\n") },
  { name: "code", change: (text) => text.replace(/^(\d)\d\d/, "$159") },
];

test("any rewriting of any reply of any dialogue is reported as what it is, and nothing else", () => {
  fc.assert(
    fc.property(
      fc.array(dialogue, { minLength: 1, maxLength: 4 }),
      fc.nat(3),
      fc.nat(6),
      fc.constantFrom(...ANY_REWRITING),
      fc.boolean(),
      (dialogues, who, n, rewriting, newSequences) => {
        const victim = who % dialogues.length;
        // A client would not go on behind a refusal.
        const change =
          rewriting.name === "code" && VERBS[n] === "DATA"
            ? (text: string) => text.replace("354", "250")
            : rewriting.change;
        const path: Partial<Path> = {
          newSequences,
          offsetUs: 777_777,
          rewrite: (text, from, said, session) =>
            from === "server" && session === victim && said === n * 2 ? change(text) : text,
        };
        const report = diffOver(
          sessions(dialogues.length, (i) =>
            dialogues[i]!.map((each) =>
              each.from === "client" ? { ...each, text: each.text.replace("bob", `bob${i}`) } : each,
            ),
          ),
          path,
        );
        expect(report.matched.dialogues).toBe(dialogues.length);
        expect(brief(report)).toEqual([`reply ${VERBS[n]} ${rewriting.name} ×1`]);
      },
    ),
    { numRuns: 150 },
  );
});

const ANY_COMMAND_REWRITING: [string, (text: string) => string][] = [
  ["masked", (text) => text.replace(/^\w+/, (verb) => "X".repeat(verb.length))],
  ["masked", (text) => text.replace(/[^\r\n ]/g, "*")],
  ["case", (text) => text.toLowerCase()],
  ["whitespace", (text) => text.replace("\r\n", " \r\n")],
  ["lengthened", (text) => text.replace("\r\n", " BODY=8BITMIME\r\n")],
  ["line-end", (text) => text.replace("\r\n", "\n")],
  ["replaced", (text) => text.replace(/^\w+/, "NOOP")],
];

test("any rewriting of any command is reported as what it is, and nothing else", () => {
  const what = fc.constantFrom(...ANY_COMMAND_REWRITING);
  fc.assert(
    fc.property(
      fc.nat(2),
      fc.constantFrom(1, 3, 5, 7, 11),
      what,
      fc.boolean(),
      (victim, n, [kind, change], newSequences) => {
        const report = diffOver(
          sessions(3, (i) => mail({ from: `Alice${i}@example.org`, queueId: `4F1A2${i}` })),
          {
            newSequences,
            offsetUs: -9_876_543,
            rewrite: (text, from, said, session) =>
              from === "client" && session === victim && said === n ? change(text) : text,
          },
        );
        const verb = ["EHLO", "MAIL", "RCPT", "DATA", "", "QUIT"][(n - 1) / 2];
        expect(brief(report)).toEqual([`command ${verb} ${kind} ×1`]);
      },
    ),
    { numRuns: 150 },
  );
});

test("a real capture, a word of it overwritten in its file", async () => {
  const folder = workFolder();
  const bytes = readFileSync(join(ROOT, "captures/healthy.pcap"));
  const changed = Buffer.from(
    bytes.toString("latin1").replaceAll("ESMTP Postfix", "*************"),
    "latin1",
  );
  writeFileSync(join(folder, "outside.pcap"), changed);
  const { stdout, status } = await run([
    ...["diff", "captures/healthy.pcap", join(folder, "outside.pcap"), "-o", "json", "--exit-code"],
  ]);
  const report = JSON.parse(stdout) as DiffReport;
  expect(status).toBe(1);
  expect(brief(report)).toEqual(["reply (connect) masked ×8"]);
  expect(report.changes[0]!.dialogues).toBe(8);
});
