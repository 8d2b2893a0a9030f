/**
 * The labelled set: every fault scenario in a run and a directory of its own, several at a time.
 *
 * Each label is held against what the lab's client measured: a delay that was
 * set but not felt means that the scenario, not the diagnosis, is wrong.
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fetchPackages, unpackPackages } from "../packages.mjs";

/** Runs mostly wait, but starting servers and CPU faults need a processor. */
const RUNS_AT_ONCE = 5;
const TOLERANCE = 0.1;

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
        const make = () => makeOne(row, labScript, join(directory, row.name), root);
        // A busy machine may add a delay of its own: what is doubtful twice is wrong.
        const doubt = (await make()) && (await make());
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
  const child = spawn(process.execPath, [labScript, row.name, directory], { env });
  let complaint = "";
  child.stdout.resume();
  child.stderr.setEncoding("utf8").on("data", (text) => {
    complaint += text;
  });
  const status = await new Promise((done) => child.once("close", done));
  if (status !== 0) return `failed: ${complaint.trim()}`;
  return doubtAbout(JSON.parse(readFileSync(join(directory, `${row.name}.label.json`), "utf8")));
}

function doubtAbout({ causes, sessions }) {
  for (const { id, phases, basis, perSessionUs } of causes) {
    if (basis !== "set" || causes.length > 1 || !perSessionUs.some(Boolean)) continue;
    const felt = sessions.map(({ waits }) =>
      waits.filter(([phase]) => phases.includes(phase)).reduce((sum, [, us]) => sum + us, 0),
    );
    const total = (numbers) => numbers.reduce((sum, us) => sum + us, 0);
    const [set, measured] = [total(perSessionUs), total(felt)];
    if (Math.abs(measured - set) > TOLERANCE * set) {
      return `doubtful: ${id} set ${set} µs, the client felt ${measured} µs in ${phases.join(", ")}`;
    }
  }
  return undefined;
}
