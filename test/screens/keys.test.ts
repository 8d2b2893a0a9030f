/** Every key, resizing at any moment, and a thousand keys at random, in a real terminal. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { BeforeAfter } from "../../src/spine/before-after.ts";
import { ROOT, run, workFolder } from "../cli/support/run.ts";
import { TestTerminal } from "./support/terminal.ts";

const folder = workFolder();

let terminal: TestTerminal | null = null;
afterEach(() => {
  terminal?.kill();
  terminal = null;
});

/** In a folder of its own: keys at random write files. */
async function started(columns = 100, rows = 30): Promise<TestTerminal> {
  const capture = join(ROOT, "captures/slow-ptr.pcap");
  terminal = new TestTerminal(`cd ${folder}; smtpscope replay ${capture} --tui; echo "status $?"; read end`, {
    columns,
    rows,
  });
  await terminal.shows("all read");
  return terminal;
}

/** What a terminal sends for a key of keys.ts. */
const SENT: Readonly<Record<string, string>> = {
  enter: "\r",
  escape: "\x1b",
  backspace: "\x7f",
  tab: "\t",
  "S-tab": "\x1b[Z",
  space: " ",
  up: "\x1b[A",
  down: "\x1b[B",
  right: "\x1b[C",
  left: "\x1b[D",
  home: "\x1b[H",
  end: "\x1b[F",
  pageup: "\x1b[5~",
  pagedown: "\x1b[6~",
  "C-b": "\x02",
  "C-c": "\x03",
  "C-f": "\x06",
  f1: "\x1bOP",
  f2: "\x1bOQ",
  f3: "\x1bOR",
  f4: "\x1bOS",
  f5: "\x1b[15~",
  f6: "\x1b[17~",
  f7: "\x1b[18~",
  f8: "\x1b[19~",
  f9: "\x1b[20~",
  f10: "\x1b[21~",
  f11: "\x1b[23~",
};

