/** In tmux, as many administrators run it: glyphs whole, keys through, the terminal given back. Needs tmux. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COMMAND, ROOT } from "../cli/support/run.ts";

const SOCKET = `smtpscope-test-${process.pid}`;

function tmux(...args: string[]): string {
  return execFileSync("tmux", ["-L", SOCKET, "-f", "/dev/null", ...args], { encoding: "utf8", cwd: ROOT });
}

function isThere(): boolean {
  try {
    execFileSync("tmux", ["-V"]);
    return true;
  } catch {
    return false;
  }
}

const isPossible = isThere() || process.env.CI !== undefined;
const picture = () => tmux("capture-pane", "-p", "-t", "screen").trimEnd();

async function shows(part: RegExp): Promise<string> {
  for (let i = 0; i < 400; i++) {
    const text = picture();
    if (part.test(text)) return text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${part}; tmux shows\n${picture()}`);
}

beforeAll(() => {
  if (!isPossible) return;
  const shell = `LANG=C.UTF-8 "${process.execPath}" "${COMMAND}" replay captures/slow-ptr.pcap --tui; echo "status $?"; stty -a | grep -o " icanon"; cat`;
  tmux("new-session", "-d", "-s", "screen", "-x", "80", "-y", "24", shell);
});

afterAll(() => {
  if (isPossible) tmux("kill-server");
});

test.skipIf(!isPossible)("keys, resizing, and the terminal after it", async () => {
  const start = await shows(/all read/);
  expect(start.split("\n")).toHaveLength(24);
  expect(start).toContain("█");
  expect(start).not.toMatch(/lqq|qqk|x {3}x/);
  for (const [key, seen] of [
    ["F1", /this help/],
    ["Escape", /Phases/],
    ["2", /Dialogues 32/],
    ["NPage", /▶ 20:23:5/],
    ["Home", /▶ 20:23:40/],
    ["Down", /▶ 20:23:41/],
    ["Enter", /SYN-ACK/],
    ["Right", /═ 198\.51\.100\.130/],
    ["BSpace", /Dialogues 32/],
    ["F6", /length ▼/],
  ] as const) {
    tmux("send-keys", "-t", "screen", key);
    await shows(seen);
  }
  tmux("resize-window", "-t", "screen", "-x", "120", "-y", "40");
  const wide = await shows(/192\.0\.2\.25:25/);
  expect(wide.split("\n")).toHaveLength(40);
  tmux("send-keys", "-t", "screen", "q");
  expect(await shows(/icanon/)).toMatch(/^status 0\n +icanon$/);
});
