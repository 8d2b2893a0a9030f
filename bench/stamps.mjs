/**
 * `npm run bench:stamps`: how far the proxy's reply times are from the wire's. smtp-source sends at a given
 * rate through the proxy to smtp-sink while tcpdump captures the same link; each reply's time as the
 * proxy measured it is held against the same reply in the capture, which `replay` reads.
 *
 * Absent on purpose: a verdict in the exit status. Numbers of a busy machine are the machine's.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { spawn as spawnOnTerminal } from "@lydell/node-pty";
import { findProgram } from "./make-captures.mjs";

const OURS = fileURLToPath(new URL("../bin/smtpscope", import.meta.url));
const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10000" },
    /** Messages at once; each waits up to `pause` seconds between messages. */
    sessions: { type: "string", default: "8" },
    /** The observer is stopped half of the time. */
    stall: { type: "boolean", default: false },
    /** The proxy runs on a terminal of 160×50: the kernel schedules what has a terminal of its own otherwise. */
    terminal: { type: "boolean", default: false },
    /** On a terminal, and the observer draws the screen. */
    screen: { type: "boolean", default: false },
  },
});

const folder = mkdtempSync(join(tmpdir(), "smtpscope-stamps-"));
const socketPath = join(folder, "proxy.sock");
const capture = join(folder, "wire.pcap");
const running = [];
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function program(name) {
  const path = findProgram(name, ["/usr/sbin"]);
  if (path === null) throw new Error(`${name} is not installed`);
  return path;
}

function start(path, args, stdio = "ignore") {
  const child = spawn(path, args, { stdio: ["ignore", stdio, "ignore"] });
  running.push(child);
  return child;
}

/** What is drawn is read and thrown away. */
function onTerminal(args) {
  const env = { ...process.env, TERM: "xterm-256color", LANG: "C.UTF-8" };
  const terminal = spawnOnTerminal(process.execPath, [OURS, ...args], { cols: 160, rows: 50, env });
  terminal.onData((data) => {
    drawnBytes += data.length;
  });
  running.push(terminal);
  return {
    pid: terminal.pid,
    kill: (signal) => terminal.kill(signal),
    on: (_event, listener) => terminal.onExit(listener),
  };
}

let drawnBytes = 0;

const ended = (child) => new Promise((resolve) => child.on("close", resolve));

/** Exchanges by the connection as the server sees it, and their place in the dialogue. */
async function exchangesOf(lines) {
  const exchanges = new Map();
  const via = new Map();
  for await (const line of lines) {
    const value = JSON.parse(line);
    if (value.kind === "conversation" && value.live !== undefined) via.set(value.tcpStream, value.live.via);
    if (value.kind === "exchange" && value.taint === null) {
      const list = exchanges.get(value.tcpStream) ?? [];
      list.push(value);
      exchanges.set(value.tcpStream, list);
    }
  }
  return { exchanges, via };
}

const sink = start(program("smtp-sink"), [
  ...(process.getuid() === 0 ? ["-u", "nobody"] : []),
  "127.0.0.1:32526",
  "1024",
]);
const proxyArguments = ["proxy", "-q", "-l", "32525", "-u", "127.0.0.1:32526", "--socket", socketPath];
if (values.screen) proxyArguments.push("--tui");
const proxy = values.screen || values.terminal ? onTerminal(proxyArguments) : start(OURS, proxyArguments);
const dump = start(program("tcpdump"), [
  "-i",
  "lo",
  "-B",
  "65536",
  "-s",
  "0",
  "-w",
  capture,
  "tcp port 32526",
]);
await sleep(1_500);
const attached = start(OURS, ["attach", socketPath, "-o", "ndjson"], "pipe");
const live = exchangesOf(createInterface({ input: attached.stdout }));
await sleep(700);
const observer = () =>
  Number(
    spawnSync("pgrep", ["-P", String(proxy.pid)], { encoding: "utf8" })
      .stdout.trim()
      .split("\n")[0],
  );
const started = performance.now();
const source = start(program("smtp-source"), [
  "-s",
  values.sessions,
  "-m",
  values.messages,
  "-l",
  "1000",
  "127.0.0.1:32525",
]);
let stall = null;
if (values.stall) {
  const pid = observer();
  let isStopped = false;
  stall = setInterval(() => {
    isStopped = !isStopped;
    process.kill(pid, isStopped ? "SIGSTOP" : "SIGCONT");
  }, 250);
}
await ended(source);
if (stall !== null) {
  clearInterval(stall);
  process.kill(observer(), "SIGCONT");
}
const rate = Number(values.messages) / ((performance.now() - started) / 1000);
await sleep(500);
dump.kill("SIGINT");
await ended(dump);
proxy.kill("SIGTERM");
await ended(proxy);
const ours = await live;
const replay = start(OURS, ["replay", capture, "-p", "32526", "-o", "ndjson"], "pipe");
const wire = await exchangesOf(createInterface({ input: replay.stdout }));
sink.kill();

const byClient = new Map();
for (const list of wire.exchanges.values()) byClient.set(list[0].client, list);
const off = [];
let unmatched = 0;
for (const [id, list] of ours.exchanges) {
  const same = byClient.get(ours.via.get(id));
  for (const exchange of list) {
    const other = same?.find(({ ordinal, verb }) => ordinal === exchange.ordinal && verb === exchange.verb);
    if (other === undefined) unmatched++;
    else off.push(Math.abs(exchange.thinkUs - other.thinkUs));
  }
}
off.sort((a, b) => a - b);
const at = (share) => off[Math.min(off.length - 1, Math.floor(off.length * share))];
process.stdout.write(
  `${off.length} replies compared (${unmatched} without a partner), ${rate.toFixed(0)} messages/s: ` +
    `${values.screen ? `${(drawnBytes / 1000).toFixed(0)} kB drawn, ` : ""}off by p50 ${at(0.5)} µs, p90 ${at(0.9)} µs, p99 ${at(0.99)} µs, max ${off.at(-1)} µs\n`,
);
process.exit(0);