test("keys that are more than a character", async () => {
  const terminal = await started();
  const steps: readonly (readonly [key: string, seen: RegExp])[] = [
    ["f1", /this help/],
    ["pagedown", /only the chosen pane/],
    ["home", /this help/],
    ["escape", /Phases/],
    ["tab", /═ Findings \d+ ═/],
    ["S-tab", /═ Phases ═/],
    ["S-tab", /═ Dialogues 32 ═/],
    ["down", /▶ 20:23:41\.381/],
    ["up", /▶ 20:23:40\.686/],
    ["end", /▶ 20:24:1/],
    ["home", /▶ 20:23:40\.686/],
    ["space", /1 marked/],
    ["enter", /SYN-ACK/],
    ["right", /═ 198\.51\.100\.130/],
    ["left", /═ 198\.51\.100\.2:/],
    ["backspace", /Phases/],
    ["f2", /Write the dialogue to/],
    ["escape", /Phases/],
    ["f3", /^ \//m],
    ["escape", /Phases/],
    ["f4", /mark two dialogues first/],
    ["f5", /Begin anew/],
    ["escape", /Phases/],
    ["f6", /length ▼/],
    ["f7", /Baseline \(/],
    ["escape", /Phases/],
    ["f8", /HELD/],
    ["f8", /all read/],
    ["f9", /Export what/],
    ["escape", /Phases/],
    ["f11", /^═ Dialogues 32/m],
    ["C-f", /▶ 20:2/],
    ["C-b", /▶ 20:2/],
    ["f10", /status 0/],
  ];
  for (const [key, seen] of steps) {
    terminal.press(SENT[key]!);
    await terminal.shows(seen);
    // Escape and what follows at once would be one key.
    if (key === "escape") await terminal.settled(60);
  }
});

test("a filter is written, corrected, and taken off", async () => {
  const terminal = await started();
  terminal.press("2/phase==bannr\r");
  const wrong = await terminal.shows("banner?");
  // The caret stands under the fault.
  const rows = wrong.split("\n");
  const field = rows.findIndex((row) => row.startsWith(" / phase==bannr"));
  const caret = rows.slice(field + 1).find((row) => row.includes("^"))!;
  expect(caret.indexOf("^")).toBe(rows[field]!.indexOf("bannr"));
  terminal.press("\x7fer && dur>1s\r");
  expect(await terminal.shows("13 of 32")).toContain("/ phase==banner && dur>1s");
  terminal.press("/\x15\r");
  await terminal.shows("Dialogues 32 ═");
});

test("what is seen is written to files, which are never overwritten", async () => {
  const terminal = await started();
  const [report, ladder, picture] = ["report.json", "ladder.txt", "picture.txt"].map((name) =>
    join(folder, name),
  );
  terminal.press(`ej\x15${report}\r`);
  await terminal.shows(`written: ${report}`);
  expect(
    (JSON.parse(readFileSync(report!, "utf8")) as { totals: { dialogues: number } }).totals.dialogues,
  ).toBe(32);
  terminal.press(`2jel\x15${ladder}\r`);
  await terminal.shows(`written: ${ladder}`);
  expect(readFileSync(ladder!, "utf8")).toContain("<--  220 mail.example.net ESMTP Postfix");
  terminal.press(":\x1b");
  await terminal.settled(60);
  const seen = await terminal.text();
  terminal.press(`:export screen ${picture}\r`);
  await terminal.shows(`written: ${picture}`);
  expect(readFileSync(picture!, "utf8").split("\n").slice(0, 26)).toEqual(seen.split("\n").slice(0, 26));
  terminal.press(`:export ladder ${ladder}\r`);
  await terminal.shows("it exists; choose another name");
  terminal.press(`b\x15${report}\r`);
  await terminal.shows(/Baseline .*report\.json against this[\s\S]*banner .*no sure difference/);
});

test("a baseline is compared with as smtpscope diff compares", async () => {
  const [healthy, slow] = ["healthy", "slow-ptr"].map((name) => join(ROOT, `captures/${name}.pcap`));
  const { stdout } = await run(["diff", "--before-after", healthy!, slow!, "-o", "json"]);
  const said = (JSON.parse(stdout) as BeforeAfter).phases;
  const terminal = await started();
  terminal.press(`b\x15${healthy}\r`);
  const text = await terminal.shows(/Baseline .*healthy\.pcap against this/);
  const words: Record<string, string> = {
    slower: "SLOWER *",
    faster: "faster *",
    different: "different *",
    same: "no sure difference",
    "too few samples": "too few samples",
    "only before": "gone",
    "only after": "new",
  };
  expect(new Set(said.map(({ verdict }) => verdict)).size).toBeGreaterThan(1);
  for (const { phase, verdict } of said)
    expect(text).toMatch(new RegExp(`^ ${phase} .* ${words[verdict]!.replace("*", "\\*")} *$`, "m"));
});

test("resized at any moment", async () => {
  const terminal = await started(80, 24);
  const sizes = [
    [160, 50],
    [1, 1],
    [300, 100],
    [39, 9],
    [40, 10],
    [80, 24],
    [2, 60],
    [200, 3],
    [79, 23],
    [120, 40],
  ] as const;
  for (let round = 0; round < 6; round++) {
    for (const [columns, rows] of sizes) {
      terminal.resize(columns, rows);
      terminal.press(String(1 + (round % 6)));
      if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  terminal.resize(80, 24);
  terminal.press("1");
  await terminal.shows("Phases");
  const text = await terminal.settled();
  terminal.press("q");
  await terminal.shows("status 0");
  // As if it had always been of this size.
  const fresh = new TestTerminal(`smtpscope replay ${join(ROOT, "captures/slow-ptr.pcap")} --tui`, {
    columns: 80,
    rows: 24,
  });
  await fresh.shows("all read");
  expect(text).toBe(await fresh.settled());
  fresh.kill();
});

/** Reproducible: the seed is in the test's name. */
function* randoms(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

test.each([1, 2])("1,000 keys at random, seed %i", async (seed) => {
  const terminal = await started(100, 30);
  const random = randoms(seed);
  const next = (below: number) => Math.floor(random.next().value! * below);
  const characters = [..."?/:s sSpPdbweyzrnNhxtc1234567890jkgGl+-[].,;=abc&|()\"'é日"];
  const keys = [
    ...characters,
    ...Object.entries(SENT)
      .filter(([key]) => key !== "C-c" && key !== "f10")
      .map(([, text]) => text),
  ];
  for (let i = 0; i < 1_000; i++) {
    terminal.press(keys[next(keys.length)]!);
    if (i % 25 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    if (i % 100 === 99) terminal.resize(20 + next(160), 5 + next(60));
  }
  terminal.resize(100, 30);
  await terminal.settled();
  // Alive, and back where it can be told.
  terminal.press("\x1b");
  await terminal.settled(60);
  terminal.press("\x1b");
  await terminal.settled(60);
  terminal.press("q");
  await terminal.shows("status 0");
});

test("replayed in time: faster, back, on to a finding, to its end", async () => {
  const capture = join(ROOT, "captures/slow-ptr.pcap");
  terminal = new TestTerminal(`smtpscope replay ${capture} --tui --speed 1x; echo "status $?"; read end`, {
    columns: 100,
    rows: 30,
  });
  await terminal.shows(/1x 20:23:4\d$/m);
  await terminal.shows(/^ 20:23:40 .*■.*!.* 20:24:19$/m);
  terminal.press("+");
  await terminal.shows(/10x 20:23:/);
  terminal.press(".p");
  await terminal.shows(/HELD/);
  const held = await terminal.settled();
  expect(await terminal.settled(300)).toBe(held);
  terminal.press("p:seek 20:24:10\r");
  await terminal.shows(/10x 20:24:1/);
  terminal.press("[[");
  await terminal.shows(/10x 20:23:5|10x 20:24:0/);
  terminal.press("++");
  await terminal.shows(/max 20:24:19/);
  await terminal.shows(" 32 dialogues ");
  terminal.press("r");
  await terminal.shows("Begin anew?");
  terminal.press("y");
  await terminal.shows(/1x 20:23:4/);
  terminal.press("q");
  await terminal.shows("status 0");
});
