/** A running proxy, as an operator starts it. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const PROGRAM = fileURLToPath(new URL("../../../bin/smtpscope", import.meta.url));

export interface RunningProxy {
  readonly port: number;
  readonly process: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** The observing process. */
  observerPid(): number | null;
  residentBytes(): number;
  /** @returns the exit status */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  exited: Promise<number | null>;
}

export interface ProxyOptions {
  readonly upstream: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** A command that the program is started by, such as prlimit. */
  readonly by?: readonly string[];
}

export async function startProxy({
  upstream,
  args = [],
  env = {},
  by = [],
}: ProxyOptions): Promise<RunningProxy> {
  const port = await freePort();
  const command = [
    ...by,
    process.execPath,
    PROGRAM,
    "proxy",
    "-l",
    String(port),
    "-u",
    upstream,
    "--socket",
    "none",
  ];
  const child = spawn(command[0]!, [...command.slice(1), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text: Buffer) => {
    stdout += text;
  });
  child.stderr.on("data", (text: Buffer) => {
    stderr += text;
  });
  const exited = new Promise<number | null>((resolve) => child.on("close", (status) => resolve(status)));
  await until(() => stderr.includes("listening on") || child.exitCode !== null, "the proxy to listen");
  if (child.exitCode !== null) throw new Error(`the proxy ended: ${stderr}`);
  return {
    port,
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    observerPid: () => childOf(child.pid!),
    residentBytes: () => residentBytes(child.pid!),
    exited,
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return exited;
    },
  };
}

export async function until(isSo: () => boolean, what: string, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await sleep(10);
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function childOf(pid: number): number | null {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "latin1").split(") ")[1]!.split(" ");
      if (Number(fields[1]) === pid && fields[0] !== "Z") return Number(name);
    } catch {
      // Gone meanwhile.
    }
  }
  return null;
}

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  return Number(line?.[1] ?? 0) * 1024;
}
