/** Limits and what the exit status tells of them, as a user sees it. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { NDJSON_SCHEMA } from "../../src/reports/index.ts";
import type { Report } from "../../src/spine/report.ts";
import { TOUR } from "./support/captures.ts";
import { exchangesOf, parseLines, summaryOf } from "./support/lines.ts";
import { replay } from "./support/run.ts";

const ASKED = ["--slo", "rcpt.p95<500ms", "--slo", "rcpt.max < 1s", "--slo", "err<50%"] as const;

test("text, JSON and NDJSON say what was asked, measured and found", async () => {
  const [text, json, lines] = await Promise.all([
    replay(TOUR, ...ASKED),
    replay(TOUR, ...ASKED, "-o", "json"),
    replay(TOUR, ...ASKED, "-o", "ndjson"),
  ]);
  expect([text.status, json.status, lines.status]).toEqual([0, 0, 0]);
  const { thresholds, phases } = JSON.parse(json.stdout) as Report;
  const rcpt = phases.find(({ phase }) => phase === "rcpt")!;
  expect(
    thresholds.map(({ text: asked, verdict, measured, samples }) => [asked, verdict, measured, samples]),
  ).toEqual([
    ["rcpt.p95<500ms", "violated", rcpt.service.percentilesUs["95"], rcpt.service.n],
    ["rcpt.max<1s", "met", rcpt.service.maxUs, rcpt.service.n],
    ["err<50%", "met", expect.any(Number), exchangesOf(parseLines(lines.stdout)).length],
  ]);
  const summary = summaryOf(parseLines(lines.stdout));
  expect(summary.thresholds).toEqual(thresholds);
  const validate = new Ajv2020().compile(NDJSON_SCHEMA);
  expect(validate(summary) ? [] : validate.errors).toEqual([]);
  expect(text.stdout).toMatch(/^rcpt\.p95<500ms +717 ms +40 +VIOLATED$/m);
  expect(text.stdout).toMatch(/^rcpt\.max<1s +743 ms +40 +met$/m);
});

test("err is the share of exchanges with 4xx, 5xx or no reply", async () => {
  const capture = "captures/no-banner.pcap";
  const [json, lines] = await Promise.all([
    replay(capture, "--slo", "err<1%", "-o", "json"),
    replay(capture, "-o", "ndjson"),
  ]);
  const exchanges = exchangesOf(parseLines(lines.stdout));
  const failed = exchanges.filter(({ code, taint }) => (code ?? 0) >= 400 || taint === "unanswered");
  const [threshold] = (JSON.parse(json.stdout) as Report).thresholds;
  expect(failed.length).toBeGreaterThan(0);
  expect(threshold!.measured).toBeCloseTo(failed.length / exchanges.length, 12);
});

test("a percentile that the table does not show", async () => {
  const { stdout } = await replay(TOUR, "--slo", "banner.p75<10s", "--percentiles", "50", "-o", "json");
  const { thresholds, phases } = JSON.parse(stdout) as Report;
  expect(thresholds[0]).toMatchObject({ percentile: 75, verdict: "met", needed: 4 });
  expect(Object.keys(phases[0]!.service.percentilesUs)).toEqual(["50"]);
});

test("the same in threads, and added up", async () => {
  const asked = [...ASKED, "-o", "json"];
  const samplesIn = async (...captures: readonly string[]) => {
    const report = JSON.parse((await replay(...captures, ...asked)).stdout) as Report;
    return report.thresholds.map(({ samples }) => samples);
  };
  const other = "captures/lossy.pcap";
  const [one, two, both] = await Promise.all([samplesIn(TOUR), samplesIn(other), samplesIn(TOUR, other)]);
  expect(both).toEqual(one.map((count, i) => count + two[i]!));
});

describe("--fail-on", () => {
  test.each([
    [
      ["--slo", "rcpt.p95<500ms", "--fail-on", "slo"],
      1,
      /^smtpscope: rcpt\.p95<500ms is not met: 717 ms in 40 samples$/m,
    ],
    [["--slo", "rcpt.p95<800ms", "--fail-on", "slo"], 0, /^$/],
    [["--slo", "rcpt.p95<500ms"], 0, /^$/],
    [["--slo", "quit.p99.99<1s", "--fail-on", "slo"], 0, /^$/],
    [["--slo", "banner.p99<1s", "--fail-on", "slo"], 1, /banner\.p99<1s is not met/],
    [["--fail-on", "warning"], 1, /^smtpscope: cause\/dns-ptr \((?:warning|critical)\) in \d+ dialogues?$/m],
    [["--fail-on", "slo,critical", "--slo", "n>=1"], 0, /^$/],
  ] as const)("%j", async (args, status, stderr) => {
    const outcome = await replay(TOUR, ...args);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toMatch(stderr);
    expect(outcome.stdout).toMatch(/^Source /);
  });

  test("what is wrong with the input comes first", async () => {
    const { status } = await replay(TOUR, "/no/such.pcap", "--slo", "rcpt.p95<500ms", "--fail-on", "slo");
    expect(status).toBe(2);
  });
});

test.each([
  [["--slo", "rctp.p95<500ms"], /^smtpscope: --slo: "rctp" is no phase; .*\nrctp\.p95<500ms\n\^\n$/],
  [["--fail-on", "slo"], /^smtpscope: --fail-on slo needs a limit: add e\.g\. --slo 'rcpt\.p95<500ms'\n$/],
  [
    ["--fail-on", "everything"],
    /^smtpscope: --fail-on takes slo, info, warning, critical; not "everything"\n$/,
  ],
] as const)("%j is refused in one line", async (args, stderr) => {
  const outcome = await replay(TOUR, ...args);
  expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({ status: 2, stdout: "" });
  expect(outcome.stderr).toMatch(stderr);
});
