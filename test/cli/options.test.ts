/** What each option changes, and that it changes nothing else. */
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Report } from "../../src/spine/report.ts";
import { shared, TOUR } from "./support/captures.ts";
import {
  conversationsOf,
  type ExchangeLine,
  exchangesOf,
  parseLines,
  summaryOf,
  waitEndsAtUs,
} from "./support/lines.ts";
import { replay, workFolder } from "./support/run.ts";

const folder = workFolder();
const STARTTLS = "captures/starttls.pcap";
const NO_BANNER = "captures/no-banner.pcap";

async function report(...args: string[]): Promise<Report> {
  const { stdout, stderr, status } = await replay(...args, "-o", "json");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout) as Report;
}

async function exchanges(...args: string[]): Promise<ExchangeLine[]> {
  const { stdout, stderr, status } = await replay(...args, "-o", "ndjson");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return exchangesOf(parseLines(stdout));
}

/** Everything of a capture that is asked for often. */
const known = new Map<string, Promise<ExchangeLine[]>>();

function everything(capture: string): Promise<ExchangeLine[]> {
  const lines = known.get(capture) ?? exchanges(capture);
  known.set(capture, lines);
  return lines;
}

describe.concurrent("--by", () => {
  const names: [string, (e: ExchangeLine) => string][] = [
    ["server", (e) => e.server],
    ["client", (e) => e.client.replace(/:\d+$/, "")],
    ["code", (e) => (e.code === null ? "none" : String(e.code))],
    [
      "minute",
      (e) => `${new Date((e.answeredFirstAtUs ?? e.askedLastAtUs!) / 1_000).toISOString().slice(0, 16)}Z`,
    ],
  ];
  test.each(names)("%s", async (key, nameOf) => {
    const all = await everything(TOUR);
    const { by, waitedUs, phases } = await report(TOUR, "--by", key);
    expect(by?.key).toBe(key);
    expect(by?.rest).toBeNull();
    const want = new Map<string, number>();
    for (const e of all) want.set(nameOf(e), (want.get(nameOf(e)) ?? 0) + e.serviceUs!);
    expect(Object.fromEntries(by!.groups.map(({ name, service }) => [name, service.sumUs]))).toEqual(
      Object.fromEntries(want),
    );
    expect(by!.groups.reduce((sum, { seen }) => sum + seen, 0)).toBe(all.length);
    // The wait for the SYN-ACK is nobody's reply.
    const connectUs = phases.find(({ phase }) => phase === "connect")!.waitedUs!;
    expect(by!.groups.reduce((sum, group) => sum + group.waitedUs, 0)).toBe(waitedUs - connectUs);
    const ranked = by!.groups.map((group) => (key === "minute" ? group.name : -group.waitedUs));
    expect(ranked).toEqual([...ranked].sort((a, b) => (a < b ? -1 : 1)));
    const text = (await replay(TOUR, "--by", key)).stdout;
    expect(text).toMatch(new RegExp(`^By ${key} +share +waited`, "m"));
    for (const { name } of by!.groups) expect(text).toContain(`\n${name} `);
  });
});

describe.concurrent("--percentiles", () => {
  test("those asked for and no others, in order of size", async () => {
    const { phases } = await report(TOUR, "--percentiles", "99.9,50, 12.5,100");
    for (const { service, think } of phases) {
      for (const { percentilesUs, maxUs } of [service, think ?? service]) {
        expect(Object.keys(percentilesUs).sort()).toEqual(["100", "12.5", "50", "99.9"]);
        expect(percentilesUs["100"]).toBe(maxUs);
      }
    }
    const text = (await replay(TOUR, "--percentiles", "99.9,50,12.5,100")).stdout;
    expect(text).toMatch(/^Phase .* min +p12\.5 +p50 +p99\.9 +p100 +max$/m);
  });
});

