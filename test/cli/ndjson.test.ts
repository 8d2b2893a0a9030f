/** `-o ndjson` of every capture there is: each line against the schema, and the sums against the report. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../../src/spine/report.ts";
import { SHARED, SHIPPED } from "./support/captures.ts";
import {
  conversationsOf,
  type ExchangeLine,
  exchangesOf,
  type Line,
  parseLines,
  summaryOf,
  waitEndsAtUs,
} from "./support/lines.ts";
import { inParallel, type Outcome, replay } from "./support/run.ts";
import { printedSchema } from "./support/schema.ts";

const CAPTURES = [...SHIPPED, ...SHARED];
const outcomes = new Map<string, Outcome>();
let validate: (line: unknown) => string;

beforeAll(async () => {
  validate = await printedSchema();
  await inParallel(CAPTURES, async (capture) => {
    outcomes.set(capture, await replay(capture, "-o", "ndjson"));
  });
}, 60_000);

const usable = (lines: readonly Line[]) => lines.some((line) => line.kind === "exchange");

function naivePercentile(sorted: readonly number[], percentile: number): number {
  return sorted[Math.max(0, Math.ceil((percentile * sorted.length) / 100 - 1e-9) - 1)]!;
}

const key = (line: { file: string; tcpStream: number; client: string }) =>
  `${line.file} ${line.tcpStream} ${line.client}`;

/** Union of the intervals from the command's last byte to the reply's last byte. */
function waitedUs(exchanges: readonly ExchangeLine[]): number {
  const intervals = exchanges
    .filter((e) => e.askedLastAtUs !== null && e.answeredLastAtUs !== null)
    .map((e): [number, number] => [e.askedLastAtUs!, waitEndsAtUs(e)])
    .sort((a, b) => a[0] - b[0]);
  let sum = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const [from, to] of intervals) {
    if (to > until) sum += to - Math.max(from, until);
    until = Math.max(until, to);
  }
  return sum;
}

