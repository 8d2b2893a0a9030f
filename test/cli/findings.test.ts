/** Findings in every output, through threads and filters; and their pages. */

import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { explain } from "../../src/cli/explain.ts";
import { NDJSON_SCHEMA } from "../../src/reports/schema.ts";
import { SIGNATURES } from "../../src/rewriting/signatures/index.ts";
import type { Finding } from "../../src/spine/finding.ts";
import { EPOCH_US } from "../support/raw-ip.ts";
import { exchangesOf, parseLines, summaryOf } from "./support/lines.ts";
import { Dialogue, mail, writePcap } from "./support/pcap.ts";
import { replay, run, workFolder } from "./support/run.ts";

const folder = workFolder();
const MASKED = `220 ${"*".repeat(20)}2${"*".repeat(9)}0*${"*".repeat(30)}`;
const masked = (clientPort: number, banner = MASKED) =>
  mail({ clientPort, startUs: EPOCH_US + clientPort * 1_000 }, banner);
const ONE = writePcap(
  join(folder, "one.pcap"),
  masked(1),
  mail({ clientPort: 2, startUs: EPOCH_US + 9_000_000 }),
);
const OTHER = writePcap(
  join(folder, "other.pcap"),
  masked(3),
  masked(4, "220 ****** 2 <e@x.org> ***"),
  masked(5),
);

describe("findings", () => {
  test("as text: near the top, in 80 columns, with evidence to open in Wireshark", async () => {
    const { stdout, status } = await replay(ONE);
    expect(status).toBe(0);
    const places = [/^Waiting/m, /^Findings/m, /^Phase/m].map((head) => stdout.search(head));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(stdout).toContain("rewriting/banner-masked  warning, likely (97 %), 1 dialogue");
    expect(stdout).toContain(`${ONE}:4  tcp.stream 0`);
    expect(stdout).toMatch(/no\s+mask-banner/);
    expect(stdout).toContain("smtpscope explain rewriting/banner-masked");
    const section = stdout.slice(stdout.search(/^Findings/m), stdout.search(/^Phase/m));
    for (const line of section.split("\n"))
      if (!/\/|\*/.test(line)) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("as NDJSON: before the summary, the same as in it, as the schema says", async () => {
    const lines = parseLines((await replay(ONE, "-o", "ndjson")).stdout);
    const findings = lines.filter((line) => line.kind === "finding");
    expect(findings).toHaveLength(1);
    expect(lines.indexOf(findings[0]!)).toBe(lines.length - 2);
    expect(summaryOf(lines).findings).toEqual(findings);
    expect(findings[0]).toMatchObject({
      id: "rewriting/banner-masked",
      severity: "warning",
      basis: "likely",
      dialogues: 1,
      evidence: [{ file: ONE, frame: 4, tcpStream: 0, text: MASKED }],
    });
  });

  test("of several files, read by several threads, are added up and do not depend on the order", async () => {
    const found = async (...files: string[]) =>
      (JSON.parse((await replay(...files, "-o", "json")).stdout) as { findings: Finding[] }).findings;
    const [both, turned] = await Promise.all([found(ONE, OTHER), found(OTHER, ONE)]);
    expect(both).toHaveLength(1);
    expect(both[0]).toMatchObject({ dialogues: 3 });
    expect(both[0]!.evidence.map(({ file }) => file)).toEqual([ONE, OTHER, OTHER]);
    expect(turned).toEqual(both);
  });

  test("are those of the dialogues that a filter lets through", async () => {
    const found = async (filter: string) =>
      (JSON.parse((await replay(ONE, OTHER, "-o", "json", "-Y", filter)).stdout) as { findings: Finding[] })
        .findings[0]?.dialogues;
    expect(await found("client.port==3 && phase==rcpt")).toBe(1);
    expect(await found("client.port==2")).toBeUndefined();
  });

  test("can be asked for", async () => {
    const { stdout } = await replay(ONE, "-o", "ndjson", "-Y", "rewritten && finding==banner-masked");
    const exchanges = exchangesOf(parseLines(stdout));
    expect(new Set(exchanges.map(({ client }) => client))).toEqual(new Set(["198.51.100.7:1"]));
    expect(exchanges).toHaveLength(7);
    expect(
      exchangesOf(parseLines((await replay(ONE, "-o", "ndjson", "-Y", "!rewritten")).stdout)),
    ).toHaveLength(7);
  });
});

test("the schema takes causes as well, and nothing with a field too few or too many", () => {
  const cause = {
    kind: "finding",
    id: "cause/resolver",
    severity: "warning",
    confidence: 0.8,
    dialogues: 3,
    claim: "c",
    evidence: [{ file: "f", frame: null, tcpStream: 1, atUs: 1, text: "t" }],
    remedy: "r",
    source: "s",
    rank: 1,
    ties: ["cause/ident"],
    deliberate: false,
    phases: ["banner"],
    waitedUs: 5,
    explainedUs: 4,
    against: [],
    decide: null,
  };
  const check = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(
    NDJSON_SCHEMA,
  );
  expect(check(cause)).toBe(true);
  expect(check({ ...cause, basis: "likely" })).toBe(false);
  expect(check({ ...cause, id: "rewriting/banner-masked" })).toBe(false);
  const { rank: _, ...less } = cause;
  expect(check(less)).toBe(false);
});

test("--redact masks addresses in what is shown of a finding", async () => {
  const dialogue = mail({ clientPort: 7 });
  const refused = new Dialogue({ clientPort: 8, startUs: dialogue.nowUs + 1_000_000 })
    .handshake()
    .server("220 mx.example.net ESMTP\r\n")
    .client("RCPT TO:<alice@example.org>\r\n")
    .server("500 5.5.1 unknown: XXXXXXXX <alice@example.org>\r\n")
    .close();
  const file = writePcap(join(folder, "address.pcap"), refused);
  const plain = await replay(file, "-o", "json");
  expect((JSON.parse(plain.stdout) as { findings: Finding[] }).findings[0]?.id).toBe(
    "rewriting/command-masked",
  );
  expect(plain.stdout).toContain("alice");
  for (const format of ["text", "json", "ndjson"]) {
    const { stdout } = await replay(file, "-o", format, "--redact");
    expect(stdout).toContain("command-masked");
    expect(stdout).not.toContain("alice");
  }
});

describe("explain", () => {
  test("has a page for every finding of rewriting", () => {
    for (const { id } of SIGNATURES) expect(explain(id)).toContain(`${id}\n`);
  });

  test("lists the pages", async () => {
    const { stdout, status } = await run(["explain"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^rewriting\/banner-masked +\S/m);
  });

  test.each(["rewriting/banner-masked", "banner-masked", "BANNER-MASKED"])(
    "prints the page of %s",
    async (id) => {
      const { stdout, status } = await run(["explain", id]);
      expect(status).toBe(0);
      expect(stdout).toContain("no mask-banner");
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    },
  );

  test("an unknown one is a mistake that names the nearest", async () => {
    const { stderr, stdout, status } = await run(["explain", "banner-maskd"]);
    expect({ stdout, status }).toEqual({ stdout: "", status: 2 });
    expect(stderr).toContain("did you mean banner-masked?");
  });
});
