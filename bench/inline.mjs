/**
 * `npm run bench:inline`: mail through the proxy, and through the relays people use today (HAProxy in TCP
 * mode with one thread, nginx's stream module with one worker, socat), beside mail without anything
 * between, in one run.
 *
 * smtp-source sends to smtp-sink, both Postfix's, over loopback. The peers take turns and the median of
 * the rounds counts; what decides are ratios within the run. CPU is what /proc says of the relay
 * processes; smtpscope's observer, which analyses, is listed apart.
 *
 * Absent on purpose: a verdict in the exit status, and any place in the tests.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findProgram } from "./make-captures.mjs";

const OURS = fileURLToPath(new URL("../bin/smtpscope", import.meta.url));
const SINK_PORT = 32_526;
const PROXY_PORT = 32_525;
const SBIN = ["/usr/sbin"];

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    runs: { type: "string", default: "3" },
    load: { type: "string" },
    messages: { type: "string", default: "6000" },
  },
});
const rounds = Number(values.runs);
const messages = Number(values.messages);
const folder = mkdtempSync(join(tmpdir(), "smtpscope-inline-"));
process.setMaxListeners(100);
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** To add a peer: its name and how it is started; `port` is where the load goes. */
const PEERS = [
  { name: "direct", start: () => null },
  { name: "haproxy", start: () => start(program("haproxy", "haproxy"), ["-f", haproxyConfig(), "-db"]) },
  {
    name: "nginx",
    start: () => start(program("nginx", "nginx libnginx-mod-stream"), ["-c", nginxConfig(), "-p", folder]),
  },
  {
    name: "socat",
    start: () =>
      start(program("socat", "socat"), [
        `TCP-LISTEN:${PROXY_PORT},fork,reuseaddr,nodelay,backlog=512`,
        `TCP:127.0.0.1:${SINK_PORT},nodelay`,
      ]),
  },
  { name: "smtpscope", start: () => startOurs([]) },
  {
    name: "recording",
    start: () => startOurs(["-w", join(folder, "recording.pcapng")]),
  },
];

const LOADS = {
  new: {
    says: "a connection for each message (10 at once)",
    unit: "msg/s",
    run: (port) => throughput(["-s", "10", "-m", String(messages), "-l", "1000"], port, messages),
  },
  kept: {
    says: "connections kept open (10 at once)",
    unit: "msg/s",
    run: (port) =>
      throughput(["-d", "-s", "10", "-m", String(messages * 3), "-l", "1000"], port, messages * 3),
  },
  bulk: {
    says: "messages of 10 MB (4 at once)",
    unit: "MB/s",
    run: (port) => throughput(["-s", "4", "-m", "40", "-l", "10000000"], port, 400),
  },
  noop: { says: "NOOP round trip on one connection", unit: "µs p50", run: noop },
  idle: { says: "connections on which nothing happens", unit: "KiB each", run: idle },
};

function program(name, debianPackage) {
  const path = findProgram(name, SBIN);
  if (path === null) throw new Error(`${name} is not installed (Debian: apt-get install ${debianPackage})`);
  return path;
}

function haproxyConfig() {
  const path = join(folder, "haproxy.cfg");
  writeFileSync(
    path,
    `global\n nbthread 1\n maxconn 8000\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 5m\n timeout server 5m\n` +
      `listen mail\n bind 127.0.0.1:${PROXY_PORT} backlog 1024\n server sink 127.0.0.1:${SINK_PORT}\n`,
  );
  return path;
}

function nginxConfig() {
  const path = join(folder, "nginx.conf");
  writeFileSync(
    path,
    `load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off;\nworker_processes 1;\npid ${folder}/nginx.pid;\n` +
      `error_log ${folder}/nginx.log;\nevents { worker_connections 16000; }\n` +
      `stream { server { listen 127.0.0.1:${PROXY_PORT} backlog=1024; tcp_nodelay on; proxy_pass 127.0.0.1:${SINK_PORT}; } }\n`,
  );
  return path;
}

