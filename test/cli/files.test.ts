/** Several files at once, folders, rings: what they add up to. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Report } from "../../src/spine/report.ts";
import { EPOCH_US } from "../support/raw-ip.ts";
import { SHIPPED, TOUR } from "./support/captures.ts";
import { conversationsOf, exchangesOf, parseLines, summaryOf } from "./support/lines.ts";
import { Dialogue, mail, pcap, writePcap } from "./support/pcap.ts";
import { inParallel, ROOT, replay, workFolder } from "./support/run.ts";

const folder = workFolder();

/** What adds up. */
function sums(report: Report): Record<string, unknown> {
  const { totals, account, waitedUs, phases, health } = report;
  return {
    totals,
    account,
    waitedUs,
    flags: health.flags,
    tainted: health.taintedExchanges,
    phases: Object.fromEntries(
      phases.map(({ phase, seen, unanswered, waitedUs, service, histogram }) => [
        phase,
        { seen, unanswered, waitedUs, service, histogram },
      ]),
    ),
  };
}

async function report(...args: string[]): Promise<Report> {
  const { stdout, stderr } = await replay(...args, "-o", "json");
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Report;
}

describe.concurrent("several files", () => {
  test("read by threads, they add up to what each gives by itself", async () => {
    const [together, ...single] = await inParallel([SHIPPED, ...SHIPPED.map((one) => [one])], (files) =>
      report(...files),
    );
    const add = (pick: (report: Report) => number) => single.reduce((sum, one) => sum + pick(one), 0);
    for (const [name, value] of Object.entries(together!.totals)) {
      expect({ name, value }).toEqual({ name, value: add(({ totals }) => totals[name as "packets"]) });
    }
    for (const name of [
      "lengthUs",
      "connectUs",
      "serverUs",
      "pathUs",
      "clientUs",
      "transferUs",
      "unknownUs",
    ] as const)
      expect({ name, us: together!.account[name] }).toEqual({
        name,
        us: add(({ account }) => account[name]),
      });
    expect(together!.waitedUs).toBe(add(({ waitedUs }) => waitedUs));
    for (const view of together!.phases) {
      const ofPhase = (pick: (view: Report["phases"][number]) => number) =>
        add(({ phases }) =>
          phases.filter(({ phase }) => phase === view.phase).reduce((sum, one) => sum + pick(one), 0),
        );
      expect(view.seen).toBe(ofPhase(({ seen }) => seen));
      expect(view.service.n).toBe(ofPhase(({ service }) => service.n));
      expect(view.service.sumUs).toBe(ofPhase(({ service }) => service.sumUs));
    }
    expect(together!.source.files.map(({ file }) => file)).toEqual(SHIPPED);
  });

  test("in any order the same sums", async () => {
    const one = sums(await report(...SHIPPED));
    expect(sums(await report(...SHIPPED.toReversed()))).toEqual(one);
  });

  test("by -r and as plain arguments", async () => {
    const [a, b, c] = SHIPPED as [string, string, string];
    const mixed = await report("-r", a, "-r", b, c);
    expect(mixed.source.files.map(({ file }) => file)).toEqual([a, b, c]);
    expect(sums(mixed)).toEqual(sums(await report(a, b, c)));
  });

  test("the same file named twice, or in a folder that is named too, is read once", async () => {
    const once = await report(TOUR);
    for (const named of [
      [TOUR, TOUR],
      [TOUR, `./${TOUR}`],
    ]) {
      const twice = await report(...named);
      expect(twice.totals).toEqual(once.totals);
      expect(twice.source.files).toHaveLength(1);
    }
  });

  test("as NDJSON: whole lines, each file's own, one summary", async () => {
    const { stdout, status } = await replay(...SHIPPED, "-o", "ndjson");
    expect(status).toBe(0);
    const lines = parseLines(stdout);
    for (const capture of SHIPPED) {
      const own = (kind: "exchange" | "conversation") =>
        lines
          .filter((line) => line.kind === kind && line.file === capture)
          .map((line) => JSON.stringify(line));
      const alone = parseLines((await replay(capture, "-o", "ndjson")).stdout);
      expect(own("exchange")).toEqual(exchangesOf(alone).map((line) => JSON.stringify(line)));
      expect(own("conversation")).toEqual(conversationsOf(alone).map((line) => JSON.stringify(line)));
    }
    expect(summaryOf(lines).source.files).toHaveLength(SHIPPED.length);
  });

  test("the lists of the slowest are those of all files", async () => {
    const { slowest } = await report(...SHIPPED, "--top", "25");
    const { stdout } = await replay(...SHIPPED, "-o", "ndjson");
    const times = exchangesOf(parseLines(stdout))
      .filter(({ taint, serviceUs }) => taint === null && serviceUs !== null)
      .map(({ serviceUs }) => serviceUs!)
      .sort((a, b) => b - a);
    expect(slowest.map(({ serviceUs }) => serviceUs)).toEqual(times.slice(0, 25));
  });
});

