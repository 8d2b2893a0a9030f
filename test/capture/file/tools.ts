/** Other people's programs as oracles: absent ones are skipped at a desk and demanded where every test must run. */
import { execFile, spawnSync } from "node:child_process";
import { describe } from "vitest";

function isThere(tool: string): boolean {
  return spawnSync(tool, ["--version"]).error === undefined;
}

/** A `describe` that is skipped, and says so, when a tool is missing; with CI set it runs and fails. */
export function describeWith(tools: readonly string[], name: string, tests: () => void): void {
  const missing = tools.filter((tool) => !isThere(tool));
  const skip = missing.length > 0 && process.env.CI === undefined;
  describe.skipIf(skip)(skip ? `${name} (skipped: no ${missing.join(", ")})` : name, tests);
}

/** What it says, whatever its exit status. */
export function run(tool: string, ...args: string[]): Promise<{ out: string; err: string; status: number }> {
  return new Promise((resolve, reject) => {
    execFile(tool, args, { maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === "number") resolve({ out, err, status });
      else reject(error);
    });
  });
}