function start(path, args) {
  const child = spawn(path, args, { stdio: ["ignore", "ignore", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  return child;
}

function startOurs(more) {
  const args = [
    "proxy",
    "-q",
    "-l",
    String(PROXY_PORT),
    "-u",
    `127.0.0.1:${SINK_PORT}`,
    "--socket",
    "none",
    "--drain",
    "1s",
  ];
  const child = spawn(OURS, [...args, ...more], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  process.on("exit", () => child.kill("SIGKILL"));
  return child;
}

async function reachable(port) {
  for (let i = 0; i < 100; i++) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (isOpen) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

function children(pid) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => {
      try {
        return Number(readFileSync(`/proc/${other}/stat`, "latin1").split(") ")[1].split(" ")[1]) === pid;
      } catch {
        return false;
      }
    });
}

/** CPU seconds and resident KiB: of the relaying processes, and of our observer. */
function usage(peer, child) {
  if (child === null) return { relayS: 0, observerS: 0, residentKib: 0 };
  const ours = peer.name === "smtpscope" || peer.name === "recording";
  const of = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
    // Fields 14 to 17 of proc(5): the process and the children it has waited for (socat forks).
    const ticks =
      Number(fields[11]) + Number(fields[12]) + (ours ? 0 : Number(fields[13]) + Number(fields[14]));
    return { s: ticks / 100, kib: Number(fields[21]) * 4 };
  };
  const own = of(child.pid);
  const others = children(child.pid).map(of);
  const sum = (list, key) => list.reduce((total, one) => total + one[key], 0);
  return ours
    ? { relayS: own.s, observerS: sum(others, "s"), residentKib: own.kib }
    : { relayS: own.s + sum(others, "s"), observerS: 0, residentKib: own.kib + sum(others, "kib") };
}

async function throughput(args, port, units) {
  const started = performance.now();
  await new Promise((resolve, reject) => {
    const source = spawn(program("smtp-source", "postfix"), [...args, `127.0.0.1:${port}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    source.stderr.on("data", (text) => {
      said += text;
    });
    source.on("close", (status) => (status === 0 ? resolve() : reject(new Error(`smtp-source: ${said}`))));
  });
  const seconds = (performance.now() - started) / 1000;
  return { value: units / seconds, units };
}

async function noop(port) {
  const count = 5_000;
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  const times = [];
  await new Promise((resolve, reject) => {
    let sentAt = 0;
    let greeted = false;
    socket.on("error", reject);
    socket.on("data", () => {
      const at = performance.now();
      if (greeted) times.push((at - sentAt) * 1000);
      greeted = true;
      if (times.length >= count) {
        socket.destroy();
        resolve();
        return;
      }
      sentAt = performance.now();
      socket.write("NOOP\r\n");
    });
  });
  times.sort((a, b) => a - b);
  return { value: times[count >> 1], p99: times[Math.floor(count * 0.99)], units: count };
}

async function idle(port, peer, child) {
  const count = 2_000;
  const before = usage(peer, child).residentKib;
  const sockets = [];
  for (let i = 0; i < count; i++) {
    sockets.push(
      await new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1");
        socket.setTimeout(10_000, () => reject(new Error("no banner in 10 s")));
        socket.once("data", () => resolve(socket.setTimeout(0)));
        socket.on("error", reject);
      }),
    );
  }
  await sleep(300);
  const after = usage(peer, child).residentKib;
  for (const socket of sockets) socket.destroy();
  await sleep(300);
  return { value: (after - before) / count, units: count };
}

async function once(peer, load) {
  const child = peer.start();
  try {
    const port = child === null ? SINK_PORT : PROXY_PORT;
    await reachable(port);
    // First messages that do not count: what is loaded or compiled late is not the steady state.
    await throughput(["-s", "10", "-m", "3000", "-l", "1000"], port, 3_000);
    const before = usage(peer, child);
    const result = await load.run(port, peer, child);
    await sleep(100);
    const after = usage(peer, child);
    return {
      ...result,
      relayUs: ((after.relayS - before.relayS) * 1e6) / result.units,
      observerUs: ((after.observerS - before.observerS) * 1e6) / result.units,
    };
  } finally {
    if (child !== null) {
      child.kill("SIGTERM");
      await new Promise((resolve) => {
        child.on("exit", resolve);
        setTimeout(() => child.kill("SIGKILL"), 5_000).unref();
      });
    }
  }
}

const median = (list, of) => list.map(of).sort((a, b) => a - b)[list.length >> 1];

async function main() {
  const sink = start(program("smtp-sink", "postfix"), [
    ...(process.getuid() === 0 ? ["-u", "nobody"] : []),
    "-m",
    "8000",
    `127.0.0.1:${SINK_PORT}`,
    "1024",
  ]);
  await reachable(SINK_PORT);
  const peers = PEERS.filter(
    ({ name }) => values.only === undefined || values.only.split(",").includes(name),
  );
  for (const [key, load] of Object.entries(LOADS)) {
    if (values.load !== undefined && !values.load.split(",").includes(key)) continue;
    const results = new Map(peers.map(({ name }) => [name, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const peer of peers) {
        process.stderr.write(`round ${round} of ${rounds}: ${key} ${peer.name}\n`);
        try {
          results.get(peer.name).push(await once(peer, load));
        } catch (error) {
          process.stderr.write(`  ${peer.name}: ${error.message}\n`);
        }
      }
    }
    report(key, load, results);
  }
  sink.kill();
}

function report(key, load, results) {
  const reference = results.get("haproxy") ?? [];
  const lines = [
    [`${key}: ${load.says}`],
    ["", load.unit, "to haproxy", "p99", "to haproxy", "relay CPU µs", "to haproxy", "observer CPU µs"],
  ];
  const ratio = (runs, of) => {
    if (reference.length === 0) return "";
    const base = median(reference, of);
    return base === 0 ? "" : `${(median(runs, of) / base).toFixed(2)}×`;
  };
  for (const [name, runs] of results) {
    if (runs.length === 0) continue;
    const digits = key === "new" || key === "kept" || key === "bulk" ? 0 : 1;
    const p99 =
      runs[0].p99 === undefined
        ? ["", ""]
        : [median(runs, (r) => r.p99).toFixed(0), ratio(runs, (r) => r.p99)];
    lines.push([
      name,
      median(runs, (r) => r.value).toFixed(digits),
      ratio(runs, (r) => r.value),
      ...p99,
      median(runs, (r) => r.relayUs).toFixed(1),
      ratio(runs, (r) => r.relayUs),
      median(runs, (r) => r.observerUs).toFixed(1),
    ]);
  }
  for (const [first, ...cells] of lines) {
    process.stdout.write(
      `${[first.padEnd(11), ...cells.map((cell) => cell.padStart(14))].join("").trimEnd()}\n`,
    );
  }
  process.stdout.write("\n");
}

await main();
process.exit(0);