describe.concurrent("folders", () => {
  test("what is a capture by its name, in order; the rest is left", async () => {
    const inside = join(folder, "mixed folder");
    mkdirSync(inside);
    for (const capture of SHIPPED) copyFileSync(join(ROOT, capture), join(inside, basename(capture)));
    writeFileSync(join(inside, "README.md"), "no capture");
    mkdirSync(join(inside, "deeper.pcap"));
    const { source, totals } = await report(inside);
    expect(source.files.map(({ file }) => file)).toEqual(
      SHIPPED.map((capture) => join(inside, basename(capture))),
    );
    expect(totals).toEqual((await report(...SHIPPED)).totals);
  });

  test("named with a slash at the end", async () => {
    const { source } = await report("captures/");
    expect(source.files).toHaveLength(SHIPPED.length);
    for (const { file } of source.files) expect(file).not.toContain("//");
  });
});

describe.concurrent("a ring of files", () => {
  const whole = pcap(
    ...Array.from({ length: 6 }, (_, i) =>
      mail({ clientPort: 40_000 + i, startUs: EPOCH_US + i * 60_000, client: `198.51.100.${i + 1}` }),
    ),
  );

  const alone = join(folder, "alone.pcap");
  writeFileSync(alone, whole);

  /** Cuts where a record begins, as tcpdump -C does. */
  function pieces(count: number): Buffer[] {
    const starts: number[] = [];
    for (let at = 24; at < whole.length; at += 16 + whole.readUInt32LE(at + 8)) starts.push(at);
    const header = whole.subarray(0, 24);
    return Array.from({ length: count }, (_, i) => {
      const from = starts[Math.floor((i * starts.length) / count)]!;
      const to = i + 1 === count ? whole.length : starts[Math.floor(((i + 1) * starts.length) / count)]!;
      return Buffer.concat([header, whole.subarray(from, to)]);
    });
  }

  test.each([
    ["tcpdump -C", (i: number) => `mail.pcap${i === 0 ? "" : i}`],
    ["tcpdump -C -W", (i: number) => `ring.pcap${String(i).padStart(2, "0")}`],
    ["dumpcap -b", (i: number) => `mail_0000${i + 1}_2026010203041${i}.pcap`],
  ])("%s: dialogues that cross files are whole", async (_what, name) => {
    const paths = pieces(4).map((piece, i) => {
      const path = join(folder, name(i));
      writeFileSync(path, piece);
      return path;
    });
    const want = sums(await report(alone));
    expect(sums(await report(...paths))).toEqual({
      ...want,
      totals: expect.objectContaining({ exchanges: 42, unanswered: 0 }),
    });
    // The order of the arguments does not matter.
    expect(sums(await report(...paths.toReversed()))).toEqual(sums(await report(...paths)));
    const { stdout } = await replay(...paths, "-o", "ndjson");
    expect(new Set(exchangesOf(parseLines(stdout)).map(({ file }) => file)).size).toBe(4);
  });

  test("a listed reply's command has no frame where it is in another file", async () => {
    const paths = pieces(40).map((piece, i) => {
      const path = join(folder, `each.pcap${String(i).padStart(2, "0")}`);
      writeFileSync(path, piece);
      return path;
    });
    const { slowest } = await report(...paths, "--top", "100");
    expect(slowest.length).toBe(42);
    const exchanges = exchangesOf(parseLines((await replay(...paths, "-o", "ndjson")).stdout));
    for (const { file, client, answeredFrame, askedFrame } of slowest) {
      const here = exchanges.filter(
        (e) => e.file === file && e.client === client && e.answeredFrames?.[0] === answeredFrame,
      );
      expect(here).toHaveLength(1);
      expect(askedFrame).toBe(here[0]!.askedFile === undefined ? here[0]!.askedFrames![1] : null);
    }
    expect(slowest.some(({ askedFrame }) => askedFrame === null)).toBe(true);
    expect(slowest.some(({ askedFrame }) => askedFrame !== null)).toBe(true);
  });

  test.skipIf(!process.env.CI && spawnSync("editcap", ["--version"]).status !== 0)(
    "as editcap splits the tour",
    async () => {
      const target = join(folder, "split.pcap");
      execFileSync("editcap", ["-F", "pcap", "-c", "200", join(ROOT, TOUR), target]);
      const paths = readdirSync(folder)
        .filter((name) => name.startsWith("split_"))
        .map((name) => join(folder, name));
      expect(paths.length).toBe(6);
      const [split, tour] = [await report(...paths), await report(TOUR)];
      expect(sums(split)).toEqual({
        ...sums(tour),
        totals: { ...tour.totals, packetBytes: split.totals.packetBytes },
      });
    },
  );
});

