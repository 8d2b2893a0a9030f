/** Standard input: the same as a file, while it happens, until somebody stops it. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { SHIPPED, TOUR } from "./support/captures.ts";
import { conversationsOf, exchangesOf, parseLines, summaryOf } from "./support/lines.ts";
import { mail, pcap, writePcap } from "./support/pcap.ts";
import { COMMAND, outcome, ROOT, replay, run, start, workFolder } from "./support/run.ts";

const folder = workFolder();
const tour = readFileSync(join(ROOT, TOUR));

/** Waits until the text that has come so far holds what is wanted. */
async function until(child: ReturnType<typeof start>, wanted: (text: string) => boolean): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`did not come; so far: ${text.slice(0, 500)}`)), 10_000);
    child.stdout.on("data", (bytes: Buffer) => {
      text += bytes.toString("utf8");
      if (!wanted(text)) return;
      clearTimeout(late);
      resolve(text);
    });
  });
}

describe("the same as the file", () => {
  test.each(SHIPPED)("%s", async (capture) => {
    const input = readFileSync(join(ROOT, capture));
    const [file, stream] = await Promise.all([
      replay(capture, "-o", "ndjson"),
      run(["replay", "-", "-o", "ndjson"], { input }),
    ]);
    expect(stream).toMatchObject({ status: 0, stderr: "" });
    expect(stream.stdout).toBe(file.stdout.replaceAll(`"file":"${capture}"`, '"file":"-"'));
  });

  test("-r - too, and its report as text", async () => {
    const [file, stream] = await Promise.all([replay(TOUR), run(["replay", "-r", "-"], { input: tour })]);
    expect(stream).toMatchObject({ status: 0, stderr: "" });
    // Lines of dialogues as they end come before the report.
    expect(stream.stdout).toContain("Source     - (pcap; ");
    const report = stream.stdout.slice(stream.stdout.indexOf("Source     - "));
    const numbers = (text: string) => text.slice(text.indexOf("\nPhase"), text.indexOf("\nSlowest"));
    expect(numbers(report)).toBe(numbers(file.stdout));
  });

  test("gzip and zstd, from a file and from a pipe", async () => {
    const gz = join(folder, "tour.bin");
    writeFileSync(gz, gzipSync(tour));
    const plain = parseLines((await replay(TOUR, "-o", "ndjson")).stdout);
    const packed: [string, Buffer][] = [[gz, readFileSync(gz)]];
    if (spawnSync("zstd", ["--version"]).status === 0) {
      const zst = join(folder, "tour.zst");
      execFileSync("zstd", ["-q", "-f", join(ROOT, TOUR), "-o", zst]);
      packed.push([zst, readFileSync(zst)]);
    }
    const times = (stdout: string) => exchangesOf(parseLines(stdout)).map(({ serviceUs }) => serviceUs);
    for (const [path, input] of packed) {
      for (const result of [
        await replay(path, "-o", "ndjson"),
        await run(["replay", "-", "-o", "ndjson"], { input }),
      ]) {
        expect(result).toMatchObject({ status: 0, stderr: "" });
        expect(times(result.stdout)).toEqual(exchangesOf(plain).map(({ serviceUs }) => serviceUs));
        expect(summaryOf(parseLines(result.stdout)).source.files[0]?.compression).toMatch(/gzip|zstd/);
      }
    }
  });

  test("cut: status 2 and the offset", async () => {
    const result = await run(["replay", "-", "-o", "ndjson"], { input: tour.subarray(0, 100_001) });
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/^smtpscope: - is cut at byte \d+: .*\n$/);
    expect(summaryOf(parseLines(result.stdout)).totals.exchanges).toBeGreaterThan(20);
  });
});