describe.each(CAPTURES)("%s", (capture) => {
  const outcome = () => outcomes.get(capture)!;
  let parsed: readonly Line[] | null = null;
  const lines = () => (parsed ??= parseLines(outcome().stdout));

  test("every line is as the schema says, the summary is the last one and the only one", () => {
    expect(outcome().stderr).not.toMatch(/^\s+at /m);
    expect([0, 2, 3]).toContain(outcome().status);
    expect(
      lines()
        .map(validate)
        .filter((fault) => fault !== ""),
    ).toEqual([]);
    expect(lines().filter((line) => line.kind === "summary")).toHaveLength(1);
    expect(lines().at(-1)?.kind).toBe("summary");
    for (const text of outcome().stdout.split("\n").slice(0, -1)) expect(text).toMatch(/^\{.*\}$/);
  });

  test("each dialogue has one conversation, after its exchanges, numbered in order", () => {
    const seen = new Map<string, number[]>();
    const ended = new Set<string>();
    for (const line of lines()) {
      if (line.kind === "exchange") {
        expect(ended.has(key(line)), `after its conversation: ${JSON.stringify(line)}`).toBe(false);
        seen.set(key(line), [...(seen.get(key(line)) ?? []), line.ordinal]);
      } else if (line.kind === "conversation") {
        ended.add(key(line));
        const ordinals = seen.get(key(line)) ?? [];
        expect(new Set(ordinals).size).toBe(ordinals.length);
        seen.delete(key(line));
      }
    }
    expect([...seen.keys()], "exchanges without a conversation").toEqual([]);
  });

  test("the report's counts, sums and percentiles are those of the lines", () => {
    const all = lines();
    const report = summaryOf(all);
    const exchanges = exchangesOf(all);
    const conversations = conversationsOf(all);
    expect(report.totals.dialogues).toBe(conversations.length);
    expect(report.totals.exchanges).toBe(exchanges.length);
    expect(report.totals.messages).toBe(conversations.reduce((sum, { messages }) => sum + messages, 0));
    expect(report.totals.unanswered).toBe(exchanges.filter((e) => e.taint === "unanswered").length);
    expect(report.totals.unsolicited).toBe(exchanges.filter((e) => e.verb === "(unsolicited)").length);
    for (const taint of ["gap", "clock", "unanswered", "early"] as const) {
      expect(report.health.taintedExchanges[taint]).toBe(exchanges.filter((e) => e.taint === taint).length);
    }
    let recorded = 0;
    for (const view of report.phases) {
      if (view.phase === "connect" || view.phase === "body") continue;
      const ofPhase = exchanges.filter((e) => e.phase === view.phase);
      expect(view.seen).toBe(ofPhase.length);
      for (const field of ["serviceUs", "thinkUs"] as const) {
        const times = ofPhase
          .filter((e) => e.taint === null && e[field] !== null)
          .map((e) => e[field]!)
          .sort((a, b) => a - b);
        const got = field === "serviceUs" ? view.service : view.think!;
        if (field === "serviceUs") recorded += times.length;
        expect(got.n).toBe(times.length);
        expect(got.sumUs).toBe(times.reduce((sum, us) => sum + us, 0));
        expect(got.minUs).toBe(times[0] ?? null);
        expect(got.maxUs).toBe(times.at(-1) ?? null);
        for (const [percentile, us] of Object.entries(got.percentilesUs)) {
          const want = naivePercentile(times, Number(percentile));
          expect(Math.abs(us - want), `${view.phase} p${percentile}: ${us}, not ${want}`).toBeLessThanOrEqual(
            want / 1_000,
          );
        }
      }
      expect(view.histogram.reduce((sum, bar) => sum + bar.count, 0)).toBe(view.service.n);
    }
    expect(report.totals.recorded).toBe(recorded);
    const phases = new Set(report.phases.map(({ phase }) => phase as string));
    for (const e of exchanges) expect(phases.has(e.phase)).toBe(true);
  });

  test("the slowest replies are the slowest, longest first", () => {
    const report = summaryOf(lines());
    const times = exchangesOf(lines())
      .filter((e) => e.taint === null && e.serviceUs !== null)
      .map((e) => e.serviceUs! + (waitEndsAtUs(e) - e.answeredFirstAtUs!))
      .sort((a, b) => b - a);
    expect(report.slowest.map(({ waitedUs }) => waitedUs)).toEqual(times.slice(0, 10));
  });

  test("the parts of the time add up, of each dialogue and of all", () => {
    const all = lines();
    const report = summaryOf(all);
    const { lengthUs, ...parts } = report.account;
    expect(Object.values(parts).reduce((sum, us) => sum + us, 0)).toBe(lengthUs);
    let total = 0;
    for (const { time, synAtUs, endedAtUs } of conversationsOf(all)) {
      const length = Object.values(time).reduce((sum, us) => sum + us, 0);
      total += length;
      if (synAtUs !== null && endedAtUs !== null && endedAtUs >= synAtUs)
        expect(length).toBe(endedAtUs - synAtUs);
    }
    expect(lengthUs).toBe(total);
  });

  test("shares add up to one, waiting times to all waiting", () => {
    const report: Omit<Report, "kind"> = summaryOf(lines());
    const waits = report.phases.filter(({ waitedUs }) => waitedUs !== null);
    expect(waits.reduce((sum, view) => sum + view.waitedUs!, 0)).toBe(report.waitedUs);
    if (report.waitedUs > 0) expect(waits.reduce((sum, view) => sum + view.share!, 0)).toBeCloseTo(1, 9);
    for (const { phase, waitedUs } of report.phases) {
      if (phase === "body") expect(waitedUs).toBeNull();
    }
    const ranked = waits.map(({ waitedUs }) => waitedUs!);
    expect(ranked).toEqual([...ranked].sort((a, b) => b - a));
  });

  test("waiting is the union of the intervals with a reply pending", () => {
    const all = lines();
    const exchanges = exchangesOf(all);
    // Where bytes or replies are missing, the end of the wait is not in the lines.
    if (!usable(all) || exchanges.some((e) => e.taint !== null || e.askedLastAtUs === null)) return;
    const report = summaryOf(all);
    const connectUs = report.phases.find(({ phase }) => phase === "connect")?.waitedUs ?? 0;
    const dialogues = [...new Set(exchanges.map(key))];
    const want = dialogues.reduce((sum, one) => sum + waitedUs(exchanges.filter((e) => key(e) === one)), 0);
    expect(report.waitedUs - connectUs).toBe(want);
  });
});

test.each(SHIPPED)("-o json of %s is the summary", async (capture) => {
  const outcome = await replay(capture, "-o", "json");
  expect(outcome).toMatchObject({ status: 0, stderr: "" });
  const { kind, ...report } = JSON.parse(outcome.stdout) as Report;
  expect(kind).toBe("report");
  const { kind: _, ...summary } = summaryOf(parseLines(outcomes.get(capture)!.stdout));
  expect(report).toEqual(summary);
});
