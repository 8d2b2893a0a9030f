/** Whole screens in a real terminal, on shipped captures: what a user sees, character by character. */
import { afterEach, describe, expect, test } from "vitest";
import { expectGolden } from "./support/golden.ts";
import { TestTerminal } from "./support/terminal.ts";

let terminal: TestTerminal | null = null;
afterEach(() => {
  terminal?.kill();
  terminal = null;
});

const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 160, rows: 50 },
  { columns: 60, rows: 15 },
];

/** Without what diagnosis and rewriting have to say: their words are theirs to change. */
function withoutFindings(text: string): string {
  return text
    .replace(/Findings\(\d+\)/, "Findings(n)")
    .replace(/(6 Heat(?: +Compare)?) +(?=waited)/, "$1   ")
    .replace(/ Findings \d+ /g, " Findings n ")
    .replace(/([▶>│ ][X!·.] ~?)[a-z-]+ \d+×[^│\n]*/g, "$1finding")
    .replace(/(^ +was \S+(?: \S+)*?) {2}\d+ %.*$/gm, "$1")
    .replace(/( Waiting by cause [\s\S]*?\n)[\s\S]*?(?=─ Waiting by phase)/, "$1");
}

/** Keys that lead there from the start, and what is then seen. */
const VIEWS = {
  overview: ["", "Phases"],
  dialogues: ["2", "Dialogues 32"],
  ladder: ["2j\r", "SYN-ACK"],
  findings: ["4", "Findings"],
  waiting: ["5", "Waiting by"],
  "heat-map": ["6", "Heat map"],
  help: ["?", "this help"],
} as const;

describe.each(SIZES)("$columns×$rows", ({ columns, rows }) => {
  test("every view of a capture", async () => {
    terminal = new TestTerminal("smtpscope replay captures/slow-ptr.pcap --tui", { columns, rows });
    await terminal.shows("all read");
    for (const [name, [keys, sign]] of Object.entries(VIEWS)) {
      terminal.press(`1${keys}`);
      await terminal.shows(sign);
      const text = await terminal.settled();
      if (name === "findings") expect(text).toMatch(/Findings \d+ [\s\S]*─ (?:cause|rewriting)\//);
      else expectGolden(`${name}-${columns}x${rows}`, withoutFindings(text));
      // The key bar is whole: its last entry is one of those that there are.
      expect(text.split("\n").at(-1), name).toMatch(/^\?Help qQuit( \S+)*$|^EscBack$/);
      if (name === "help") terminal.press("?");
    }
    terminal.press("q");
    expect(await terminal.exited()).toBe(0);
  });
});

test("what a firewall rewrote, and what it was", async () => {
  terminal = new TestTerminal("smtpscope replay captures/firewall-asa.outside.pcap --tui", {
    columns: 120,
    rows: 40,
  });
  await terminal.shows("all read");
  terminal.press("3");
  await terminal.shows("SYN-ACK");
  const ladder = await terminal.settled();
  // Two lines one above the other, carets below what differs.
  expect(ladder).toMatch(/◀── 250-XXXXXXXB {2}~\n +was 250-STARTTLS .*\n +\^{8}\n/);
  expectGolden("firewall-ladder-120x40", withoutFindings(ladder));
  terminal.resize(120, 70);
  terminal.press("4n");
  await terminal.shows("─ rewriting/banner-masked");
  const finding = await terminal.settled();
  for (const part of [
    "Evidence",
    "Masked, and what it was",
    "220 mail.example.net ESMTP Postfix",
    "What to do",
    "Source:",
  ])
    expect(finding).toContain(part);
});

test("smaller than 40×10: one line", async () => {
  terminal = new TestTerminal("smtpscope replay captures/slow-ptr.pcap --tui", { columns: 38, rows: 5 });
  await terminal.shows("all read");
  expectGolden("one-line-38x5", await terminal.settled());
});

test("ASCII only, without colours", async () => {
  const options = { columns: 80, rows: 24, env: { NO_COLOR: "1" } };
  terminal = new TestTerminal("smtpscope replay captures/slow-ptr.pcap --tui --ascii", options);
  await terminal.shows("all read");
  const text = await terminal.settled();
  expect(text).toMatch(/^[\n -~]*$/);
  expect(terminal.raw).not.toMatch(/\x1b\[[\d;]*(?:3[0-7]|9[0-7]|38;5;\d+)[;m]/);
  expectGolden("ascii-80x24", withoutFindings(text));
});
