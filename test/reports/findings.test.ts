/** A cause of delay in the text report; findings of rewriting are tried with captures in test/cli. */
import { expect, test } from "vitest";
import { findingList } from "../../src/reports/findings.ts";
import { plain } from "../../src/reports/text.ts";
import type { CauseFinding } from "../../src/spine/finding.ts";

const CAUSE: CauseFinding = {
  kind: "finding",
  id: "cause/resolver",
  severity: "warning",
  confidence: 0.8,
  dialogues: 3,
  claim: "Banners came after 5.0 s in 3 of 32 dialogues, as when the first name server does not answer.",
  evidence: [{ file: "a.pcap", frame: 495, tcpStream: 11, atUs: 1, text: "220 came after 5.05 s" }],
  remedy: "Look at the resolver.",
  source: "resolv.conf(5)",
  rank: 1,
  ties: ["cause/ident"],
  deliberate: false,
  phases: ["banner"],
  waitedUs: 57_600_000,
  explainedUs: 50_100_000,
  against: [{ file: "b.pcap", frame: null, tcpStream: null, atUs: null, text: "no\u001b[31m query" }],
  decide: "a query on port 53",
};

test("rank, ties, weight, what speaks against it and what would decide", () => {
  expect(findingList([CAUSE], plain)).toBe(`Findings
  1  cause/resolver  warning, 80 % sure, 3 dialogues
     Banners came after 5.0 s in 3 of 32 dialogues, as when the first name
     server does not answer.
     weight    rank 1, with 1 other that cannot be told from it; explains 50.1 s
               of 57.6 s waited in banner
     evidence  a.pcap:495  tcp.stream 11
                 220 came after 5.05 s
     against   b.pcap
                 no\\x1b[31m query
     decide by a query on port 53
     remedy    Look at the resolver.
     source    resolv.conf(5)
     more      smtpscope explain cause/resolver`);
});

test("causes of the same rank are one entry, evidence of no single place has none", () => {
  const other: CauseFinding = { ...CAUSE, id: "cause/ident", confidence: 0.1, ties: ["cause/resolver"] };
  const next: CauseFinding = {
    ...CAUSE,
    id: "cause/third",
    rank: 2,
    ties: [],
    against: [{ ...CAUSE.against[0]!, file: "", text: "rare" }],
  };
  const text = findingList([CAUSE, other, next], plain);
  expect(text.match(/^ {1,2}\d {2}cause.*$/gm)).toEqual([
    "  1  cause/resolver  warning, 80 % sure, 3 dialogues",
    "  2  cause/third  warning, 80 % sure, 3 dialogues",
  ]);
  expect(text).toContain("     or        cause/ident (10 %)");
  expect(text).toContain("     against   rare");
});

test("nothing found, nothing said", () => {
  expect(findingList([], plain)).toBe("");
});
