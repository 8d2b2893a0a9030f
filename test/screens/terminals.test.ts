/** What the screen writes to terminals of all kinds, and what it does where there is none. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { Dialogue, mail, pcap, writePcap } from "../cli/support/pcap.ts";
import { run, workFolder } from "../cli/support/run.ts";
import { TestTerminal } from "./support/terminal.ts";

const folder = workFolder();

let terminal: TestTerminal | null = null;
afterEach(() => {
  terminal?.kill();
  terminal = null;
});

/** Moves the cursor, sets a title, colours, another buffer, keys, the clipboard; resets; answers; hides. */
const EVIL =
  "\x1b[31mred\x1b[2J\x1b[1;1H\x1b]0;TITLE\x07\x1b]52;c;ZXZpbA==\x07\x1b[?1049l\x1bc\x1b[6n\x9b31m\x9d0;TITLE\x9c\x1bP+q\x1b\\ \u202edrow\u200b\u2028\r\b\x7f日本é🙂x́";

/** All that the screen itself may write: what is not text must be one of these. */
const OURS =
  /\x1b\[(?:\d+(?:;\d+)*)?[mHCKJ]|\x1b\[\d+;\d+r|\x1b\[\?(?:1|7|12|25|1049)[hl]|\x1b[=>78]|\x1b\(B|\x0f|\r?\n|\x1b\]52;c;[A-Za-z0-9+/=]*\x07/g;

test("nothing from the wire acts on the terminal", async () => {
  const capture = writePcap(
    join(folder, "evil.pcap"),
    new Dialogue()
      .handshake()
      .server(`220 mx ${EVIL}\r\n`)
      .client(`EHLO ${EVIL}\r\n`)
      .server(`250-mx ${EVIL}\r\n250 ${EVIL}\r\n`)
      .client(`MAIL FROM:<${EVIL}@example.org>\r\n`)
      .server(`450 ${EVIL}\r\n`)
      .client(Buffer.from("RCPT TO:<\x9b\xff\xfe\x1b[2J>\r\n", "latin1"))
      .server(Buffer.from("550 \x9b31m no\r\n", "latin1"))
      .close(),
    mail({ clientPort: 40_002 }, `220 ${EVIL}`),
  );
  for (const option of ["", "--ascii"]) {
    terminal = new TestTerminal(`smtpscope replay ${capture} --tui ${option}; echo status $?; read end`, {
      columns: 120,
      rows: 40,
    });
    await terminal.shows("all read");
    for (const keys of [
      "1",
      "2 j ",
      "d",
      "3",
      "jjj",
      "x",
      "kk",
      "y",
      "4",
      "5",
      "6",
      "/banner contains red\r",
      "2",
      "e",
      "l\r",
    ]) {
      terminal.press(keys);
      await terminal.settled(40);
      expect(terminal.isAlternate).toBe(true);
      const rows = terminal.rows();
      expect(rows[0]).toMatch(/^smtpscope {2}evil\.pcap/);
      expect(rows.at(-1)).toMatch(/^\?Help|^Enter|^r/);
    }
    expect(terminal.raw).toContain("\\x1b[31mred");
    terminal.press("\x1b");
    await terminal.settled(40);
    terminal.press("q");
    await terminal.shows("status 0");
    const rest = terminal.raw.replace(OURS, "");
    expect(rest.match(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u)?.[0]).toBeUndefined();
    expect(terminal.emulator.modes.originMode).toBe(false);
    terminal.kill();
  }
});

describe.each([
  "xterm-256color",
  "tmux-256color",
  "screen",
  "screen-256color",
  "xterm-kitty",
  "alacritty",
  "linux",
  "vt100",
])("TERM=%s", (term) => {
  test("shows the screen, and nothing that this terminal would not take", async () => {
    terminal = new TestTerminal("smtpscope replay captures/healthy.pcap --tui; echo status $?; read end", {
      columns: 80,
      rows: 24,
      term,
    });
    const text = await terminal.shows("all read");
    expect(text).toContain("Phases");
    // The console has no glyphs for what is drawn elsewhere.
    if (term === "linux") expect(text).toMatch(/^[\n -~]*$/);
    else expect(text).toContain("█");
    // Line drawing by another character set is what breaks in tmux.
    expect(terminal.raw).not.toMatch(/\x1b\(0|\x0e/);
    // 16 colours are enough.
    expect(terminal.raw).not.toMatch(/[34]8;[25];/);
    terminal.press("q");
    expect(await terminal.shows("status ")).toContain("status 0");
    // Nothing but the shell's word is left: no warning about the terminal.
    expect(terminal.text().trim()).toBe("status 0");
  });
});

test("TERM=dumb: the report as text", async () => {
  terminal = new TestTerminal("smtpscope replay captures/healthy.pcap --tui; echo status $?; read end", {
    columns: 100,
    rows: 60,
    term: "dumb",
  });
  const text = await terminal.shows("status 0");
  expect(text).toContain("no screen, for TERM is dumb: the report as text instead");
  expect(text).toMatch(/^Phase +share/m);
  expect(terminal.raw).not.toContain("\x1b");
});

test("no terminal: the report as text, and it is said", async () => {
  const outcome = await run(["replay", "captures/healthy.pcap", "--tui"]);
  expect(outcome.status).toBe(0);
  expect(outcome.stderr).toBe(
    "smtpscope: no screen, for standard output is no terminal: the report as text instead\n",
  );
  expect(outcome.stdout).toMatch(/^Phase +share/m);
});

test("a result that is to be written cannot be a screen", async () => {
  for (const args of [
    ["-o", "json"],
    ["-O", join(folder, "x")],
  ]) {
    const outcome = await run(["replay", "captures/healthy.pcap", "--tui", ...args]);
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toMatch(/^smtpscope: --tui shows a screen: leave out -o and -O.*\n$/);
  }
});

/** Says on standard error whether the library was loaded, when the process ends. */
const TELL = `import Module from 'node:module'; process.on('exit', () => {
  if (Object.keys(Module._cache).some((name) => name.includes('/blessed/'))) process.stderr.write('LOADED');
});`;
const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(TELL)}` };

test("the screen's library is loaded for the screen only", async () => {
  expect((await run(["replay", "captures/healthy.pcap"], { env })).stderr).toBe("");
  terminal = new TestTerminal("smtpscope replay captures/healthy.pcap --tui; read end", {
    columns: 80,
    rows: 24,
    env,
  });
  await terminal.shows("all read");
  terminal.press("q");
  await terminal.shows("LOADED");
});

test("a capture from a pipe is watched while it comes; keys come from the terminal", async () => {
  const [first, second, go] = ["first.pcap", "second.pcap", "go"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writePcap(first, mail());
  // The rest of the same file: records without a header.
  writeFileSync(second, pcap(mail({ clientPort: 40_002, startUs: 1_767_323_145_000_000 })).subarray(24));
  const feed = `{ cat ${first}; while [ ! -e ${go} ]; do sleep 0.05; done; cat ${second}; }`;
  terminal = new TestTerminal(`${feed} | smtpscope replay - --tui; echo status $?; read end`, {
    columns: 80,
    rows: 24,
  });
  const text = await terminal.shows("Dialogues 1");
  expect(text).toMatch(/^smtpscope {2}standard input +1 dialogue.*LIVE$/m);
  terminal.press("2\r");
  await terminal.shows("220 mx.example.net ESMTP");
  terminal.press("2");
  writeFileSync(go, "");
  await terminal.shows("Dialogues 2");
  await terminal.shows("all read");
  terminal.press("q");
  await terminal.shows("status 0");
});