describe.concurrent("--top", () => {
  test.each([0, 3, 1_000])("%i", async (top) => {
    const all = await everything(TOUR);
    const { slowest } = await report(TOUR, "--top", String(top));
    expect(slowest).toHaveLength(Math.min(top, all.length));
    const times = all
      .map((e) => e.serviceUs! + (waitEndsAtUs(e) - e.answeredFirstAtUs!))
      .sort((a, b) => b - a);
    expect(slowest.map(({ waitedUs }) => waitedUs)).toEqual(times.slice(0, top));
    if (top === 0) expect((await replay(TOUR, "--top", "0")).stdout).not.toContain("Slowest");
  });

  test("each leads to its packets", async () => {
    const all = await everything(TOUR);
    for (const slow of (await report(TOUR, "--top", "50")).slowest) {
      const e = all.find(
        (one) =>
          one.tcpStream === slow.tcpStream && one.answeredFirstAtUs === slow.atUs && one.verb === slow.verb,
      );
      expect(e).toMatchObject({ file: slow.file, client: slow.client, server: slow.server, code: slow.code });
    }
  });
});

describe.concurrent("--since and --until", () => {
  const at = (e: ExchangeLine) => e.askedLastAtUs ?? e.answeredFirstAtUs!;
  const iso = (us: number) =>
    `${new Date(us / 1_000).toISOString().slice(0, 19)}.${String(us % 1_000_000).padStart(6, "0")}Z`;

  test("from the one (included) to the other (excluded)", async () => {
    const all = await everything(TOUR);
    const times = all.map(at).sort((a, b) => a - b);
    const [from, to] = [times[60]!, times[160]!];
    const want = all.filter((e) => at(e) >= from && at(e) < to);
    expect(await exchanges(TOUR, "--since", iso(from), "--until", iso(to))).toEqual(want);
    expect(
      await exchanges(TOUR, "--since", (from / 1e6).toFixed(6), "--until", (to / 1e6).toFixed(6)),
    ).toEqual(want);
  });

  test("written with an offset, with a blank, without seconds", async () => {
    const want = await exchanges(TOUR, "--since", "2026-11-24T20:24:00Z");
    expect(want.length).toBeGreaterThan(50);
    for (const text of [
      "2026-11-24 20:24",
      "2026-11-24T21:24:00+01:00",
      "2026-11-24T21:24+0100",
      "1795551840",
    ])
      expect(await exchanges(TOUR, "--since", text)).toEqual(want);
  });

  test("are said in the report", async () => {
    const text = (await replay(TOUR, "--since", "2026-11-24 20:24", "--until", "2026-11-25")).stdout;
    expect(text).toMatch(/^Since +2026-11-24 20:24:00\.000000 UTC$/m);
    expect(text).toMatch(/^Until +2026-11-25 00:00:00\.000000 UTC$/m);
  });
});

