/** Runs the built command, as a user does. */
import { type ChildProcessWithoutNullStreams, type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const COMMAND = join(ROOT, "bin/smtpscope");

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: Uint8Array | string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A program with arguments that starts the command in other circumstances. */
  readonly under?: readonly string[];
}

/** Longer than any test needs; a run that hangs is ended and shows as a signal. */
const PATIENCE_MS = 30_000;

export function start(args: readonly string[], options: RunOptions = {}): ChildProcessWithoutNullStreams {
  // The runner's own wishes for colour are not those of the tests.
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env;
  const spawning: SpawnOptions = {
    cwd: options.cwd ?? ROOT,
    env: { ...inherited, ...options.env },
    stdio: "pipe",
  };
  const [program, ...rest] = [...(options.under ?? []), COMMAND, ...args] as [string, ...string[]];
  return spawn(program, rest, spawning) as ChildProcessWithoutNullStreams;
}

export function outcome(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => stdout.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes));
  const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => {
      clearTimeout(late);
      const text = (parts: Buffer[]) => Buffer.concat(parts).toString("utf8");
      resolve({ status, signal, stdout: text(stdout), stderr: text(stderr) });
    });
  });
}

export function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(args, options);
  // The command may end without reading everything.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  return outcome(child);
}

export function replay(...args: string[]): Promise<Outcome> {
  return run(["replay", ...args]);
}

/** A folder of its own for one test file, gone afterwards. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "smtpscope-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** At most so many at once: each run is a process. */
export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  width = 4,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
