import { describe, expect, test } from "vitest";
import { afterHello, HELLO, play, type Run } from "./playbook.ts";

/** An exchange that would be recorded is one with a think time and no taint. */
function recorded(run: Run): string[] {
  return run.exchanges
    .filter((e) => e.taint === null && e.thinkUs !== null)
    .map((e) => `${e.command ?? e.verb} ${e.code} ${e.thinkUs}`);
}

/** A whole mail whose replies name what they answer, so that wrong pairing shows. */
const STEPS: [string, string][] = [
  [String.raw`MAIL FROM:<a>\r\n`, String.raw`250 MAIL\r\n`],
  [String.raw`RCPT TO:<b>\r\n`, String.raw`250 RCPT\r\n`],
  [String.raw`NOOP\r\n`, String.raw`250 NOOP\r\n`],
  [String.raw`DATA\r\n`, String.raw`354 DATA\r\n`],
  [String.raw`Subject: x\r\n\r\nQUIT\r\nhello\r\n.\r\n`, String.raw`250 (end-of-data)\r\n`],
  [String.raw`MAIL FROM:<a>\r\n`, String.raw`250 MAIL\r\n`],
  [String.raw`RCPT TO:<b>\r\n`, String.raw`250 RCPT\r\n`],
  [String.raw`DATA\r\n`, String.raw`354 DATA\r\n`],
  [String.raw`Subject: y\r\n\r\nhello\r\n.\r\n`, String.raw`250 (end-of-data)\r\n`],
  [String.raw`QUIT\r\n`, String.raw`221 QUIT\r\n`],
];

const lengthOf = (text: string) => text.replace(/\\./g, "_").length;

/** Leaves one thing out: the whole of it, its first or its second half. */
function without(step: number, side: "C" | "S", part: "all" | "head" | "tail", late: boolean): string {
  const lines: string[] = [];
  let held: string | null = null;
  STEPS.forEach(([command, reply], index) => {
    const at = 2000 + index * 1000;
    for (const [mark, text, time] of [
      ["C", command, at],
      ["S", reply, at + 100],
    ] as const) {
      if (index !== step || mark !== side) {
        if (held !== null && mark === side) {
          lines.push(`${time} ${held}`);
          held = null;
        }
        lines.push(`${time} ${mark === "C" ? "C>" : "S<"} ${text}`);
        continue;
      }
      const half = Math.floor(text.indexOf(String.raw`\r`) / 2);
      const kept = part === "all" ? "" : part === "head" ? text.slice(half) : text.slice(0, half);
      const gap = `${mark}! ${lengthOf(text) - lengthOf(kept)}`;
      if (part === "tail") lines.push(`${time} ${mark === "C" ? "C>" : "S<"} ${kept}`);
      if (late && part !== "head") held = gap;
      else lines.push(`${time} ${gap}`);
      if (part === "head") lines.push(`${time} ${mark === "C" ? "C>" : "S<"} ${kept}`);
    }
  });
  if (held !== null) lines.push(`20000 ${held}`);
  return lines.join("\n");
}

const CASES = STEPS.flatMap((_, step) =>
  (["C", "S"] as const).flatMap((side) =>
    (["all", "head", "tail"] as const).flatMap((part) =>
      [false, true].map((late) => [step, side, part, late] as const),
    ),
  ),
);

describe("bytes are missing in a lock-step dialogue", () => {
  test.each(CASES)("step %i, side %s, %s of it, told late: %s", (step, side, part, late) => {
    const run = afterHello(without(step, side, part, late));
    // Nothing recorded is wrong: the reply names its command, and each took 100 µs.
    for (const e of run.exchanges) {
      if (e.taint !== null || e.thinkUs === null || e.verb === "(unknown)") continue;
      expect(e.lines.join()).toContain(e.verb);
      expect(e.thinkUs).toBe(100);
    }
    // Text of the message is never taken for commands.
    expect(JSON.stringify(run.exchanges)).not.toMatch(/Subject|hello/);
    // It finds its way back: the second mail is recorded when the gap was in the first.
    if (step <= 3) {
      expect(recorded(run).slice(-2)).toEqual(["(end-of-data) 250 100", "QUIT 221 100"]);
    }
    expect(run.flags).toContain("gap");
  });
});