describe.concurrent("-Y", () => {
  const cases: [string, string, (e: ExchangeLine) => boolean][] = [
    [TOUR, "phase==rcpt && dur>500ms", (e) => e.phase === "rcpt" && e.serviceUs! > 500_000],
    [TOUR, "phase==banner && dur>1s", (e) => e.phase === "banner" && e.serviceUs! > 1_000_000],
    [TOUR, "client in 198.51.100.0/28", (e) => /^198\.51\.100\.(\d|1[0-5]):/.test(e.client)],
    [TOUR, "client==2001:db8:51::66", (e) => e.client.startsWith("[2001:db8:51::66]:")],
    [TOUR, "code>=400 && code<600", (e) => e.code !== null && e.code >= 400],
    [TOUR, "code=~^[45]", (e) => /^[45]/.test(String(e.code ?? ""))],
    [TOUR, 'text contains "queued as"', (e) => e.lines.some((line) => line.includes("queued as"))],
    [TOUR, 'command contains "carol@"', (e) => e.command?.includes("carol@") ?? false],
    [TOUR, 'verb=="(end-of-data)"', (e) => e.verb === "(end-of-data)"],
    [TOUR, "tcp.stream in {1, 3..4}", (e) => [1, 3, 4].includes(e.tcpStream)],
    [STARTTLS, "phase==encrypted || phase==tls", (e) => ["encrypted", "tls"].includes(e.phase)],
    [NO_BANNER, "unanswered", (e) => e.taint === "unanswered"],
    [NO_BANNER, "!unanswered && phase!=quit", (e) => e.taint === null && e.phase !== "quit"],
  ];
  test.each(cases)("%s: %s", async (capture, filter, wanted) => {
    const want = (await everything(capture)).filter(wanted);
    expect(want.length).toBeGreaterThan(0);
    expect(await exchanges(capture, "-Y", filter)).toEqual(want);
  });

  test("tls: all of a connection that came to use it, what was plain before included", async () => {
    const streams = new Set(
      (await exchanges(STARTTLS, "-Y", "phase==tls")).map(({ tcpStream }) => tcpStream),
    );
    const of = await exchanges(STARTTLS, "-Y", "tls");
    expect(new Set(of.map(({ tcpStream }) => tcpStream))).toEqual(streams);
    expect(of.some(({ phase }) => phase === "tls")).toBe(true);
  });

  test("the report is about what it lets through, and says so", async () => {
    const filter = "phase==banner && dur>1s";
    const { stdout } = await replay(TOUR, "-Y", filter, "-o", "ndjson");
    const lines = parseLines(stdout);
    const summary = summaryOf(lines);
    expect(summary.restriction.filter).toBe(filter);
    expect(summary.totals.exchanges).toBe(exchangesOf(lines).length);
    expect(summary.totals.dialogues).toBe(conversationsOf(lines).length);
    expect(summary.phases.map(({ phase }) => phase)).toEqual(["banner"]);
    expect(summary.phases[0]).toMatchObject({ seen: 13, share: 1 });
    expect((await replay(TOUR, "-Y", filter)).stdout).toContain(`\nFilter     ${filter}\n`);
  });

  test("nothing matches: an empty report, status 0", async () => {
    const nothing = await report(TOUR, "-Y", "code==999");
    expect(nothing).toMatchObject({ waitedUs: 0, phases: [], slowest: [], unanswered: [] });
    expect(nothing.totals).toMatchObject({ dialogues: 0, exchanges: 0, packets: 1_114 });
    expect(nothing.account.lengthUs).toBe(0);
  });
});

describe.concurrent("-O", () => {
  test.each(["text", "json", "ndjson"])("%s goes to the file, and nothing to stdout", async (format) => {
    const target = join(folder, `out ${format}`);
    writeFileSync(target, "x".repeat(1_000_000));
    const outcome = await replay(TOUR, "-o", format, "-O", target);
    expect(outcome).toEqual({ status: 0, signal: null, stdout: "", stderr: "" });
    expect(readFileSync(target, "utf8")).toBe((await replay(TOUR, "-o", format)).stdout);
  });

  test("- is standard output", async () => {
    const outcome = await replay(TOUR, "-O", "-");
    expect(outcome.stdout).toContain("Source");
    expect(existsSync("-")).toBe(false);
  });

  test("a result that was there stays when the input cannot be read", async () => {
    const target = join(folder, "kept");
    writeFileSync(target, "yesterday's report");
    expect((await replay(join(folder, "missing.pcap"), "-O", target)).status).toBe(3);
    expect(readFileSync(target, "utf8")).toBe("yesterday's report");
  });
});

test("-q changes nothing where nobody watches", async () => {
  expect(await replay(TOUR, "-q")).toEqual(await replay(TOUR));
});

test("several interfaces, nanoseconds: the same dialogues", async () => {
  const names = ["made-multi-be-usec.pcap", "made-multi-le-nsec.pcap", "made-multi-ng-4-interfaces.pcapng"];
  const captures = names.map(shared).filter((path) => path !== null);
  const times = [];
  for (const capture of captures)
    times.push((await exchanges(capture)).map(({ verb, code }) => `${verb} ${code}`));
  for (const one of times) expect(one).toEqual(times[0]);
});

test("-O keeps who may read the old result, and a link that leads to it", async () => {
  const real = join(folder, "private.txt");
  const link = join(folder, "latest.txt");
  writeFileSync(real, "old", { mode: 0o600 });
  symlinkSync(real, link);
  expect(await replay(TOUR, "-O", link)).toMatchObject({ status: 0, stderr: "" });
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(statSync(real).mode & 0o777).toBe(0o600);
  expect(readFileSync(real, "utf8")).toContain("Dialogues");
  expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
});