describe.concurrent("connections on which nothing is said", () => {
  const silent = (port: number, serverPort: number, server = "192.0.2.25") => {
    const dialogue = new Dialogue({ clientPort: port, serverPort, server }).handshake().wait(5_000_000);
    return dialogue.close();
  };
  const speaks = (serverPort: number) =>
    mail({ clientPort: 30_001, serverPort, startUs: EPOCH_US + 20_000_000 });
  const quiet = writePcap(join(folder, "quiet.pcap"), silent(30_000, 2526));
  const both = writePcap(join(folder, "both.pcap"), silent(30_000, 2526), speaks(2526));
  const elsewhere = writePcap(join(folder, "elsewhere.pcap"), speaks(2526));

  test("a port that says nothing: no dialogue by itself", async () => {
    expect((await replay(quiet)).status).toBe(3);
  });

  test("a dialogue with -p", async () => {
    for (const ports of [["-p", "2526"], ["-p", "99,2526"], ["-p", "99", "-p", "2526"], ["--port=2526"]]) {
      const { totals, unanswered } = await report(quiet, ...ports);
      expect(totals).toMatchObject({
        dialogues: 1,
        exchanges: 1,
        recorded: 0,
        unanswered: 1,
        otherStreams: 0,
      });
      expect(unanswered[0]).toMatchObject({ verb: "(connect)", phase: "banner", reply: null });
    }
  });

  test("-p before the files takes one value", async () => {
    expect((await report("-p", "2526", quiet)).totals.dialogues).toBe(1);
  });

  test("a dialogue when that server spoke SMTP in the same file", async () => {
    expect((await report(both)).totals).toMatchObject({ dialogues: 2, unanswered: 1, otherStreams: 0 });
  });

  test("or in another file, read by another thread, in any order", async () => {
    for (const files of [
      [quiet, elsewhere],
      [elsewhere, quiet],
      [quiet, TOUR, elsewhere],
    ]) {
      const { totals, phases } = await report(...files);
      const rest = files.includes(TOUR) ? 32 : 0;
      expect(totals).toMatchObject({ dialogues: 2 + rest, unanswered: 1, otherStreams: 0 });
      expect(phases.find(({ phase }) => phase === "banner")).toMatchObject({ unanswered: 1 });
    }
  });

  test("and its lines are among those of NDJSON, before the summary", async () => {
    const lines = parseLines((await replay(quiet, elsewhere, "-o", "ndjson")).stdout);
    const own = exchangesOf(lines).filter(({ file }) => file === quiet);
    expect(own).toMatchObject([
      { verb: "(connect)", code: null, lines: [], taint: "unanswered", tcpStream: 0 },
    ]);
    expect(conversationsOf(lines).filter(({ file }) => file === quiet)).toHaveLength(1);
    expect(summaryOf(lines).totals.exchanges).toBe(exchangesOf(lines).length);
  });

  test("another address with that port is not that server", async () => {
    const other = writePcap(join(folder, "other.pcap"), silent(30_002, 2526, "192.0.2.99"), speaks(2526));
    expect((await report(other)).totals).toMatchObject({ dialogues: 1, unanswered: 0, otherStreams: 1 });
  });

  test("a filter applies to them too", async () => {
    const { totals } = await report(quiet, elsewhere, "-Y", "unanswered");
    expect(totals).toMatchObject({ dialogues: 1, exchanges: 1, unanswered: 1 });
  });

  test("more of them than are remembered are counted", async () => {
    // One after the other: of more at the same time, some would be closed for lack of room and go on.
    const scan = Array.from({ length: 4_200 }, (_, i) =>
      new Dialogue({ clientPort: 10_000 + i, serverPort: 2526, startUs: EPOCH_US + i * 10_000 })
        .handshake()
        .close(),
    );
    const { totals } = await report(writePcap(join(folder, "scan.pcap"), ...scan, speaks(2526)));
    expect(totals.silentLeftOut).toBe(4_200 - 4_096);
    expect(totals.dialogues + totals.otherStreams + totals.silentLeftOut).toBe(totals.connections);
  });

  test("port 25: an unanswered SYN, a refused one, one that is retried", async () => {
    const capture = writePcap(
      join(folder, "syns.pcap"),
      new Dialogue({ clientPort: 1 }).syn(),
      new Dialogue({ clientPort: 2 }).syn().wait(300).refuse(),
      mail({ clientPort: 3 }),
    );
    const { totals, health, phases } = await report(capture);
    expect(totals).toMatchObject({ dialogues: 3, unanswered: 2, messages: 1 });
    expect(health.flags).toMatchObject({ refused: 1, "syn-unanswered": 1 });
    expect(phases.find(({ phase }) => phase === "connect")).toMatchObject({ service: { n: 1 } });
    const text = (await replay(capture)).stdout;
    expect(text).toMatch(/refused/);
    expect(text).not.toMatch(/:\?|NaN|undefined/);
  });

  test("TLS from the first byte on 465; FTP on 21 is none of ours", async () => {
    const hello = Buffer.from("16030100050100000101", "hex");
    const capture = writePcap(
      join(folder, "tls.pcap"),
      new Dialogue({ serverPort: 465 })
        .handshake()
        .client(hello)
        .server(Buffer.from("16030300050200000101", "hex"))
        .client(Buffer.from("17030300020000", "hex"))
        .server(Buffer.from("17030300020000", "hex"))
        .close(),
      new Dialogue({ serverPort: 21, clientPort: 5 })
        .handshake()
        .server("220 FTP\r\n")
        .client("USER a\r\n")
        .server("331 ?\r\n")
        .close(),
    );
    const { totals, phases } = await report(capture);
    expect(totals).toMatchObject({ dialogues: 1, otherStreams: 1 });
    expect(phases.map(({ phase }) => phase)).toContain("tls");
    expect(phases.map(({ phase }) => phase)).not.toContain("banner");
  });
});
