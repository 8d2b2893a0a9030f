/**
 * `npm run bench:replay`: replays two captures with smtpscope and with the programs people use today, in
 * one go, and says what each one cost.
 *
 * CPU seconds (user + system) decide, not wall time: they hardly depend on what else the machine
 * does, and the ratios of one run depend on it even less. The peers take turns (one round is each
 * of them once) so that a slow minute falls on all, and the median of the rounds counts.
 * GNU time reads each process's usage from wait4, children included.
 *
 * Absent on purpose: a verdict in the exit status, and any place in the tests. A number that
 * depends on the machine is for reading.
 */
import { spawn } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CAPTURES, captureFolder, findProgram, makeCaptures } from "./make-captures.mjs";

const USAGE = `usage: node bench/replay.mjs [--only NAME,…] [--runs N] [--quick] [--captures FOLDER]
  --only      smtpscope, tshark, tcptrace, tcpflow, tcpdump: these alone
  --runs      rounds, whose median counts (3)
  --quick     one round, the small capture only
  --captures  where the captures are, or are made (${captureFolder()})
`;

const TSHARK_FIELDS = [
  "frame.number",
  "frame.time_epoch",
  "tcp.stream",
  "smtp.req.command",
  "smtp.response.code",
];

const OURS = fileURLToPath(new URL("../bin/smtpscope", import.meta.url));
const BUILT = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** To add a peer: its name and its arguments. `scratch` is an empty folder, deleted after the run. */
const PEERS = [
  { name: "smtpscope", program: OURS, args: (file) => ["replay", file] },
  {
    name: "tshark",
    args: (file) => [
      "-r",
      file,
      "-Y",
      "smtp",
      "-T",
      "fields",
      ...TSHARK_FIELDS.flatMap((field) => ["-e", field]),
    ],
  },
  { name: "tcptrace", args: (file) => [file] },
  { name: "tcpflow", args: (file, scratch) => ["-r", file, "-o", scratch] },
  { name: "tcpdump", args: (file) => ["-r", file, "-w", "/dev/null"] },
];

/** `atMost`: the most of our CPU there may be for one second of the peer's. */
const TARGETS = {
  "small.pcap": [
    { peer: "tshark", says: "≥ 25× less CPU than tshark", atMost: 1 / 25 },
    { peer: "tcptrace", says: "≥ 5× less CPU than tcptrace", atMost: 1 / 5 },
    { peer: "tcpdump", says: "≤ 8× the CPU of tcpdump", atMost: 8 },
  ],
  "big.pcap": [
    { peer: "tshark", says: "≥ 40× less CPU than tshark", atMost: 1 / 40 },
    { peer: "tcptrace", says: "≤ the CPU of tcptrace", atMost: 1 },
    { peer: "tcpdump", says: "≤ 2.5× the CPU of tcpdump", atMost: 2.5 },
  ],
};
const MOST_MEGABYTES = 150;

/** Ten times what the slowest peer takes on the bigger capture. */
const LONGEST_RUN_MS = 600_000;