describe("bytes are missing in pipelined dialogues", () => {
  test("a reply of a group: the group is tainted, the next mail is recorded", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n
      2100 S< 250 MAIL\r\n
      2200 S! 10
      2300 S< 354 DATA\r\n
      2400 C> hello\r\n.\r\n
      2500 S< 250 (end-of-data)\r\n
      2600 C> MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n
      2700 S< 250 MAIL\r\n250 RCPT\r\n354 DATA\r\n
      2800 C> hello\r\n.\r\nQUIT\r\n
      2900 S< 250 (end-of-data)\r\n221 QUIT\r\n`);
    expect(recorded(run)[0]).toBe("MAIL FROM:<a> 250 100");
    expect(recorded(run).slice(-5)).toEqual([
      "MAIL FROM:<a> 250 100",
      "RCPT TO:<b> 250 100",
      "DATA 354 100",
      "(end-of-data) 250 100",
      "QUIT 221 100",
    ]);
    for (const e of run.exchanges) {
      if (e.taint === null && e.thinkUs !== null) expect(e.lines.join()).toContain(e.verb);
    }
  });

  test("part of a group of commands", () => {
    const run = afterHello(String.raw`
      2000 C> MAIL FROM:<a>\r\n
      2000 C! 13
      2000 C> DATA\r\n
      2100 S< 250 MAIL\r\n250 RCPT\r\n354 DATA\r\n
      2400 C> hello\r\n.\r\n
      2500 S< 250 (end-of-data)\r\n
      2600 C> QUIT\r\n
      2700 S< 221 QUIT\r\n`);
    for (const e of run.exchanges) {
      if (e.taint === null && e.thinkUs !== null) expect(e.lines.join()).toContain(e.verb);
    }
    expect(JSON.stringify(run.exchanges)).not.toContain("hello");
    expect(recorded(run).at(-1)).toBe("QUIT 221 100");
  });
});

describe("bytes are missing in messages", () => {
  test("within: the end is still recorded, the body's time is not", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> hello\r\n
      2300 C! 5000
      2400 C> there\r\n.\r\n
      2500 S< 250 queued\r\n`);
    expect(run.brief).toEqual(["DATA → 354 think 100", "(end-of-data) → 250 think 100"]);
    expect(run.bodies).toEqual([]);
  });

  test("the end itself: tainted, and back in step", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      2200 C> hello\r\n
      2300 C! 5
      2500 S< 250 queued\r\n
      2600 C> MAIL FROM:<a>\r\n
      2700 S< 250 ok\r\n
      2800 C> RCPT TO:<a>\r\n
      2900 S< 250 ok\r\n`);
    expect(run.brief[1]).toBe("(end-of-data) → 250 !gap");
    expect(run.brief.at(-1)).toBe("RCPT TO:<a> → 250 think 100");
  });

  test("the end and the command behind it", () => {
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 DATA\r\n
      2200 C> hello\r\n
      2300 C! 25
      2600 C> RCPT TO:<b>\r\n
      2700 S< 250 (end-of-data)\r\n250 MAIL\r\n250 RCPT\r\n
      2800 C> RSET\r\n
      2900 S< 250 RSET\r\n
      3000 C> QUIT\r\n
      3100 S< 221 QUIT\r\n`);
    for (const e of run.exchanges) {
      if (e.taint === null && e.thinkUs !== null) expect(e.lines.join()).toContain(e.verb);
    }
    expect(recorded(run).at(-1)).toBe("QUIT 221 100");
  });

  test("the snap length cuts every large segment", () => {
    const big = String.raw`
      2210 C> xxxx
      2211 C! 1400`.repeat(50);
    const run = afterHello(String.raw`
      2000 C> DATA\r\n
      2100 S< 354 go\r\n
      ${big}
      2400 C> there\r\n.\r\n
      2500 S< 250 queued\r\n
      2600 C> QUIT\r\n
      2700 S< 221 bye\r\n`);
    expect(recorded(run).slice(-2)).toEqual(["(end-of-data) 250 100", "QUIT 221 100"]);
  });

  test("within a chunk of BDAT", () => {
    const run = afterHello(String.raw`
      2000 C> BDAT 100 LAST\r\nhello
      2010 C! 90
      2020 C> there
      2100 S< 250 queued\r\n
      2200 C> QUIT\r\n
      2300 S< 221 bye\r\n`);
    expect(run.brief.map((line) => line.replace(/ think.*/, ""))).toEqual([
      "BDAT 100 LAST → 250",
      "QUIT → 221",
    ]);
    expect(recorded(run).at(-1)).toBe("QUIT 221 100");
  });

  test.each([95, 103])("over the end of a chunk of BDAT: %i", (missing) => {
    const run = afterHello(String.raw`
      2000 C> BDAT 100 LAST\r\nhello
      2010 C! ${missing}
      2100 S< 250 queued\r\n
      2150 C> RSET\r\n
      2160 S< 250 ok\r\n
      2200 C> QUIT\r\n
      2300 S< 221 bye\r\n`);
    expect(run.exchanges[0]).toMatchObject({ verb: "BDAT", code: 250, taint: "gap" });
    expect(recorded(run).at(-1)).toBe("QUIT 221 100");
  });
});

