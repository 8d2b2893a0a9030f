/**
 * Commands: one way to run a short external program, and to say why it failed.
 */
import { spawnSync } from "node:child_process";

/** Runs a program to its end; answers its standard output, or throws with its complaint. */
export function run(program, args, { input = "", mayFail = false, cwd } = {}) {
  const result = spawnSync(program, args, { input, cwd, encoding: "utf8" });
  if (!mayFail && (result.error || result.status !== 0)) {
    const why = result.error?.message ?? (result.stderr || result.stdout).trim();
    throw new Error(`${program} ${args.join(" ")}: ${why}`);
  }
  return result.stdout ?? "";
}

export function isInstalled(program) {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until `probe` answers something true; used for "is the server up yet". */
export async function until(what, probe, timeoutMs = 10_000) {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (await probe()) return;
    await sleep(50);
  }
  throw new Error(`gave up waiting for ${what} after ${timeoutMs} ms`);
}
