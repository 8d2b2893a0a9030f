/**
 * Lab: real mail servers, real packets, chosen faults.
 *
 *     node test/lab/lab.mjs --list
 *     node test/lab/lab.mjs SCENARIO [OUTDIR]      leaves SCENARIO.client.pcap and SCENARIO.server.pcap
 *     node test/lab/lab.mjs --all [DIRECTORY]      remakes every shipped capture
 *     node test/lab/lab.mjs --labelled OUTDIR [WORD...]  every fault scenario, or those with a word in the name
 *     node test/lab/lab.mjs --ship-labelled OUTDIR       takes such a set into test/diagnosis/labelled
 *     node test/lab/lab.mjs --check                says what keeps the lab from running here;
 *                                                  downloads the servers' packages
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startCaptures, stopCaptures } from "./capture.mjs";
import { FAULTS } from "./faults/index.mjs";
import { writeLabel } from "./faults/label.mjs";
import { makeLabelledSet, shipLabelledSet } from "./faults/labelled.mjs";
import { Laboratory } from "./laboratory.mjs";
import { fetchPackages, serverVersions, whatIsMissing } from "./packages.mjs";
import { SCENARIOS } from "./scenarios/index.mjs";

const USAGE = `usage: lab.mjs --list | --check | --all [DIRECTORY]
       lab.mjs --labelled OUTDIR [WORD...] | --ship-labelled OUTDIR | SCENARIO [OUTDIR]`;
const SHIPPED = fileURLToPath(new URL("../diagnosis/labelled", import.meta.url));

/** Plays one scenario; answers the files it left, by side, and the label of a fault. */
async function playScenario(scenario, directory) {
  mkdirSync(directory, { recursive: true });
  const lab = new Laboratory();
  const close = () => lab.close();
  const interrupted = () => {
    close();
    process.exit(130);
  };
  process.once("exit", close);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, interrupted);
  try {
    lab.open();
    const prepared = await scenario.prepare(lab);
    const captures = await startCaptures(lab, directory, scenario.name, scenario.precision);
    const outcomes = (await scenario.run(lab, prepared)) ?? [];
    for (const outcome of outcomes) {
      console.log(typeof outcome === "string" ? outcome : JSON.stringify(outcome));
    }
    await lab.settle();
    const files = await stopCaptures(captures);
    return scenario.causes ? { ...files, label: writeLabel(directory, scenario, outcomes, files) } : files;
  } finally {
    close();
    process.removeListener("exit", close);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeListener(signal, interrupted);
  }
}

async function remakeCaptures(directory) {
  const scratch = mkdtempSync(join(tmpdir(), "smtpscope-lab-out-"));
  const discard = () => rmSync(scratch, { recursive: true, force: true });
  process.once("exit", discard);
  try {
    mkdirSync(directory, { recursive: true });
    for (const scenario of SCENARIOS.filter(({ ship }) => ship)) {
      console.log(`${scenario.name}: ${scenario.title}`);
      const files = await playScenario(scenario, scratch);
      const ship = (side, name) => copyFileSync(files[side], join(directory, `${name}.pcap`));
      if (scenario.ship !== "both") ship(scenario.ship, scenario.name);
      else {
        ship("server", `${scenario.name}.inside`);
        ship("client", `${scenario.name}.outside`);
      }
    }
  } finally {
    discard();
  }
}

async function makeLabelled(directory, words) {
  const wanted = FAULTS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  const failed = await makeLabelledSet(wanted, fileURLToPath(import.meta.url), directory);
  if (failed.length > 0) throw new Error(`not as labelled: ${failed.join(", ")}`);
}

async function main([first, second, ...rest]) {
  if (first === "--list") {
    for (const { name, title } of [...SCENARIOS, ...FAULTS]) console.log(`${name.padEnd(28)} ${title}`);
    return;
  }
  if (first === "--ship-labelled" && second) return shipLabelledSet(FAULTS, resolve(second), SHIPPED);
  const scenario = [...SCENARIOS, ...FAULTS].find(({ name }) => name === first);
  if (!scenario && !["--all", "--check", "--labelled"].includes(first)) throw new Error(USAGE);
  if (first === "--labelled" && !second) throw new Error(USAGE);
  const missing = whatIsMissing();
  if (missing) throw new Error(missing);
  console.log(serverVersions(fetchPackages()));
  if (first === "--all") await remakeCaptures(resolve(second ?? "captures"));
  if (first === "--labelled") await makeLabelled(resolve(second), rest);
  if (scenario) console.log(await playScenario(scenario, resolve(second ?? ".")));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`lab: ${error.message}`);
  process.exitCode = 1;
}
