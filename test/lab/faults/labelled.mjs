/**
 * The labelled set: every fault scenario in a run and a directory of its own, several at a time.
 *
 * Each label is held against what the lab's client measured: a delay that was
 * set but not felt means that the scenario, not the diagnosis, is wrong.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fetchPackages, unpackPackages } from "../packages.mjs";

/** Runs mostly wait, but starting servers and CPU faults need a processor. */
const RUNS_AT_ONCE = 5;
const TOLERANCE = 0.1;
/** A healthy reply may take so long on a machine that is busy with other runs. */
const PROMPT_US = 150_000;
const ATTEMPTS = 4;
/** Real-time priority: a run must not wait for a processor, unless that is its fault. */
const HURRY = ["chrt", "--rr", "1"];

/** Answers the names of the scenarios that failed, or whose label is doubtful. */
export async function makeLabelledSet(faults, labScript, directory) {
  const root = mkdtempSync(join(tmpdir(), "smtpscope-lab-root-"));
  const discard = () => rmSync(root, { recursive: true, force: true });
  process.once("exit", discard);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(130));
  unpackPackages(fetchPackages(), root);
  const failed = [];
  const runAll = async (queue, runsAtOnce) => {
    const worker = async () => {
      for (let row = queue.shift(); row; row = queue.shift()) {
        // A busy machine may add delays of its own: what stays doubtful is wrong.
        let doubt = "not tried";
        for (let attempt = 0; doubt && attempt < ATTEMPTS; attempt++) {
          doubt = await makeOne(row, labScript, join(directory, row.name), root);
        }
        console.log(`${row.name}: ${doubt ?? "done"}`);
        if (doubt) failed.push(row.name);
      }
    };
    await Promise.all(Array.from({ length: runsAtOnce }, worker));
  };
  await runAll(
    faults.filter(({ alone }) => !alone),
    RUNS_AT_ONCE,
  );
  // A fault of the processor would be felt by every other run.
  await runAll(
    faults.filter(({ alone }) => alone),
    1,
  );
  return failed;
}

/** Copies a made set, packed, to where the diagnosis is tested; without what is large and alike to others. */
export function shipLabelledSet(faults, from, directory) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const { name, large } of faults) {
    const label = join(from, name, `${name}.label.json`);
    if (large || !existsSync(label)) continue;
    cpSync(label, join(directory, `${name}.label.json`));
    for (const side of ["client", "server"]) {
      const capture = readFileSync(join(from, name, `${name}.${side}.pcap`));
      writeFileSync(join(directory, `${name}.${side}.pcap.gz`), gzipSync(capture, { level: 9 }));
    }
  }
}

async function makeOne(row, labScript, directory, root) {
  mkdirSync(directory, { recursive: true });
  const env = { ...process.env, SMTPSCOPE_LAB_ROOT: root };
  const command = [process.execPath, labScript, row.name, directory];
  const [program, ...args] = row.alone || !mayHurry() ? command : [...HURRY, ...command];
  const child = spawn(program, args, { env });
  // An interrupted set interrupts its runs, which then clean up after themselves.
  const interrupt = () => child.kill("SIGTERM");
  process.once("exit", interrupt);
  let complaint = "";
  child.stdout.resume();
  child.stderr.setEncoding("utf8").on("data", (text) => {
    complaint += text;
  });
  const status = await new Promise((done) => child.once("close", done));
  process.removeListener("exit", interrupt);
  if (status !== 0) return `failed: ${complaint.trim()}`;
  return doubtAbout(JSON.parse(readFileSync(join(directory, `${row.name}.label.json`), "utf8")));
}

function mayHurry() {
  return spawnSync(HURRY[0], [...HURRY.slice(1), "true"]).status === 0;
}

/** Says how the label and what the client felt disagree, if they do. */
function doubtAbout({ causes, sessions, server }) {
  const feltUs = (isMeant) =>
    total(sessions.flatMap(({ waits }) => waits.filter(isMeant).map(([, us]) => us)));
  for (const { id, phases, basis, perSessionUs } of causes) {
    if (basis !== "set" || causes.length > 1 || !perSessionUs.some(Boolean)) continue;
    const [setUs, measuredUs] = [total(perSessionUs), feltUs(([phase]) => phases.includes(phase))];
    if (Math.abs(measuredUs - setUs) > TOLERANCE * setUs) {
      return `doubtful: ${id} set ${setUs} µs, the client felt ${measuredUs} µs in ${phases.join(", ")}`;
    }
  }
  // What has no phases or no number is not a delay, or not the only one.
  if (causes.some(({ phases, basis }) => phases.length === 0 || basis === null)) return undefined;
  const meant = new Set([...causes.flatMap(({ phases }) => phases), ...(server === "exim" ? ["quit"] : [])]);
  const noiseUs = feltUs(([phase, us]) => !meant.has(phase) && us > PROMPT_US);
  return noiseUs > 0 ? `doubtful: ${noiseUs} µs of delays that nobody meant` : undefined;
}

function total(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}