describe("while it runs", () => {
  test("lines come before the end, and what follows completes them", async () => {
    const child = start(["replay", "-", "-o", "ndjson"]);
    const ended = outcome(child);
    child.stdin.write(tour.subarray(0, tour.length >> 1));
    const early = await until(child, (text) => (text.match(/"kind":"exchange"/g) ?? []).length >= 20);
    expect(early).not.toContain('"kind":"summary"');
    child.stdin.end(tour.subarray(tour.length >> 1));
    const { status, stdout } = await ended;
    expect(status).toBe(0);
    const file = await replay(TOUR, "-o", "ndjson");
    expect(stdout).toBe(file.stdout.replaceAll(`"file":"${TOUR}"`, '"file":"-"'));
  });

  test("in pieces of any size", async () => {
    const small = pcap(mail());
    const child = start(["replay", "-", "-o", "ndjson"]);
    const ended = outcome(child);
    for (let at = 0; at < small.length; at += 7) {
      child.stdin.write(small.subarray(at, at + 7));
      if (at % 70 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    child.stdin.end();
    const { stdout } = await ended;
    const path = writePcap(join(folder, "small.pcap"), mail());
    const file = await replay(path, "-o", "ndjson");
    expect(exchangesOf(parseLines(stdout)).map(({ file: _, ...rest }) => rest)).toEqual(
      exchangesOf(parseLines(file.stdout)).map(({ file: _, ...rest }) => rest),
    );
  });

  test("a line a dialogue as text", async () => {
    const child = start(["replay", "-"]);
    const ended = outcome(child);
    child.stdin.write(tour.subarray(0, tour.length >> 1));
    const early = await until(child, (text) => text.split("\n").length > 3);
    expect(early).toMatch(/198\.51\.100\.\d+:\d+ → 192\.0\.2\.25:25/);
    child.stdin.end(tour.subarray(tour.length >> 1));
    expect(await ended).toMatchObject({ status: 0, stderr: "" });
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s: the summary of what came, status 0", async (signal) => {
    const child = start(["replay", "-", "-o", "ndjson"]);
    const ended = outcome(child);
    child.stdin.write(tour.subarray(0, tour.length >> 1));
    await until(child, (text) => text.includes('"kind":"exchange"'));
    child.kill(signal);
    const { status, stdout, stderr } = await ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const lines = parseLines(stdout);
    const summary = summaryOf(lines);
    expect(summary.totals.exchanges).toBe(exchangesOf(lines).length);
    expect(summary.totals.dialogues).toBe(conversationsOf(lines).length);
  });

  test("SIGINT to the whole pipe: the feeding program ends, then the report comes", async () => {
    const half = join(folder, "half.pcap");
    writeFileSync(half, tour.subarray(0, 100_000));
    const line = `(cat '${half}'; exec sleep 20) | '${COMMAND}' replay - -o json`;
    const shell = spawn("sh", ["-c", line], { cwd: ROOT, detached: true });
    let stdout = "";
    shell.stdout.on("data", (bytes: Buffer) => {
      stdout += bytes.toString("utf8");
    });
    const ended = new Promise((resolve) => shell.on("close", resolve));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    process.kill(-shell.pid!, "SIGINT");
    await ended;
    expect(JSON.parse(stdout)).toMatchObject({ kind: "report", schema: 1 });
  });

  test("nobody listens any more: quiet, status 0", () => {
    for (const format of ["text", "json", "ndjson"]) {
      const line = `{ ${COMMAND} replay ${TOUR} ${TOUR} -o ${format}; echo "status $?" >&2; } | head -n 1`;
      const { stdout, stderr } = spawnSync("sh", ["-c", line], { cwd: ROOT, encoding: "utf8" });
      expect(stdout.split("\n")).toHaveLength(2);
      expect(stderr).toBe("status 0\n");
    }
  });
});

describe("interrupted while reading a long file", () => {
  const long = join(folder, "long.pcap");
  // As many mails as take some seconds, with ports and times of their own.
  function write(): void {
    const one = pcap(mail());
    const records = one.subarray(24);
    const copies = 40_000;
    const whole = Buffer.alloc(24 + records.length * copies);
    one.copy(whole, 0, 0, 24);
    for (let i = 0; i < copies; i++) {
      const base = 24 + i * records.length;
      records.copy(whole, base);
      for (let at = base; at < base + records.length; ) {
        whole.writeUInt32LE(whole.readUInt32LE(at) + i, at);
        const ip = at + 16;
        const fromClient = whole[ip + 12] === 198;
        whole.writeUInt16BE(1_024 + (i % 60_000), ip + 20 + (fromClient ? 0 : 2));
        at += 16 + whole.readUInt32LE(at + 8);
      }
    }
    writeFileSync(long, whole);
  }

  test("the report of what was read, status 130", async () => {
    write();
    const child = start(["replay", long, "-o", "ndjson"]);
    const ended = outcome(child);
    child.stdin.end();
    await until(child, (text) => text.includes('"kind":"conversation"'));
    child.kill("SIGINT");
    const { status, stdout, stderr } = await ended;
    expect({ status, stderr }).toEqual({ status: 130, stderr: "" });
    const report = summaryOf(parseLines(stdout));
    expect(report.source.files[0]?.interrupted).toBe(true);
    expect(report.totals.dialogues).toBeGreaterThan(0);
    expect(report.totals.dialogues).toBeLessThan(40_000);
  });

  test("read by several threads: the same", async () => {
    const child = start(["replay", long, TOUR, "-o", "ndjson"]);
    const ended = outcome(child);
    child.stdin.end();
    await until(child, (text) => text.includes(`"file":"${long}"`));
    child.kill("SIGINT");
    const { status, stdout, stderr } = await ended;
    expect({ status, stderr }).toEqual({ status: 130, stderr: "" });
    const lines = parseLines(stdout);
    expect(summaryOf(lines).totals.exchanges).toBe(exchangesOf(lines).length);
    expect(summaryOf(lines).source.files.find(({ file }) => file === long)?.interrupted).toBe(true);
  });
});
