import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mail, type Path, PLAIN, type Session, travel } from "../diff/path.ts";
import { captureOf, EPOCH_US, type Packet } from "../support/raw-ip.ts";
import { run, workFolder } from "./support/run.ts";

const folder = workFolder();

function write(name: string, packets: readonly Packet[]): string {
  const path = join(folder, name);
  writeFileSync(path, captureOf(packets));
  return path;
}

function pair(name: string, path: Partial<Path>): [string, string] {
  const sessions: Session[] = Array.from({ length: 3 }, (_, i) => ({
    startUs: EPOCH_US + i * 1_000_000,
    client: "198.51.100.7",
    clientPort: 20_000 + i,
    said: mail({ queueId: `4F\u001b[2J${i}` }),
  }));
  const { inside, outside } = travel(sessions, { ...PLAIN, ...path });
  return [write(`${name}-inside.pcap`, inside), write(`${name}-outside.pcap`, outside)];
}

const PIX: Partial<Path> = {
  offsetUs: 2_500_031,
  nat: "203.0.113.9",
  rewrite: (text) => text.replace("mx.example.net ESMTP Postfix", "*".repeat(28)),
  holdUs: (text) => (text.startsWith("220") ? 1_500_000 : 0),
};

test("a capture and itself: nothing to report", async () => {
  const file = "captures/slow-ptr.pcap";
  const { stdout, status } = await run(["diff", file, file, "--exit-code"]);
  expect(status).toBe(0);
  expect(stdout).toContain("Nothing was changed on the way.");
});

describe("a firewall that masks and holds", () => {
  const [inside, outside] = pair("pix", PIX);

  test("for a reader", async () => {
    const { stdout, status } = await run(["diff", inside, outside, "--exit-code"]);
    expect(status).toBe(1);
    expect(stdout).toContain("outside is 2.500031 s ahead of inside");
    expect(stdout).toContain("220 mx.example.net ESMTP Postfix\\r\\n");
    expect(stdout).toContain(`220 ${"*".repeat(28)}\\r\\n`);
    expect(stdout).toMatch(/^banner +3 +1\.50 s +1\.50 s +1\.50 s/m);
    expect(stdout).toContain("rewriting/banner-masked");
    expect(stdout).toContain("rewriting/reply-held");
  });

  test("for a program", async () => {
    const json = JSON.parse((await run(["diff", inside, outside, "-o", "json"])).stdout);
    const lines = (await run(["diff", inside, outside, "-o", "ndjson"])).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ kind }) => kind === "change")).toEqual(
      json.changes.map((change: object) => ({ kind: "change", ...change })),
    );
    expect(lines.filter(({ kind }) => kind === "finding")).toEqual(json.findings);
    expect(lines.at(-1)).toMatchObject({ kind: "diff-summary", matched: json.matched, clock: json.clock });
  });

  test("to standard output by name", async () => {
    const [plain, named] = await Promise.all([
      run(["diff", inside, outside, "-o", "json"]),
      run(["diff", inside, outside, "-o", "json", "-O", "-"]),
    ]);
    expect(named).toEqual(plain);
  });

  test("to a file; and without --exit-code a difference is no error", async () => {
    const file = join(folder, "out.txt");
    const { status, stdout } = await run(["diff", inside, outside, "-O", file]);
    expect([status, stdout]).toEqual([0, ""]);
    expect(readFileSync(file, "utf8")).toContain("rewriting/banner-masked");
  });
});

test("nothing from the wire acts on the terminal, and addresses are masked when asked", async () => {
  const [inside, outside] = pair("hostile", {
    rewrite: (text) => text.replace("queued as", "QUEUED \u001b]0;x\u0007").replace("bob@", "rob@"),
  });
  const { stdout } = await run(["diff", inside, outside, "--redact"]);
  expect(stdout).toContain("\\x1b]0;x\\x07");
  expect(stdout.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f]/);
  expect(stdout).not.toMatch(/[br]ob@/);
});

describe("mistakes", () => {
  test.each<[string, string[], number, RegExp]>([
    ["one capture only", ["captures/healthy.pcap"], 2, /Not enough|needs/],
    ["no such file", ["captures/healthy.pcap", "/nowhere"], 3, /nowhere/],
    ["nothing in common", ["captures/healthy.pcap", "captures/slow-ptr.pcap"], 3, /no dialogue in common/],
    ["no mail", ["captures/healthy.pcap", join(folder, "empty.pcap")], 3, /no SMTP in/],
  ])("%s", async (_name, args, status, complaint) => {
    write("empty.pcap", []);
    const outcome = await run(["diff", ...args]);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toMatch(complaint);
    expect(outcome.stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("--before-after", () => {
  const [before, after] = ["captures/healthy.pcap", "captures/slow-ptr.pcap"];
  const saved = (name: string, ...args: string[]) => {
    const file = join(folder, name);
    return run(["replay", ...args, "-O", file]).then(() => file);
  };

  test("for a reader, from captures", async () => {
    const { stdout, status } = await run(["diff", "--before-after", before, after, "--exit-code"]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^banner .*SLOWER \* \(p < 0\.0001\)$/m);
    expect(stdout).toMatch(/^starttls .*only after$/m);
    expect(stdout).toMatch(/^STARTTLS +0\.0 % +100\.0 %$/m);
  });

  test("a capture and itself", async () => {
    const { stdout, status } = await run([
      "diff",
      "--before-after",
      after,
      after,
      "--exit-code",
      "-o",
      "json",
    ]);
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.phases.every(({ verdict }: { verdict: string }) => /^same|few/.test(verdict))).toBe(true);
    expect([report.banners, report.keywords]).toEqual([[], []]);
  });

  test("from saved reports, as far as their bars tell", async () => {
    const a = await saved("before.json", before, "-o", "json");
    const b = await saved("after.ndjson", after, "-o", "ndjson");
    const { stdout, status } = await run(["diff", "--before-after", a, b, "-o", "json", "--exit-code"]);
    expect(status).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ banners: null, keywords: null });
    const banner = report.phases.find(({ phase }: { phase: string }) => phase === "banner");
    expect(banner).toMatchObject({
      verdict: "slower",
      basis: "histogram",
      before: { n: 8 },
      after: { n: 32 },
    });
    const text = (await run(["diff", "--before-after", a, after])).stdout;
    expect(text).toContain("their bars show only differences of about a factor of three");
  });

  test("one JSON object a line", async () => {
    const lines = (await run(["diff", "--before-after", before, after, "-o", "ndjson"])).stdout
      .trim()
      .split("\n");
    const kinds = lines.map((line) => JSON.parse(line).kind);
    expect(new Set(kinds)).toEqual(new Set(["phase-change", "keyword-change", "before-after-summary"]));
  });

  test("what is no report", async () => {
    const file = join(folder, "no-report.json");
    for (const text of [
      '{"kind":"report"}',
      "{",
      '{"kind":"report","schema":1,"totals":{"dialogues":1},"phases":[{"phase":"\\u001b","service":{}}]}',
    ]) {
      writeFileSync(file, text);
      const { stderr, status } = await run(["diff", "--before-after", file, before]);
      expect(status).toBe(3);
      expect(stderr).toMatch(
        /^smtpscope: .* is neither a capture nor a report of smtpscope replay -o json\n$/,
      );
    }
  });
});