describe("bytes are missing elsewhere", () => {
  test("the banner", () => {
    const run = play(String.raw`0 SYN / 10 SYN-ACK / 20 ACK
      1000 S! 20
      1100 C> EHLO a\r\n
      1200 S< 250-mx\r\n250-PIPELINING\r\n250 ok\r\n
      1300 C> MAIL FROM:<a>\r\n
      1400 S< 250 MAIL\r\n`);
    expect(recorded(run)).toEqual(["EHLO a 250 100", "MAIL FROM:<a> 250 100"]);
    expect(run.exchanges[0]).toMatchObject({ verb: "(connect)", taint: "gap" });
    expect(run.exchanges.find((e) => e.verb === "EHLO")!.code).toBe(250);
  });

  test("the end of the banner", () => {
    const run = play(String.raw`0 SYN / 10 SYN-ACK / 20 ACK
      1000 S< 220 mx
      1000 S! 20
      1100 C> EHLO a\r\n
      1200 S< 250-mx\r\n250-PIPELINING\r\n250 ok\r\n
      1300 C> MAIL FROM:<a>\r\n
      1400 S< 250 MAIL\r\n`);
    expect(run.exchanges[0]).toMatchObject({ verb: "(connect)", code: 220, taint: "gap" });
    expect(recorded(run)).toContain("MAIL FROM:<a> 250 100");
  });

  test("the client's EHLO, with the banner and its reply there", () => {
    const run = play(String.raw`0 SYN / 10 SYN-ACK / 20 ACK
      1000 S< 220 mx ESMTP\r\n
      1100 C! 8
      1200 S< 250-mx\r\n250 PIPELINING\r\n
      1300 C> MAIL FROM:<a>\r\n
      1400 S< 250 MAIL\r\n
      1500 C> RCPT TO:<b>\r\n
      1600 S< 250 RCPT\r\n`);
    expect(recorded(run)).toContain("RCPT TO:<b> 250 100");
    expect(recorded(run)[0]).toBe("(connect) 220 980");
  });

  test("the reply to STARTTLS: what follows is TLS all the same", () => {
    const run = afterHello(String.raw`
      2000 C> STARTTLS\r\n
      2100 S! 11
      3000 C# 1603010005 01000001 00
      3100 S# 1603030006 02000002 0303
      3200 C> \x17\x03\x03\0\x05MAIL\n`);
    expect(run.exchanges.filter((e) => e.verb === "MAIL" || e.verb === "(unknown)")).toEqual([]);
    expect(run.conversation!.tls).not.toBeNull();
  });

  test("a gap at the very beginning and nothing else", () => {
    expect(() => play("100 C! 100 / 200 S! 100 / 300 C. fin")).not.toThrow();
    expect(() => play("0 SYN / 10 SYN-ACK / 20 ACK / 100 S! 100 / 300 C. fin")).not.toThrow();
  });

  test("both sides have gaps in every place: nothing throws", () => {
    for (const part of ["all", "head", "tail"] as const)
      for (const [step] of STEPS.entries())
        expect(() => play(`${HELLO}\n${without(step, "S", part, true)}`)).not.toThrow();
  });
});
