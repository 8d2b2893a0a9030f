import { describe, expect, test } from "vitest";
import { Capture } from "../../src/capture/capture.ts";
import { Dialogues } from "../../src/dialogue/dialogues.ts";
import { compareProfiles } from "../../src/diff/before-after.ts";
import { binned, generalised, type Period, PeriodRecorder, periodOfTimes } from "../../src/diff/period.ts";
import { Recorder } from "../../src/latency/recorder.ts";
import { Series } from "../../src/latency/series.ts";
import type { BeforeAfter } from "../../src/spine/before-after.ts";
import { MAIL } from "../../src/spine/phase.ts";
import { EPOCH_US, scrambled } from "../support/raw-ip.ts";
import { EHLO_LINES, type MailOptions, mail, PLAIN, replyOf, type Said, travel } from "./path.ts";

const PORTS: ReadonlySet<number> = new Set([25]);

function period(
  count: number,
  options: (i: number) => MailOptions,
  change: (said: Said) => Said = (said) => said,
): Period {
  const sessions = Array.from({ length: count }, (_, i) => ({
    startUs: EPOCH_US + i * 1_000_000,
    client: "198.51.100.7",
    clientPort: 20_000 + i,
    said: mail(options(i)).map(change),
  }));
  const recorder = new PeriodRecorder();
  const capture = new Capture(new Dialogues(recorder, { ports: PORTS, copiesPossible: true }), PORTS);
  capture.frames.begin("capture", 0);
  for (const { atUs, bytes } of travel(sessions, PLAIN).inside)
    capture.record(atUs, bytes, 0, bytes.length, bytes.length, 101);
  capture.end();
  return recorder.period;
}

/** Times that vary by half around 2 ms. */
const usual =
  (seed: number) =>
  (i: number): MailOptions => ({
    serverUs: (n) => 1_000 + (scrambled(seed + i * 100 + n) % 2_000),
  });
const slower =
  (seed: number, phase: number, byUs: number) =>
  (i: number): MailOptions => ({
    serverUs: (n) => usual(seed)(i).serverUs!(n) + (n === phase ? byUs : 0),
  });

const verdicts = (report: BeforeAfter) =>
  Object.fromEntries(report.phases.map(({ phase, verdict }) => [phase, verdict]));

test("what became slower is found, and nothing else", () => {
  const report = compareProfiles(period(60, usual(1)), period(60, slower(2, 3, 1_000)), "0");
  expect(verdicts(report)).toEqual({
    connect: "same",
    banner: "same",
    ehlo: "same",
    mail: "same",
    rcpt: "slower",
    data: "same",
    body: "same",
    "end-of-data": "same",
    quit: "same",
  });
  const rcpt = report.phases.find(({ phase }) => phase === "rcpt")!;
  expect(rcpt).toMatchObject({
    basis: "samples",
    before: { n: 60, p99Us: null },
    after: { n: 60, p99Us: null },
  });
  expect(rcpt.after!.p50Us! - rcpt.before!.p50Us!).toBeGreaterThan(500);
  const back = compareProfiles(period(60, slower(2, 3, 1_000)), period(60, usual(1)), "0");
  expect(verdicts(back)).toMatchObject({ rcpt: "faster", mail: "same" });
});

test("a second mode that leaves the middle where it is", () => {
  const spiky = (i: number): MailOptions => ({
    serverUs: (n) => (n !== 0 ? 2_000 : i % 3 === 0 ? 500 : i % 3 === 1 ? 3_500 : 2_000),
  });
  const flat = (i: number): MailOptions => ({ serverUs: () => 1_900 + (scrambled(i) % 200) });
  const report = compareProfiles(period(120, flat), period(120, spiky), "0");
  expect(verdicts(report).banner).toBe("different");
});

test("too few to say", () => {
  const report = compareProfiles(period(7, usual(1)), period(60, slower(2, 3, 5_000_000)), "0");
  expect(new Set(report.phases.map(({ verdict }) => verdict))).toEqual(new Set(["too few samples"]));
  expect(report.phases.every(({ p }) => p === null)).toBe(true);
  expect(report.phases[0]!.before).toMatchObject({ n: 7, p95Us: null });
});

