/** A server asked, and captures compared with what it said. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { RewritingFinding } from "../../src/spine/finding.ts";
import type { Reference } from "../../src/spine/reference.ts";
import { certificateIn, mailServer } from "./support/mail-server.ts";
import { Dialogue, mail, writePcap } from "./support/pcap.ts";
import { replay, run, workFolder } from "./support/run.ts";

const folder = workFolder();
const certificate = certificateIn(folder);

const HONEST = "220 mx.example.net ESMTP Exim 4.96 Wed, 2 Dec 2026 09:10:11 +0100";
const behind = (banner: string, keywords: readonly string[]) =>
  new Dialogue()
    .handshake()
    .server(`${banner}\r\n`)
    .client("EHLO a\r\n")
    .server(
      [
        "250-mx.example.net Hello a",
        ...keywords.map((text, i) => `250${i === keywords.length - 1 ? " " : "-"}${text}`),
      ]
        .map((line) => `${line}\r\n`)
        .join(""),
    )
    .client("QUIT\r\n")
    .server("221 mx.example.net closing connection 9\r\n")
    .close();
const FULL = ["SIZE 52428800", "PIPELINING", "STARTTLS", "HELP"];
const CLEAN = writePcap(join(folder, "clean.pcap"), behind(HONEST, FULL));
const CHANGED = writePcap(
  join(folder, "changed.pcap"),
  behind(
    `220 ${HONEST.slice(4).replace(/[^20]/g, "*")}`,
    FULL.filter((name) => name !== "STARTTLS"),
  ),
);

async function found(...args: string[]): Promise<RewritingFinding[]> {
  const { stdout, stderr, status } = await replay(...args, "-o", "json");
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return (JSON.parse(stdout) as { findings: RewritingFinding[] }).findings;
}

const ids = (findings: readonly RewritingFinding[]) => findings.map(({ id, basis }) => `${id} ${basis}`);

describe("reference", () => {
  test("is asked several times, learns what varies, has the certificate, and proves what arrived", async () => {
    const server = await mailServer(certificate);
    const file = join(folder, "mx.json");
    const { stdout, stderr, status } = await run([
      "reference",
      `localhost:${server.port}`.replace("localhost", "127.0.0.1"),
      "-O",
      file,
    ]);
    expect({ stdout, stderr, status }).toEqual({ stdout: "", stderr: "", status: 0 });
    const reference = JSON.parse(readFileSync(file, "utf8")) as Reference;
    expect(reference).toMatchObject({ kind: "smtpscope-reference", schema: 1, asked: 3 });
    expect(reference.replies["(connect)"]).toEqual([
      ["220 mx.example.net ESMTP Exim 4.96 ", { varies: "Tue, 24 Nov 2026 20:20:11 +0000" }, "\r\n"],
    ]);
    expect(reference.certificate?.fingerprint ?? null).toBe(certificate?.fingerprint ?? null);
    // Nothing that is mail, and nobody's address.
    expect(new Set(server.heard.map((line) => line.split(" ")[0]))).toEqual(
      new Set(["EHLO", "NOOP", "RSET", "HELP", ...(certificate === null ? ["QUIT"] : ["STARTTLS"])]),
    );
    const offered = certificate === null ? FULL.filter((name) => name !== "STARTTLS") : FULL;
    expect(
      ids(await found(writePcap(join(folder, "same.pcap"), behind(HONEST, offered)), "--reference", file)),
    ).toEqual([]);
    if (certificate === null) return;
    expect(ids(await found(CHANGED, "--reference", file))).toEqual([
      "rewriting/starttls-removed seen",
      "rewriting/banner-masked seen",
    ]);
    const { stdout: text } = await replay(CHANGED, "--reference", file);
    expect(text).toMatch(/said {6}220 mx\.example\.net ESMTP Exim 4\.96/);
    expect(text).toMatch(/arrived {3}220 \*+/);
    expect(text).toMatch(/^ +\^{5,}/m);
  }, 30_000);

  test("may be the server itself, asked when reading begins", async () => {
    const server = await mailServer(null);
    server.keywords = FULL;
    expect(ids(await found(CLEAN, "--reference", `127.0.0.1:${server.port}`))).toEqual([]);
    server.banner = () => "220 other.example.net ESMTP Postfix";
    expect(ids(await found(CLEAN, "--reference", `127.0.0.1:${server.port}`))).toContain(
      "rewriting/banner-changed seen",
    );
  }, 30_000);

  test("threads compare too", async () => {
    const file = join(folder, "expected.json");
    const replies = { "(connect)": [["220 mx.example.net ESMTP\r\n"]] };
    writeFileSync(
      file,
      JSON.stringify({
        kind: "smtpscope-reference",
        schema: 1,
        server: "x",
        takenAt: null,
        asked: 1,
        replies,
        certificate: null,
      }),
    );
    const other = writePcap(join(folder, "other.pcap"), mail({}, "220 mx.example.net ESMTPX"));
    const finding = (await found(CHANGED, other, "--reference", file)).find(({ basis }) => basis === "seen");
    expect(finding).toMatchObject({ id: "rewriting/banner-changed", dialogues: 2 });
    expect(finding!.differences).toHaveLength(2);
  });
});

describe("--expect-banner", () => {
  test("as text and as an expression", async () => {
    expect(ids(await found(CLEAN, "--expect-banner", HONEST))).toEqual([]);
    expect(ids(await found(CLEAN, "--expect-banner", "/^mx\\.example\\.net ESMTP Exim/"))).toEqual([]);
    expect(ids(await found(CLEAN, "--expect-banner", "mx.example.net ESMTP Postfix"))).toEqual([
      "rewriting/banner-changed seen",
    ]);
    expect(ids(await found(CHANGED, "--expect-banner", HONEST))).toEqual(["rewriting/banner-masked seen"]);
  });
});

describe("mistakes", () => {
  test.each<readonly [readonly string[], number, RegExp]>([
    [["reference"], 2, /Not enough|server/],
    [["reference", "127.0.0.1:1"], 3, /cannot ask 127\.0\.0\.1:1: the connection was refused/],
    [["reference", "nohost:"], 2, /takes HOST:PORT/],
    [["reference", "localhost:25", "--times", "0"], 2, /--times takes a whole number/],
    [["replay", CLEAN, "--reference", "missing.json"], 2, /there is no such file/],
    [["replay", CLEAN, "--reference", CLEAN], 2, /it is no JSON/],
    [["replay", CLEAN, "--expect-banner", "/(/"], 2, /no regular expression/],
  ])("%j", async (args, want, message) => {
    const { stderr, status } = await run(args);
    expect(stderr).toMatch(message);
    expect(status).toBe(want);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