async function main() {
  const options = readOptions();
  if (options === null) return;
  const time = findProgram("time", ["/usr/bin"]);
  if (time === null) throw new Error("GNU time is not installed (Debian: apt-get install time)");
  const peers = present(options.peers);
  await makeCaptures(options.folder, options.captures);
  for (const { name } of options.captures) {
    const file = join(options.folder, name);
    warm(file);
    const results = await measure(time, peers, file, options.runs);
    process.stdout.write(`\n${table(name, results)}${verdicts(name, results)}`);
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      runs: { type: "string" },
      quick: { type: "boolean", default: false },
      captures: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return null;
  }
  const only = values.only?.split(",").map((name) => name.trim());
  const unknown = only?.find((name) => !PEERS.some((peer) => peer.name === name));
  if (unknown !== undefined) throw new Error(`no peer is called "${unknown}"\n${USAGE}`);
  const runs = Number(values.runs ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs takes a count of rounds, not "${values.runs}"`);
  return {
    runs,
    peers: PEERS.filter((peer) => only === undefined || only.includes(peer.name)),
    captures: values.quick ? CAPTURES.slice(0, 1) : CAPTURES,
    folder: resolve(values.captures ?? captureFolder()),
  };
}

function present(peers) {
  return peers.flatMap((peer) => {
    const program = peer.program ?? findProgram(peer.name, ["/usr/sbin"]);
    if (program === null) {
      process.stderr.write(`${peer.name} is not installed: left out\n`);
      return [];
    }
    if (program === OURS) {
      for (const path of [OURS, BUILT]) {
        try {
          accessSync(path, path === OURS ? constants.X_OK : constants.R_OK);
        } catch {
          throw new Error(`${path} is missing: npm run build first`);
        }
      }
    }
    return [{ ...peer, program }];
  });
}

/** The first reader must not pay for the disk. */
function warm(file) {
  const buffer = Buffer.alloc(1 << 20);
  const handle = openSync(file, "r");
  while (readSync(handle, buffer) > 0);
  closeSync(handle);
}

/** @returns peers with their runs; a peer that failed keeps what it said instead. */
async function measure(time, peers, file, rounds) {
  const results = peers.map((peer) => ({ name: peer.name, runs: [], failure: null }));
  for (let round = 1; round <= rounds; round++) {
    for (const [index, peer] of peers.entries()) {
      const result = results[index];
      if (result.failure !== null) continue;
      process.stderr.write(`round ${round} of ${rounds}: ${peer.name} ${file}\n`);
      try {
        result.runs.push(await runOnce(time, peer, file));
      } catch (error) {
        result.failure = error.message;
      }
    }
  }
  return results;
}

async function runOnce(time, peer, file) {
  const folder = mkdtempSync(join(tmpdir(), "smtpscope-bench-"));
  const usage = join(folder, "usage");
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    const scratch = mkdtempSync(join(folder, "out-"));
    await run(time, ["-o", usage, "-f", "%U %S %e %M", peer.program, ...peer.args(file, scratch)]);
    const [user, system, wallS, peakKib] = readFileSync(usage, "utf8").trim().split(/\s+/).map(Number);
    return { cpuS: user + system, wallS, peakMegabytes: (peakKib * 1024) / 1e6 };
  } finally {
    remove();
    process.off("exit", remove);
  }
}

function run(program, args) {
  return new Promise((done, failed) => {
    // A group of its own, so that a deadline or ^C reaches what GNU time started.
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
    const stop = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {}
    };
    const interrupted = () => process.exit(130);
    process.once("exit", stop).once("SIGINT", interrupted).once("SIGTERM", interrupted);
    const deadline = setTimeout(stop, LONGEST_RUN_MS);
    let complaint = "";
    child.stderr.on("data", (text) => {
      complaint = (complaint + text).slice(-1000);
    });
    child.on("error", failed);
    child.on("close", (status, signal) => {
      clearTimeout(deadline);
      process.off("exit", stop).off("SIGINT", interrupted).off("SIGTERM", interrupted);
      if (status === 0) done();
      else failed(new Error(`ended with ${signal ?? status}: ${complaint.trim().split("\n").at(-1)}`));
    });
  });
}

function median(runs, of) {
  const sorted = runs.map(of).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const cpu = (result) => median(result.runs, (run) => run.cpuS);
const peak = (result) => median(result.runs, (run) => run.peakMegabytes);
const measured = (results, name) => results.find((result) => result.name === name && result.failure === null);

function table(capture, results) {
  const ours = measured(results, "smtpscope");
  const lines = [[capture, "CPU s", "wall s", "peak MB", "CPU to ours"]];
  for (const result of results) {
    if (result.failure !== null) {
      lines.push([result.name, result.failure]);
      continue;
    }
    const wallS = median(result.runs, (run) => run.wallS);
    const ratio = ours === undefined ? "" : `${(cpu(result) / cpu(ours)).toFixed(2)}×`;
    lines.push([result.name, cpu(result).toFixed(2), wallS.toFixed(2), peak(result).toFixed(0), ratio]);
  }
  const line = ([name, ...cells]) => {
    const shown = cells.length === 1 ? cells : cells.map((cell) => cell.padStart(12));
    return `${name.padEnd(12)}${shown.join("")}`.trimEnd();
  };
  return `${lines.map(line).join("\n")}\n`;
}

function verdicts(capture, results) {
  const ours = measured(results, "smtpscope");
  if (ours === undefined) return "";
  const lines = TARGETS[capture].map(({ peer, says, atMost }) => {
    const other = measured(results, peer);
    if (other === undefined) return `  not measured  ${says}`;
    return `  ${cpu(ours) <= atMost * cpu(other) ? "reached     " : "MISSED      "}  ${says}`;
  });
  lines.push(`  ${peak(ours) <= MOST_MEGABYTES ? "reached     " : "MISSED      "}  ≤ ${MOST_MEGABYTES} MB`);
  return `${lines.join("\n")}\n`;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode ||= 2;
}
