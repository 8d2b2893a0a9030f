/**
 * Makes the two captures the benchmark reads: `small.pcap` (many short sessions, the cost of a
 * session and a reply) and `big.pcap` (few sessions, large messages, the cost of a byte).
 *
 *   node bench/make-captures.mjs [FOLDER]      default: $XDG_CACHE_HOME/smtpscope-bench
 *
 * smtp-source and smtp-sink (Debian's postfix) talk on port 25, where tshark looks for SMTP unasked,
 * over the loopback of a network namespace of its own: no other traffic, no port conflict, and its
 * settings end with it. The namespace has no name and its processes a PID namespace, so the kernel
 * removes both when the shell inside ends, however it ends.
 *
 * Loopback is given the wire's shape: an MTU of 1500, and one segment a packet. Left alone it hands
 * the sniffer 64 KiB super-segments, which flatter every reader.
 *
 * Absent on purpose: a fixed seed. Two makings differ in packet counts by a percent or so, so
 * compare programs on the same files and never across makings.
 */
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** `leastPackets` tells a capture that was cut short from one that was made. */
export const CAPTURES = [
  {
    name: "small.pcap",
    says: "60,000 one-message sessions",
    source: ["-s", "10", "-m", "60000"],
    leastPackets: 1_000_000,
    limitS: 180,
  },
  {
    name: "big.pcap",
    says: "20 sessions of one 50 MB message",
    source: ["-s", "2", "-m", "20", "-l", "50000000"],
    leastPackets: 740_000,
    limitS: 180,
  },
];

/** Given, for smtp-source otherwise names this machine and its user; of usual length, for so is the capture. */
const NAMES = [
  "-M",
  "client.example.com",
  "-f",
  "sender@client.example.com",
  "-t",
  "recipient@mx.example.net",
];

/** Tries before giving up: a busy machine may starve the sniffer once or twice. */
const MOST_TRIES = 4;

/** KiB of kernel ring. It must hold what two busy cores produce while tcpdump waits for the disk. */
const RING_KIB = 512 * 1024;

const POSTFIX_FOLDERS = ["/usr/sbin", "/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/local/sbin"];

/*
 * $1 sink, $2 source, $3 output, $4 ring KiB, $5 limit in seconds, the rest: options of the source.
 * smtp-sink refuses to stay root. tcpdump is ready once it says "listening on". The sleep before its end lets the last FINs arrive.
 */
const INSIDE = `
set -eu
sink=$1 source=$2 output=$3 ring=$4 limit=$5; shift 5
ip link set lo mtu 1500 gso_max_segs 1 up
[ "$(id -u)" -ne 0 ] || as='-u nobody'
"$sink" \${as:-} -h mx.example.net 127.0.0.1:25 1024 >&2 &
tcpdump -i lo -s 0 -B "$ring" -Z "$(id -un)" -w "$output" 'tcp port 25' 2>"$output.log" &
sniffer=$!
tries=0
until grep -qs 'listening on' "$output.log"; do
  tries=$((tries + 1)); [ "$tries" -lt 100 ] || { cat "$output.log" >&2; exit 1; }
  sleep 0.1
done
timeout "$limit" "$source" "$@" 127.0.0.1:25 >&2
sleep 2
kill -INT "$sniffer"
wait "$sniffer" || true
cat "$output.log"
`;

export function captureFolder() {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "smtpscope-bench");
}

/** @returns the program's full path, or null when it is not installed. */
export function findProgram(name, moreFolders = []) {
  for (const folder of [...(process.env.PATH ?? "").split(delimiter), ...moreFolders]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (folder !== "" && statSync(path).isFile()) return path;
    } catch {}
  }
  return null;
}

