import { expect, test } from "vitest";
import { DIFF_EXPLANATIONS } from "../../src/diff/explanations.ts";
import { RULES } from "../../src/diff/rules.ts";
import type { Side } from "../../src/spine/wire.ts";
import { EPOCH_US } from "../support/raw-ip.ts";
import { diffOver, EHLO_LINES, mail, type Path, replyOf, type Session } from "./path.ts";

const sessions: Session[] = Array.from({ length: 4 }, (_, i) => ({
  startUs: EPOCH_US + i * 1_000_000,
  client: "198.51.100.7",
  clientPort: 20_000 + i,
  said: mail(),
}));

const ehlo = (lines: readonly string[]) => (text: string) =>
  text === replyOf(EHLO_LINES) ? replyOf(lines) : text;
const masked = EHLO_LINES.map((line) =>
  line === "STARTTLS" ? "XXXXXXXA" : line === "CHUNKING" ? "XXXXXXXB" : line,
);

test.each<[string, (text: string, from: Side) => string, string[]]>([
  ["nothing", (text) => text, []],
  ["mask", (text) => text.replace("mx.example.net ESMTP Postfix", "*".repeat(28)), ["banner-masked warning"]],
  ["other banner", (text) => text.replace("mx.example.net ESMTP", "gw.example.com"), ["banner-changed info"]],
  ["masked keywords", ehlo(masked), ["starttls-masked critical", "ehlo-keyword-masked warning"]],
  ["no STARTTLS", ehlo(EHLO_LINES.filter((k) => k !== "STARTTLS")), ["starttls-removed critical"]],
  ["no PIPELINING", ehlo(EHLO_LINES.filter((k) => k !== "PIPELINING")), ["keyword-removed warning"]],
  ["SIZE", ehlo(EHLO_LINES.map((k) => k.replace("10240000", "1"))), ["keyword-changed info"]],
  ["a code", (text) => text.replace("250 2.1.5", "550 2.1.5"), ["reply-changed warning"]],
  ["a command", (text) => text.replace("<bob@", "<rob@"), ["command-changed warning"]],
  ["a masked one", (text) => text.replace(/^EHLO/, "XXXX"), ["command-masked critical"]],
  ["a NOOP", (text) => text.replace(/^EHLO/, "NOOP"), ["command-noop critical"]],
  ["a message", (text) => text.replace("hello\r\n.", "hullo\r\n."), ["message-changed warning"]],
])("%s", (_name, rewrite, want) => {
  const { findings } = diffOver(sessions, { rewrite });
  expect(findings.map(({ id, severity }) => `${id.slice("rewriting/".length)} ${severity}`)).toEqual(want);
  for (const finding of findings) {
    expect(finding).toMatchObject({ basis: "seen", confidence: 1, dialogues: 4 });
    expect(finding.evidence.map(({ file }) => file)).toEqual(expect.arrayContaining(["inside", "outside"]));
    expect(finding.claim).toMatch(/^The path .* 4 of 4 dialogues\.$/);
  }
});

test("what is held", () => {
  const holdUs: Path["holdUs"] = (text) =>
    text.startsWith("220") ? 3_000_000 : text.startsWith("RCPT") ? 99_000 : 0;
  const { findings } = diffOver(sessions, { holdUs });
  expect(findings.map(({ id }) => id)).toEqual(["rewriting/reply-held"]);
  expect(findings[0]!.claim).toContain("banner up to 3.00 s");
  expect(findings[0]!.claim).not.toContain("rcpt");
});

test("every rule but those of signatures has a page, and every page a rule", () => {
  const pages = new Set<string>(DIFF_EXPLANATIONS.map(({ id }) => id));
  const ids = [...RULES.map(({ id }) => id), "rewriting/reply-held", "rewriting/segments-resplit"];
  const masks = ["banner-masked", "starttls-masked", "ehlo-keyword-masked", "command-masked", "command-noop"];
  expect(ids.filter((id) => !pages.has(id)).sort()).toEqual(masks.map((name) => `rewriting/${name}`).sort());
  expect([...pages].filter((id) => !ids.includes(id))).toEqual([]);
});
