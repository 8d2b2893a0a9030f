/** Of the captures at hand only those behind the laboratory's firewalls were rewritten: all else is a false alarm. */
import { expect, test } from "vitest";
import type { RewritingFinding } from "../../src/spine/finding.ts";
import type { Report } from "../../src/spine/report.ts";
import { SHARED, SHIPPED } from "../cli/support/captures.ts";
import { replay } from "../cli/support/run.ts";

const HONEST = [...SHIPPED, ...SHARED].filter((capture) => !capture.includes("/firewall-"));
/** The laboratory's faults: real Postfix, Exim, Sendmail and OpenSMTPD, slow in many ways and never rewritten. */
const LABELLED = "test/diagnosis/labelled/";

test("nothing is found in the captures", async () => {
  const { stdout } = await replay(...HONEST, LABELLED, "-o", "json");
  const { findings, totals } = JSON.parse(stdout) as Report;
  expect(totals.dialogues).toBeGreaterThan(1_000);
  const rewriting = findings.filter(({ id }) => id.startsWith("rewriting/"));
  expect(rewriting.map(({ id, claim, evidence }) => `${evidence[0]?.file}: ${id}: ${claim}`)).toEqual([]);
}, 60_000);

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