/** Makes the captures that `folder` does not hold yet. Throws what to install or what went wrong. */
export async function makeCaptures(folder, wanted = CAPTURES) {
  mkdirSync(folder, { recursive: true });
  for (const capture of wanted) {
    const path = join(folder, capture.name);
    if (existsSync(path)) continue;
    process.stderr.write(`making ${path}: ${capture.says}\n`);
    const packets = await makeOne(path, capture);
    const megabytes = Math.round(statSync(path).size / 1e6);
    process.stderr.write(`  ${packets.toLocaleString("en")} packets, ${megabytes} MB\n`);
  }
}

async function makeOne(path, capture) {
  // Renamed into place only when whole: an interrupted making is never taken for a capture.
  const part = `${path}.${process.pid}.part`;
  try {
    for (let attempt = 1; ; attempt++) {
      const problem = judge(await record(part, capture), capture);
      if (typeof problem === "number") {
        renameSync(part, path);
        return problem;
      }
      if (attempt === MOST_TRIES) throw new Error(`${capture.name}: ${problem}, ${MOST_TRIES} times`);
      process.stderr.write(`  ${problem}; once more\n`);
    }
  } finally {
    rmSync(part, { force: true });
    rmSync(`${part}.log`, { force: true });
  }
}

/** @returns the packet count of a good capture, or what is wrong with it. */
function judge(log, capture) {
  const count = (what) => Number(new RegExp(`^(\\d+) packets? ${what}`, "m").exec(log)?.[1] ?? Number.NaN);
  const packets = count("captured");
  const dropped = count("dropped by kernel");
  if (dropped !== 0)
    return Number.isNaN(dropped) ? "tcpdump gave no drop count" : `${dropped} packets dropped`;
  return packets >= capture.leastPackets ? packets : `only ${packets} packets`;
}

/** @returns what tcpdump said at its end. */
function record(output, capture) {
  const need = (name, debianPackage, folders) => {
    const path = findProgram(name, folders);
    if (path === null) throw new Error(`${name} is not installed (Debian: apt-get install ${debianPackage})`);
    return path;
  };
  const sink = need("smtp-sink", "postfix", POSTFIX_FOLDERS);
  const source = need("smtp-source", "postfix", POSTFIX_FOLDERS);
  need("tcpdump", "tcpdump", ["/usr/sbin"]);
  need("ip", "iproute2", ["/usr/sbin"]);

  const asUser = process.getuid() === 0 ? [] : ["--user", "--map-current-user", "--keep-caps"];
  const namespaces = [...asUser, "--net", "--pid", "--fork", "--kill-child=KILL"];
  const shell = [
    "sh",
    "-c",
    INSIDE,
    "sh",
    sink,
    source,
    output,
    RING_KIB,
    capture.limitS,
    ...NAMES,
    ...capture.source,
  ];
  const child = spawn(need("unshare", "util-linux"), [...namespaces, ...shell.map(String)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: "C" },
  });
  // Killing unshare kills the shell, and as that is the namespace's init, everything in it.
  const stop = () => child.kill("SIGKILL");
  const interrupted = () => {
    stop();
    process.exitCode = 130;
  };
  process.once("exit", stop).once("SIGINT", interrupted).once("SIGTERM", interrupted);
  const deadline = setTimeout(stop, (capture.limitS + 60) * 1000);

  return new Promise((done, failed) => {
    let said = "";
    let complaint = "";
    child.stdout.on("data", (text) => {
      said += text;
    });
    child.stderr.on("data", (text) => {
      complaint = (complaint + text).slice(-2000);
    });
    child.on("error", failed);
    child.on("close", (status, signal) => {
      clearTimeout(deadline);
      process.off("exit", stop).off("SIGINT", interrupted).off("SIGTERM", interrupted);
      if (status === 0) done(said);
      else failed(new Error(`making ${capture.name} failed (${signal ?? status}): ${complaint.trim()}`));
    });
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await makeCaptures(resolve(process.argv[2] ?? captureFolder()));
  } catch (error) {
    process.stderr.write(`make-captures: ${error.message}\n`);
    process.exitCode ||= 1;
  }
}
