/** However the screen ends, the terminal is as it was: its modes, its buffer, its cursor. */
import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { TestTerminal } from "./support/terminal.ts";

const TUI = "smtpscope replay captures/slow-ptr.pcap --tui";
/** Says how the terminal's settings were before and after. */
const WRAPPED = `before=$(stty -g); ${TUI}; status=$?; [ "$before" = "$(stty -g)" ] && echo settings kept; echo "status $status"; read line; echo "got $line"; read end`;

let terminal: TestTerminal | null = null;
afterEach(() => {
  terminal?.kill();
  terminal = null;
});

async function started(script = WRAPPED, env: Record<string, string> = {}): Promise<TestTerminal> {
  terminal = new TestTerminal(script, { columns: 80, rows: 24, env });
  await terminal.shows("all read");
  expect(terminal.isAlternate).toBe(true);
  return terminal;
}

/** The process that shows the screen: the shell's only child. */
function pidOf({ pty }: TestTerminal): number {
  const children = readFileSync(`/proc/${pty.pid}/task/${pty.pid}/children`, "utf8").trim().split(" ");
  expect(children).toHaveLength(1);
  return Number(children[0]);
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function expectRestored(terminal: TestTerminal, status: number): Promise<void> {
  const text = await terminal.shows("status ");
  expect(text).toContain(`status ${status}`);
  expect(text).toContain("settings kept");
  expectSane(terminal);
  // Echo and line editing work.
  terminal.press("abx\x7fc\r");
  expect(await terminal.shows("got ")).toContain("got abc");
}

function expectSane({ emulator, isAlternate, raw }: TestTerminal): void {
  expect(isAlternate).toBe(false);
  const { modes } = emulator;
  expect(modes.applicationCursorKeysMode).toBe(false);
  expect(modes.applicationKeypadMode).toBe(false);
  expect(modes.mouseTrackingMode).toBe("none");
  expect(modes.bracketedPasteMode).toBe(false);
  expect(modes.originMode).toBe(false);
  expect(raw.lastIndexOf("\x1b[?25h"), "cursor shown").toBeGreaterThan(raw.lastIndexOf("\x1b[?25l"));
  const { active } = emulator.buffer;
  const cell = active.getLine(active.baseY + active.cursorY)!.getCell(0)!;
  expect([cell.isFgDefault(), cell.isBgDefault(), cell.isInverse()]).toEqual([true, true, 0]);
}

describe("the terminal is given back", () => {
  test.each([
    ["q", "q"],
    ["F10", "\x1b[21~"],
    ["Ctrl-C", "\x03"],
    [":quit", ":quit\r"],
  ])("after %s", async (_name, keys) => {
    const terminal = await started();
    terminal.press(keys);
    await expectRestored(terminal, 0);
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGQUIT", 131],
  ] as const)("after %s", async (signal, status) => {
    const terminal = await started();
    process.kill(pidOf(terminal), signal);
    await expectRestored(terminal, status);
  });

  test.each([
    ["a thrown error", "process.on('SIGUSR2', () => { throw new Error('made to fail') })"],
    [
      "a promise that nobody looks at",
      "process.on('SIGUSR2', () => { Promise.reject(new Error('made to fail')) })",
    ],
  ])("after %s, which is said", async (_name, code) => {
    const terminal = await started(WRAPPED, {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
    });
    process.kill(pidOf(terminal), "SIGUSR2");
    await expectRestored(terminal, 70);
    expect(terminal.text()).toContain("internal error: made to fail");
  });

  test("in a stop, and taken again when it goes on", async () => {
    const terminal = await started();
    const pid = pidOf(terminal);
    const device = readlinkSync(`/proc/${pid}/fd/1`);
    const before = await terminal.settled();
    for (const stop of [() => process.kill(pid, "SIGTSTP"), () => terminal.press("\x1a")]) {
      stop();
      await terminal.until(
        () => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8")),
        "the stop",
      );
      await terminal.until(() => !terminal.isAlternate, "the normal buffer");
      expectSane(terminal);
      expect(execFileSync("stty", ["-F", device, "-a"], { encoding: "utf8" })).toMatch(/ icanon .* echo /s);
      process.kill(pid, "SIGCONT");
      await terminal.until((text) => terminal.isAlternate && text === before, "the same picture");
    }
    terminal.press("q");
    await expectRestored(terminal, 0);
  });
});

test("a terminal that is gone ends the screen", async () => {
  const terminal = await started(TUI);
  const pid = pidOf(terminal);
  terminal.pty.kill("SIGHUP");
  (terminal.pty as unknown as { destroy(): void }).destroy();
  for (let i = 0; i < 300 && isRunning(pid); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(isRunning(pid)).toBe(false);
});

test("input that cannot be shown is said, not shown", async () => {
  terminal = new TestTerminal("smtpscope replay package.json --tui; echo status $?; read end", {
    columns: 80,
    rows: 24,
  });
  expect(await terminal.shows("status ")).toMatch(/package\.json.*\n?.*status 3/s);
  expectSane(terminal);
});
