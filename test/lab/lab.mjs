/**
 * Lab: real mail servers, real packets, chosen faults.
 *
 *     node test/lab/lab.mjs --list
 *     node test/lab/lab.mjs SCENARIO [OUTDIR]      leaves SCENARIO.client.pcap and SCENARIO.server.pcap
 *     node test/lab/lab.mjs --all [DIRECTORY]      remakes every shipped capture
 *     node test/lab/lab.mjs --check                says what keeps the lab from running here;
 *                                                  downloads the servers' packages
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startCaptures, stopCaptures } from "./capture.mjs";
import { Laboratory } from "./laboratory.mjs";
import { fetchPackages, serverVersions, whatIsMissing } from "./packages.mjs";
import { SCENARIOS } from "./scenarios/index.mjs";

const USAGE = "usage: lab.mjs --list | --check | --all [DIRECTORY] | SCENARIO [OUTDIR]";

/** Plays one scenario; answers the capture files by side. */
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
    for (const outcome of (await scenario.run(lab, prepared)) ?? []) {
      console.log(typeof outcome === "string" ? outcome : JSON.stringify(outcome));
    }
    await lab.settle();
    return await stopCaptures(captures);
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
      copyFileSync(files[scenario.ship], join(directory, `${scenario.name}.pcap`));
    }
  } finally {
    discard();
  }
}

async function main([first, second]) {
  if (first === "--list") {
    for (const { name, title } of SCENARIOS) console.log(`${name.padEnd(12)} ${title}`);
    return;
  }
  const scenario = SCENARIOS.find(({ name }) => name === first);
  if (!scenario && !["--all", "--check"].includes(first)) throw new Error(USAGE);
  const missing = whatIsMissing();
  if (missing) throw new Error(missing);
  console.log(serverVersions(fetchPackages()));
  if (first === "--all") await remakeCaptures(resolve(second ?? "captures"));
  if (scenario) console.log(await playScenario(scenario, resolve(second ?? ".")));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`lab: ${error.message}`);
  process.exitCode = 1;
}
