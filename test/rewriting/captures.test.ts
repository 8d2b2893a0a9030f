/** Of the captures at hand only those behind the laboratory's firewalls were rewritten: all else is a false alarm. */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import type { RewritingFinding } from "../../src/spine/finding.ts";
import type { Report } from "../../src/spine/report.ts";
import { SHARED, SHIPPED } from "../cli/support/captures.ts";
import { replay } from "../cli/support/run.ts";

const HONEST = [...SHIPPED, ...SHARED].filter((capture) => !capture.includes("/firewall-"));
/** The laboratory's faults: real Postfix, Exim, Sendmail and OpenSMTPD, slow in many ways and never rewritten. */
const LABELLED = readdirSync("test/diagnosis/labelled").filter((name) => name.endsWith(".pcap.gz"));
/** Linux' SYNPROXY stood there before the server: at the client that shows. */
const BEHIND_SYN_PROXY = /syn-proxy.*\.client\./;
const inFolder = (names: readonly string[]) => names.map((name) => `test/diagnosis/labelled/${name}`);

test("nothing is found in the captures", async () => {
  const honest = LABELLED.filter((name) => !BEHIND_SYN_PROXY.test(name));
  const { stdout } = await replay(...HONEST, ...inFolder(honest), "-o", "json");
  const { findings, totals } = JSON.parse(stdout) as Report;
  expect(totals.dialogues).toBeGreaterThan(1_000);
  const rewriting = findings.filter(({ id }) => id.startsWith("rewriting/"));
  expect(rewriting.map(({ id, claim, evidence }) => `${evidence[0]?.file}: ${id}: ${claim}`)).toEqual([]);
}, 60_000);

test("a SYN proxy is found in each capture at the client, and nothing else", async () => {
  const proxied = LABELLED.filter((name) => BEHIND_SYN_PROXY.test(name));
  expect(proxied).toHaveLength(3);
  for (const file of inFolder(proxied)) {
    const { findings, totals } = JSON.parse((await replay(file, "-o", "json")).stdout) as Report;
    const rewriting = findings.filter(({ id }) => id.startsWith("rewriting/"));
    expect(rewriting.map(({ id, dialogues }) => `${file}: ${id} ${dialogues}`)).toEqual([
      `${file}: rewriting/other-stack ${totals.dialogues}`,
    ]);
  }
}, 30_000);

/** What one point of view can see of what the laboratory's firewall says it does; the rest takes two. */
test("behind the firewall of the laboratory that masks as an ASA does, with what it was", async () => {
  const outside = "captures/firewall-asa.outside.pcap";
  const { findings } = JSON.parse((await replay(outside, "-o", "json")).stdout) as Report;
  const rewriting = findings.filter((finding): finding is RewritingFinding =>
    finding.id.startsWith("rewriting/"),
  );
  expect(rewriting.map(({ id, basis }) => `${id} ${basis}`)).toEqual([
    "rewriting/starttls-masked likely",
    "rewriting/banner-masked likely",
    "rewriting/ehlo-keyword-masked likely",
  ]);
  expect(rewriting[1]!.originals![0]!.candidates[0]!.text).toBe("220 mail.example.net ESMTP Postfix");
  expect(rewriting[2]!.originals!.map(({ candidates }) => candidates[0]!.text)).toEqual([
    "VRFY",
    "STARTTLS",
    "SMTPUTF8",
    "CHUNKING",
  ]);
}, 30_000);