describe("banners and keywords", () => {
  const plain = period(20, usual(1));
  test("that changed", () => {
    const masked = period(20, usual(1), (said) => ({
      ...said,
      text: said.text
        .replace("220 mx.example.net ESMTP Postfix", "220 gateway")
        .replace(replyOf(EHLO_LINES), replyOf(EHLO_LINES.filter((line) => line !== "STARTTLS"))),
    }));
    const report = compareProfiles(plain, masked, "0");
    expect(report.banners).toEqual([
      { text: "220 gateway", before: 0, after: 1 },
      { text: "220 mx.example.net ESMTP Postfix", before: 1, after: 0 },
    ]);
    expect(report.keywords).toEqual([{ text: "STARTTLS", before: 1, after: 0 }]);
  });
  test("that did not", () => {
    const report = compareProfiles(plain, period(30, usual(5)), "0");
    expect([report.banners, report.keywords]).toEqual([[], []]);
  });
  test.each([
    [
      "220 mail.example.net ESMTP Exim 4.96 Tue, 24 Nov 2026 23:45:01 +0000",
      "220 mail.example.net ESMTP Exim 4.96 …",
    ],
    ["220 mx ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2+deb12u2; Tue, 24 Nov 2026 23:45:01 GMT", null],
    [
      "220 mx.google.com ESMTP 5b1f17b1804b1-431b5c1a4f0si12345678f8f.12 - gsmtp",
      "220 mx.google.com ESMTP … - gsmtp",
    ],
    ["220 mail.example.net ESMTP Postfix (Debian/GNU)", "220 mail.example.net ESMTP Postfix (Debian/GNU)"],
    ["220-mx1.example.net ESMTP", "220-mx1.example.net ESMTP"],
  ])("of %j what changes every time is left out", (banner, want) => {
    const other = banner
      .replace("23:45:01", "08:09:10")
      .replace("24 Nov", "1 Dec")
      .replace("Tue", "Wed")
      .replace("4f0si12345678f8f", "9e1si87654321abc");
    expect(generalised(other)).toBe(generalised(banner));
    if (want !== null) expect(generalised(banner)).toBe(want);
  });
});

test("single times fall into the bars that a report has", () => {
  const series = new Series();
  const values = Array.from({ length: 3_000 }, (_, i) => Math.floor(1.006 ** i) % 50_000_000);
  for (const value of values) series.record(value);
  const bars = series.bars().filter(({ count }) => count > 0);
  const sorted = [...values].sort((a, b) => a - b).map((value) => [value, 1] as const);
  const made = binned({ n: values.length, counts: sorted, isBinned: false, percentileUs: () => null });
  // A report's bars count to the histogram's resolution.
  const near = (count: number) => expect.toSatisfy((made: number) => Math.abs(made - count) <= 3);
  expect(made).toEqual(bars.map(({ fromUs, count }) => [fromUs, near(count)]));
});

test("a period that was looked at and went on is no other for that", () => {
  const [quiet, asked] = [new Recorder(), new Recorder()];
  for (let i = 0; i < 200; i++) {
    for (const recorder of [quiet, asked]) recorder.reply(MAIL, 300 + (i % 3), null, 0, null, 250);
    if (i % 50 === 49) asked.phases[MAIL]!.service.percentileUs(95);
    if (i === 120) asked.phases[MAIL]!.service.percentileUs(50);
  }
  const [before, after] = [quiet, asked].map((recorder) =>
    periodOfTimes(structuredClone(recorder.part()), 1),
  );
  expect(after!.phases.get("mail")!.counts).toEqual(before!.phases.get("mail")!.counts);
  const [mailPhase] = compareProfiles(before!, after!, "0").phases;
  expect(mailPhase!.verdict).toBe("same");
  expect(mailPhase!.p).toBeCloseTo(1, 6);
});
