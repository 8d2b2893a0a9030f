/** The screen on a running proxy: it may be left, killed, or lose its terminal, and mail flows on. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { workFolder } from "../cli/support/run.ts";
import { TestTerminal } from "./support/terminal.ts";

const folder = workFolder();
let server: Server;
let serverPort: number;
const terminals: TestTerminal[] = [];
/** Proxies outlive their terminals, as they should. */
const relays: number[] = [];

/** Says one line for each line it hears; a message is not for it. */
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write("220 mx.example.net ESMTP\r\n");
    socket.on("data", (data) => {
      const isOver = data.toString().startsWith("QUIT");
      setTimeout(() => socket.write(isOver ? "221 2.0.0 bye\r\n" : "250 2.0.0 Ok\r\n"), 5);
      if (isOver) setTimeout(() => socket.end(), 10);
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  serverPort = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
});
afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.kill();
  for (const pid of relays.splice(0)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
});

/** A short dialogue; what the server said last. */
function talk(port: number, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const said = [`EHLO ${name}.example.org\r\n`, "NOOP\r\n", "QUIT\r\n"];
    let last = "";
    socket.on("data", (data) => {
      last = data.toString();
      const next = said.shift();
      if (next !== undefined) socket.write(next);
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(last));
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

interface Running {
  readonly terminal: TestTerminal;
  readonly port: number;
  readonly socket: string;
}

async function proxy(
  more = "",
  shown = "LIVE",
  screen = "--tui",
  upstreamPort = serverPort,
): Promise<Running> {
  const port = await freePort();
  const socket = join(folder, `${port}.sock`);
  const command = `smtpscope proxy -l ${port} -u 127.0.0.1:${upstreamPort} --socket ${socket} ${screen} ${more}`;
  const script = `before=$(stty -g); trap : INT; ${command}; echo "status $?"; [ "$before" = "$(stty -g)" ] && echo settings kept; read end`;
  const terminal = new TestTerminal(script, { columns: 100, rows: 30 });
  terminals.push(terminal);
  await terminal.shows(shown);
  relays.push(...childrenOf(terminal.pty.pid));
  return { terminal, port, socket };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);
}

const relayPid = ({ terminal }: Running) => childrenOf(terminal.pty.pid)[0]!;

test("dialogues appear as they happen; leaving the screen leaves the proxy running", async () => {
  const running = await proxy();
  const { terminal, port } = running;
  expect(await talk(port, "one")).toMatch(/^221/);
  await terminal.shows("Dialogues 1");
  terminal.press("2\r");
  await terminal.shows("EHLO one.example.org");
  // What would stop the relay does not.
  terminal.press("\x1a");
  await terminal.shows("not while mail goes through here");
  terminal.press("q");
  await terminal.shows("A proxy runs under this screen");
  terminal.press("k");
  const text = await terminal.shows("the proxy goes on without a screen");
  expect(terminal.isAlternate).toBe(false);
  expect(text).toContain("listening on");
  expect(await talk(port, "two")).toMatch(/^221/);
  await terminal.shows(/^\d\d:\d\d:\d\d.* → 127\.0\.0\.1:\d+ .* 221/m);
  process.kill(relayPid(running), "SIGTERM");
  expect(await terminal.shows("settings kept")).toContain("status 0");
});

test("ending the proxy from the screen lets it sum up", async () => {
  const { terminal, port } = await proxy();
  await talk(port, "one");
  await terminal.shows("Dialogues 1");
  terminal.press("\x03");
  await terminal.shows("A proxy runs under this screen");
  terminal.press("y");
  const text = await terminal.shows("settings kept");
  expect(terminal.isAlternate).toBe(false);
  expect(text).toContain("status 0");
  expect(text).toMatch(/Slowest replies/);
});

test("counts begin anew when asked to", async () => {
  const { terminal, port } = await proxy();
  await talk(port, "one");
  await terminal.shows("Dialogues 1");
  terminal.press("r");
  await terminal.shows("Begin anew?");
  terminal.press("y");
  await terminal.shows(/0 dialogues[\s\S]*Dialogues 0/);
  await talk(port, "two");
  await terminal.shows(/ 1 dialogue [\s\S]*Dialogues 1/);
});

test("a screen that is killed gives the terminal back, and mail flows on", async () => {
  const running = await proxy();
  const { terminal, port } = running;
  await talk(port, "one");
  await terminal.shows("Dialogues 1");
  const [observer] = childrenOf(relayPid(running));
  const device = readlinkSync(`/proc/${observer}/fd/1`);
  process.kill(observer!, "SIGKILL");
  await terminal.shows("the analysing process was ended by SIGKILL; mail flows on");
  expect(terminal.isAlternate).toBe(false);
  expect(terminal.raw.lastIndexOf("\x1b[?25h")).toBeGreaterThan(terminal.raw.lastIndexOf("\x1b[?25l"));
  await terminal.until(
    () => / icanon [\s\S]* echo /.test(execFileSync("stty", ["-F", device, "-a"], { encoding: "utf8" })),
    "settings",
  );
  expect(await talk(port, "two")).toMatch(/^221/);
  process.kill(relayPid(running), "SIGTERM");
  expect(await terminal.shows("settings kept")).toContain("status 0");
});

test("a terminal that is gone ends the screen, not the proxy", async () => {
  const running = await proxy();
  const { terminal, port } = running;
  const relay = relayPid(running);
  const [observer] = childrenOf(relay);
  terminal.pty.kill("SIGHUP");
  (terminal.pty as unknown as { destroy(): void }).destroy();
  await new Promise((resolve) => setTimeout(resolve, 500));
  try {
    expect(await talk(port, "two")).toMatch(/^221/);
    // The same process goes on observing; it does not spin.
    expect(childrenOf(relay)).toEqual([observer]);
    const before = cpuTicks(observer!);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(cpuTicks(observer!) - before).toBeLessThan(25);
  } finally {
    process.kill(relay, "SIGTERM");
  }
});

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

test("a terminal that is stopped holds up no mail, nor what is logged", async () => {
  const log = join(folder, "stopped.ndjson");
  const running = await proxy(`--log ${log}`, "to watch", "");
  const { terminal, port } = running;
  const records = () => readFileSync(log, "utf8").split("\n").length;
  await talk(port, "one");
  await terminal.shows("221");
  terminal.press("\x13");
  // More than a terminal keeps.
  for (let i = 0; i < 60; i++) await talk(port, "x".repeat(200));
  const before = records();
  await talk(port, "logged");
  await terminal.until(() => records() > before, "the log to go on");
  const [observer] = childrenOf(relayPid(running));
  process.kill(observer!, "SIGKILL");
  // The relay has something to say now.
  await terminal.until(() => ![[], [observer]].includes(childrenOf(relayPid(running))), "another observer");
  expect(await talk(port, "two")).toMatch(/^221/);
  terminal.press("\x11");
  process.kill(relayPid(running), "SIGTERM");
  expect(await terminal.shows("settings kept")).toContain("status 0");
});

test("attach --tui watches a proxy that runs, from now on", async () => {
  const { terminal, port, socket } = await proxy("-q");
  await talk(port, "one");
  await terminal.shows("Dialogues 1");
  const watcher = new TestTerminal(`smtpscope attach ${socket} --tui; echo "status $?"; read end`, {
    columns: 80,
    rows: 24,
  });
  terminals.push(watcher);
  await watcher.shows("LIVE");
  expect(watcher.text()).toContain("Dialogues 0");
  await talk(port, "two");
  await watcher.shows("Dialogues 1");
  watcher.press("q");
  await watcher.shows("status 0");
  expect(readdirSync(folder)).toContain(`${port}.sock`);
  // The proxy's own screen saw both.
  expect(await terminal.shows("Dialogues 2")).toContain("LIVE");
});

test("a banner that does not come is seen while it is waited for, also by who comes later", async () => {
  const mute = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => mute.once("listening", resolve));
  const { terminal, port, socket } = await proxy("-q", "LIVE", "--tui", (mute.address() as AddressInfo).port);
  const client = connect(port, "127.0.0.1");
  try {
    const text = await terminal.shows(/Dialogues 1 · 1 waiting, 1\.\d\ds for the banner/);
    expect(text).toMatch(/1 dialogue \(1 open\)/);
    expect(text).toMatch(/▶ .*waits banner 1\.\d\ds .*none yet/);
    // Longer and longer, without a byte being said.
    await terminal.shows(/waits banner 3\.\d\ds/);
    terminal.press("3");
    await terminal.shows(/[3-9]\.\d\ds! {2}· {2}waits for the banner, for \d\.\d\ds now/);
    const watcher = new TestTerminal(`smtpscope attach ${socket} --tui`, { columns: 80, rows: 24 });
    terminals.push(watcher);
    await watcher.shows(/1 waiting, \d\.\d\ds for the banner/);
    watcher.press("/");
    for (const character of "phase==banner && dur>3s\r") watcher.press(character);
    await watcher.shows("Dialogues 1 of 1");
  } finally {
    client.destroy();
    mute.close();
  }
});

test("who attaches to a dialogue that has begun does not take it for one without a banner", async () => {
  const { terminal, port, socket } = await proxy("-q");
  const client = connect(port, "127.0.0.1");
  try {
    client.write("EHLO a.example.org\r\n");
    await terminal.shows(/ehlo +1/);
    const watcher = new TestTerminal(`smtpscope attach ${socket} --tui`, { columns: 80, rows: 24 });
    terminals.push(watcher);
    await watcher.shows("Dialogues 1");
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(watcher.text()).not.toMatch(/waiting,|waits/);
  } finally {
    client.destroy();
  }
});
