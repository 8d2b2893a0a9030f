/**
 * The lab (test/lab) with a proxy in it: clients and servers in network namespaces of their own, the proxy
 * on the firewall that routes between them.
 */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Report } from "../../../src/spine/report.ts";

/** What the lab's JavaScript offers of itself here. */
export interface Laboratory {
  /** Where the servers' packages are unpacked. */
  readonly root: string;
  open(): void;
  close(): void;
  path(...names: string[]): string;
  startDns(config: object): Promise<void>;
  spawn(role: Role, command: readonly string[], options?: { input?: string }): ChildProcess;
  outputOf(child: ChildProcess): () => string;
  execute(role: Role, command: readonly string[], options?: { input?: string }): Promise<string>;
  converse(dialogues: readonly Dialogue[]): Promise<Outcome[]>;
}

export type Role = "client" | "firewall" | "server" | "dns";

interface Dialogue {
  readonly label: string;
  readonly source?: string;
  readonly host: string;
  readonly port?: number;
  readonly commands?: readonly string[];
  readonly mails?: readonly object[];
  readonly patienceMs?: number;
}

interface Outcome {
  readonly label: string;
  readonly replies: readonly number[];
  readonly error?: string;
}

type StartServer = (lab: Laboratory, role: Role, options?: object) => Promise<unknown>;

const lab = (file: string) => import(new URL(`../../lab/${file}`, import.meta.url).href);
export const { Laboratory } = (await lab("laboratory.mjs")) as { Laboratory: new () => Laboratory };
export const { whatIsMissing } = (await lab("packages.mjs")) as { whatIsMissing(): string | undefined };
export const { startPostfix } = (await lab("servers/postfix.mjs")) as { startPostfix: StartServer };
export const { startEximServer } = (await lab("servers/exim.mjs")) as { startEximServer: StartServer };
const { until } = (await lab("commands.mjs")) as {
  until(what: string, probe: () => boolean | Promise<boolean>): Promise<void>;
};

const SMTPSCOPE = fileURLToPath(new URL("../../../bin/smtpscope", import.meta.url));

/** The program as the shell of a namespace is told to run it. */
export const smtpscope = (...args: string[]): string[] => [process.execPath, SMTPSCOPE, ...args];

export interface RunningProxy {
  /** What it said to the operator so far. */
  said(): string;
  /** Ends it as an operator would; @returns its report. */
  end(): Promise<Report>;
}

/**
 * Starts a proxy and waits until it listens.
 * @param launcher put before the command: `setpriv …`, or one that passes sockets on
 */
export async function startProxy(
  inside: Laboratory,
  role: Role,
  args: readonly string[],
  launcher: readonly string[] = [],
): Promise<RunningProxy> {
  const socket = args.includes("--socket") ? [] : ["--socket", "none"];
  const command = smtpscope("proxy", "-q", "-o", "json", "--drain", "1s", ...socket, ...args);
  const child = inside.spawn(role, [...launcher, ...command]);
  let report = "";
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => {
    report += part;
  });
  child.stderr?.setEncoding("utf8").on("data", (part: string) => {
    said += part;
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await until(`the proxy to listen (${said})`, () => {
    if (child.exitCode !== null) throw new Error(`the proxy ended: ${said}`);
    return said.includes("listening on");
  });
  return {
    said: () => said,
    async end() {
      child.kill("SIGTERM");
      await ended;
      return JSON.parse(report) as Report;
    },
  };
}

/** Brings the rules up that the proxy prints for these options, in the namespace. @returns how to undo them */
export async function applyRules(
  inside: Laboratory,
  role: Role,
  args: readonly string[],
): Promise<() => Promise<string>> {
  const up = await inside.execute(role, smtpscope("proxy", ...args, "--print-rules"));
  const undo = up.match(/^# {3}.*/gm)?.map((line) => line.slice(4)) ?? [];
  await inside.execute(role, ["sh", "-e"], { input: up });
  return () => inside.execute(role, ["sh", "-e"], { input: undo.join("\n") });
}

/** A log of the lab's servers, from where it was last read. */
export class ServerLog {
  readonly #path: string;
  #read = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** What was added since, once it says what is awaited. */
  async since(awaited: RegExp): Promise<string> {
    let text = "";
    await until(`${awaited} in ${this.#path}`, () => {
      text = this.#text().slice(this.#read);
      return awaited.test(text);
    });
    this.#read += text.length;
    return text;
  }

  skip(): void {
    this.#read = this.#text().length;
  }

  #text(): string {
    try {
      return readFileSync(this.#path, "latin1");
    } catch {
      return "";
    }
  }
}
