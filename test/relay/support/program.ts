/**
 * Programs of tests: a TypeScript file bundled for Node, to run in a namespace or as another user. The
 * bundle lies below node_modules, where its packages are found.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const DIRECTORY = fileURLToPath(new URL("../../../node_modules/.cache/smtpscope-test/", import.meta.url));

/** @returns the path of the bundle */
export function bundle(source: URL): string {
  mkdirSync(DIRECTORY, { recursive: true });
  const outfile = join(DIRECTORY, `${basename(source.pathname, ".ts")}-${process.pid}.mjs`);
  const options = { bundle: true, platform: "node", format: "esm", packages: "external" } as const;
  buildSync({ ...options, entryPoints: [fileURLToPath(source)], outfile, target: "node20" });
  return outfile;
}

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
  readonly complaint: string;
}

/** Runs a program to its end, at most 30 s. */
export function run(command: readonly string[], input = ""): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command[0]!, command.slice(1), {
    encoding: "utf8",
    input,
    timeout: 30_000,
  });
  return { status, output: stdout ?? "", complaint: error?.message ?? (stderr ?? "").trim() };
}

/** Why tests that need root and these programs can't run here; undefined when they can. */
export function whyNotAsRoot(...programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = programs.filter((program) => run(["sh", "-c", `command -v ${program}`]).status !== 0);
  return missing.length === 0 ? undefined : `needs ${missing.join(", ")}`;
}
