/** How a run ends: its status, one line on stderr that says what to do, and never a stack trace. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SHIPPED, shared, TOUR } from "./support/captures.ts";
import { parseLines, type SummaryLine, summaryOf } from "./support/lines.ts";
import { Dialogue, mail, writePcap } from "./support/pcap.ts";
import { type Outcome, ROOT, replay, run, workFolder } from "./support/run.ts";

const folder = workFolder();
const good = writePcap(join(folder, "good.pcap"), mail());
const path = (name: string, content: string | Uint8Array) => {
  const whole = join(folder, name);
  writeFileSync(whole, content);
  return whole;
};

function complaints({ stderr }: Outcome): string[] {
  return stderr.split("\n").slice(0, -1);
}

/** One line that begins with the program's name. */
function expectOneLine(outcome: Outcome, status: number): string {
  expect(outcome.stderr).not.toMatch(/^\s+at |node:internal|file:\/\//m);
  expect(outcome.stderr).toMatch(/^smtpscope: .+\n$/);
  expect(complaints(outcome)).toHaveLength(1);
  expect(outcome.status).toBe(status);
  return complaints(outcome)[0]!;
}

describe.concurrent("0: done", () => {
  test.each(SHIPPED)("%s", async (capture) => {
    const outcome = await replay(capture);
    expect(outcome.stderr).toBe("");
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toContain(`Source     ${capture} (pcap; `);
  });

  test("a filter that matches nothing is no error, and leaves no table", async () => {
    const outcome = await replay(TOUR, "-Y", "code==599");
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toMatch(/^Dialogues +0 SMTP/m);
    expect(outcome.stdout).not.toMatch(/NaN|undefined|null|Infinity/);
  });
});

describe.concurrent("2: damaged input, everything before the damage reported", () => {
  const whole = readFileSync(join(ROOT, TOUR));
  const cutAt = 200_000;
  const cut = path("cut.pcap", whole.subarray(0, cutAt));

  test("a cut file", async () => {
    const outcome = await replay(cut);
    const line = expectOneLine(outcome, 2);
    const offset = Number(/ is cut at byte (\d+): /.exec(line)?.[1]);
    expect(line).toContain(cut);
    // The record that is not whole begins there.
    expect(offset).toBeLessThan(cutAt);
    expect(offset).toBeGreaterThan(cutAt - 70_000);
    expect(outcome.stdout).toMatch(/^Dialogues +\d+ SMTP/m);
    expect(outcome.stdout).toContain(`is cut at byte`);
  });

  test.each(["json", "ndjson"])("a cut file as %s: stdout stays whole and says so too", async (format) => {
    const outcome = await replay(cut, "-o", format);
    expectOneLine(outcome, 2);
    const report =
      format === "json" ? (JSON.parse(outcome.stdout) as SummaryLine) : summaryOf(parseLines(outcome.stdout));
    expect(report.source.files[0]?.damage).toMatchObject({ kind: "cut" });
    expect(report.totals.exchanges).toBeGreaterThan(50);
  });

  test("everything before the cut counts as in the whole file", async () => {
    const [part, complete] = await Promise.all([
      replay(cut, "-o", "ndjson", "-Y", "!unanswered"),
      replay(TOUR, "-o", "ndjson", "-Y", "!unanswered"),
    ]);
    const keys = (outcome: Outcome) =>
      parseLines(outcome.stdout)
        .filter((line) => line.kind === "exchange")
        .map(({ file: _, ...line }) => JSON.stringify(line));
    const all = new Set(keys(complete));
    expect(keys(part).filter((line) => !all.has(line))).toEqual([]);
    expect(keys(part).length).toBeGreaterThan(100);
  });

  test("a damaged file", async () => {
    const damaged = Buffer.from(whole);
    // The length of a record in the middle becomes impossible.
    let at = 24;
    while (at < 150_000) at += 16 + damaged.readUInt32LE(at + 8);
    damaged.fill(0xff, at, at + 16);
    const outcome = await replay(path("damaged.pcap", damaged));
    const line = expectOneLine(outcome, 2);
    expect(line).toContain(`is damaged at byte ${at}`);
    expect(outcome.stdout).toMatch(/^Dialogues +\d+ SMTP/m);
  });

  test("a cut gzip", async () => {
    const { gzipSync } = await import("node:zlib");
    const zipped = gzipSync(whole);
    const outcome = await replay(path("cut.pcap.gz", zipped.subarray(0, zipped.length >> 1)));
    expectOneLine(outcome, 2);
    expect(outcome.stdout).toMatch(/^Dialogues +\d+ SMTP/m);
  });

  test("the shared capture that is cut inside a record", async () => {
    const capture = shared("made-multi-cut-mid-record.pcap");
    if (capture === null) return;
    expect(expectOneLine(await replay(capture), 2)).toContain("is cut at byte 4435");
  });
});

describe.concurrent("3: nothing usable, one clear line, nothing on stdout", () => {
  mkdirSync(join(folder, "no-captures"));
  const binary = Buffer.from(Array.from({ length: 4_000 }, (_, i) => (i * 7919) & 0xff));
  const web = writePcap(
    join(folder, "web.pcap"),
    new Dialogue({ serverPort: 80 })
      .handshake()
      .client("GET / HTTP/1.0\r\n\r\n")
      .server("HTTP/1.0 200 OK\r\n\r\nhello")
      .close(),
  );
  const ftp = writePcap(
    join(folder, "ftp.pcap"),
    new Dialogue({ serverPort: 21 })
      .handshake()
      .server("220 ftp.example.net FTP server ready\r\n")
      .client("USER anonymous\r\n")
      .server("331 Password please\r\n")
      .client("PASS guest@\r\n")
      .server("230 Logged in\r\n")
      .client("QUIT\r\n")
      .server("221 Bye\r\n")
      .close(),
  );
  const cases: [string, string, RegExp][] = [
    ["text", path("notes.txt", "Dear diary,\nnothing happened.\n"), /notes\.txt/],
    ["binary that is no capture", path("noise.bin", binary), /noise\.bin/],
    ["an empty file", path("empty.pcap", ""), /empty/],
    ["a capture without packets", path("none.pcap", readFileSync(good).subarray(0, 24)), /none\.pcap/],
    ["a missing file", join(folder, "missing.pcap"), /no such file/],
    ["a name longer than any file's", join(folder, "x".repeat(300)), /cannot be read/],
    ["a folder that is none", join(good, "inner.pcap"), /cannot be read/],
    ["a folder without captures", join(folder, "no-captures"), /folder without captures/],
    ["no SMTP", web, /no SMTP in .*\(8 packets, 1 TCP connection\).*-p/],
    ["FTP, which greets with 220 too", ftp, /no SMTP in/],
  ];
  test.each(cases)("%s", async (_name, capture, says) => {
    const outcome = await replay(capture);
    expect(expectOneLine(outcome, 3)).toMatch(says);
    expect(outcome.stdout).toBe("");
  });

  test("as NDJSON: a summary, if anything", async () => {
    for (const capture of [web, join(folder, "missing.pcap")]) {
      const outcome = await replay(capture, "-o", "ndjson");
      expectOneLine(outcome, 3);
      for (const line of parseLines(outcome.stdout)) expect(line.kind).toBe("summary");
    }
  });

  test("a file that may not be read", async () => {
    const secret = path("secret.pcap", readFileSync(good));
    chmodSync(secret, 0);
    // Root may read everything, unless these two rights are taken away.
    const rights = "-dac_override,-dac_read_search";
    const under =
      process.getuid?.() === 0 ? ["setpriv", `--bounding-set=${rights}`, `--inh-caps=${rights}`] : [];
    const outcome = await run(["replay", secret], { under });
    expect(expectOneLine(outcome, 3)).toMatch(/cannot be read: .*permi/i);
  });

  test("stdin that is empty, or no capture", async () => {
    expect(expectOneLine(await run(["replay", "-"]), 3)).toMatch(/- is empty|standard input.* empty/);
    expect(expectOneLine(await run(["replay", "-"], { input: "hello, is this SMTP?\n" }), 3)).toMatch(
      /is text|no capture/,
    );
  });
});

describe.concurrent("several files, some of them bad", () => {
  const bad = path("bad.txt", "no capture at all\n");

  test("what can be read is reported, each other one has its line, status 2", async () => {
    const outcome = await replay(bad, good, join(folder, "absent.pcap"));
    expect(outcome.status).toBe(2);
    expect(outcome.stdout).toMatch(/^Dialogues +1 SMTP \(1 message\)/m);
    expect(complaints(outcome)).toHaveLength(2);
    expect(outcome.stderr).toContain("bad.txt");
    expect(outcome.stderr).toContain("absent.pcap");
  });

  test("none can be read: status 3", async () => {
    const outcome = await replay(bad, join(folder, "absent.pcap"));
    expect(outcome.status).toBe(3);
    expect(complaints(outcome)).toHaveLength(2);
    expect(outcome.stdout).toBe("");
  });
});

describe.concurrent("2: wrong use", () => {
  const wrong: [string[], RegExp][] = [
    [[], /smtpscope replay FILE/],
    [["replay"], /smtpscope replay FILE/],
    [["replya", good], /did you mean replay\?/],
    [["replay", good, "--percentile", "5"], /"?-*percentile"?.*did you mean --percentiles\?/],
    [["replay", good, "--formt=json"], /did you mean --format\?/],
    [["replay", good, "--redcat"], /did you mean --redact\?/],
    [["replay", good, "-x"], /unknown option "-?x"/],
    [["replay", good, "-o"], /-?-?(o|format)\b/],
    [["replay", good, "--by"], /\bby\b/],
    [["replay", good, "--top"], /\btop\b/],
    [["replay", good, "-Y"], /\b(Y|filter)\b/],
    [["replay", good, "-o", "xml"], /"xml".*text.*json.*ndjson/],
    [["replay", good, "--by", "clients"], /"clients".*server.*client.*code.*minute/],
    [["replay", good, "--color", "pink"], /"pink".*auto.*always.*never/],
    [["replay", good, "-p", "smtp"], /-p.*1 to 65535.*"smtp"/],
    [["replay", good, "-p", "0"], /-p.*"0"/],
    [["replay", good, "-p", "25,70000"], /-p.*"70000"/],
    [["replay", good, "--percentiles", "101"], /--percentiles.*"101"/],
    [["replay", good, "--percentiles", "p50"], /--percentiles.*"p50"/],
    [["replay", good, "--percentiles", "0"], /--percentiles.*"0"/],
    [["replay", good, "--top", "-1"], /top/],
    [["replay", good, "--top", "1.5"], /--top/],
    [["replay", good, "--top", "many"], /--top/],
    [["replay", good, "--since", "yesterday"], /--since.*"yesterday" is no time/],
    [["replay", good, "--until", "2026-13-01"], /--until.*"2026-13-01" is no time/],
    [["replay", good, "--since", "2026-02-31"], /--since.*"2026-02-31" is no time/],
    [["replay", good, "-O", join(folder, "nowhere/out.txt")], /cannot write .*nowhere/],
    [["replay", good, "-O", folder], /cannot write/],
    [["replay", "-", "-"], /only once/],
    [["schema", "extra"], /extra/],
    [["diff", good, "-"], /name two captures, not -/],
    [["replay", "-", "--duration", "30d"], /--duration: "30d" is too long; 24d is the most/],
    [["reference", "localhost:25", "--timeout", "600h"], /--timeout: "600h" is too long/],
  ];
  test.each(wrong)("%j", async (args, says) => {
    const outcome = await run(args);
    expect(expectOneLine(outcome, 2)).toMatch(says);
    expect(outcome.stdout).toBe("");
  });

  test("a folder for sockets that is not the operator's alone is the operator's matter, not a defect", async () => {
    const runtime = join(folder, "runtime");
    mkdirSync(join(runtime, "smtpscope"), { recursive: true });
    chmodSync(join(runtime, "smtpscope"), 0o755);
    const outcome = await run(["attach"], { env: { XDG_RUNTIME_DIR: runtime } });
    expect(expectOneLine(outcome, 2)).toMatch(/is not this user's alone: name the socket \(attach PATH/);
    const nowhere = await run(["attach"], { env: { XDG_RUNTIME_DIR: good } });
    expect(expectOneLine(nowhere, 2)).toMatch(/cannot be made \(ENOTDIR\)/);
  });

  test("a filter that cannot be read: what is wrong, and a caret below the place", async () => {
    const outcome = await replay(good, "-Y", "phase==rcpt && code=>400");
    expect(outcome.status).toBe(2);
    expect(outcome.stdout).toBe("");
    const [what, text, caret, ...more] = complaints(outcome);
    expect(what).toMatch(/^smtpscope: -Y: /);
    expect(text).toBe("phase==rcpt && code=>400");
    expect(caret).toBe(`${" ".repeat(text!.indexOf("=>"))}^`);
    expect(more).toEqual([]);
  });

  test("the place is right when the filter is long", async () => {
    const long = `${"code==250 || ".repeat(20)}phse==rcpt`;
    const [what, text, caret] = complaints(await replay(good, "-Y", long));
    expect(what).toContain("did you mean phase?");
    expect(text!.length).toBeLessThanOrEqual(80);
    expect(text!.slice(caret!.length - 1)).toMatch(/^phse/);
  });

  test("the result never overwrites what is being read", async () => {
    const copy = path("precious.pcap", readFileSync(good));
    const outcome = await replay(copy, "-O", copy);
    expect(readFileSync(copy).equals(readFileSync(good))).toBe(true);
    expect(outcome.status).toBe(2);
  });

  test.skipIf(process.platform !== "linux")("a full disk is told in one line", async () => {
    const { execFileSync } = await import("node:child_process");
    const run = (line: string) => execFileSync("sh", ["-c", line], { cwd: ROOT, encoding: "utf8" });
    const stderr = run(`bin/smtpscope replay ${TOUR} 2>&1 >/dev/full || echo "status $?"`);
    expect(stderr).toMatch(/^smtpscope: cannot write .*no space left.*\nstatus 2\n$/i);
    expect(run(`bin/smtpscope replay ${TOUR} -O /dev/full 2>&1 || echo "status $?"`)).toMatch(
      /^smtpscope: cannot write \/dev\/full.*\nstatus 2\n$/,
    );
  });
});

describe.concurrent("help and version", () => {
  test("--version", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    for (const flag of ["--version", "-V"]) {
      expect(await run([flag])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: "" });
    }
  });

  test("--help lists the commands and the exit statuses", async () => {
    const outcome = await run(["--help"]);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toContain("smtpscope replay");
    expect(outcome.stdout).toMatch(/Exit status: 0 .*2 .*3 .*130 /s);
  });

  test("replay --help lists every option, gives examples and the exit statuses", async () => {
    const outcome = await run(["replay", "--help"]);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    for (const option of ["read", "port", "format", "output", "filter", "since", "until", "by"])
      expect(outcome.stdout).toContain(`--${option} `);
    for (const option of ["percentiles", "top", "redact", "color", "quiet"])
      expect(outcome.stdout).toContain(`--${option} `);
    expect(outcome.stdout).toContain("tcpdump -U -s0 -w - port 25 | smtpscope replay -");
    expect(outcome.stdout).toMatch(/Exit status: 0 .*2 .*3 .*130 /s);
  });
});
