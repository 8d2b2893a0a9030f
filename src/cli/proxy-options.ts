import { readFileSync } from "node:fs";
import yargs, { type ArgumentsCamelCase, type Argv, type InferredOptionTypes } from "yargs";
import { parseNetworks } from "../relay/host-port.ts";
import type { RelayLimits } from "../relay/relay.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { descriptorLimit, possibleConnections, SPARE_DESCRIPTORS } from "./descriptors.ts";
import { FILE_OPTIONS } from "./file-options.ts";
import { REASK_OPTIONS } from "./reask.ts";
import { REPORT_OPTIONS, refuseRepeated } from "./report-options.ts";
import { ROUTE_OPTIONS } from "./route-options.ts";
import { SCREEN_OPTIONS } from "./terminal.ts";
import { parseLength } from "./times.ts";

/** What `smtpscope proxy` takes, from the command line and from --config, at the start and again on SIGHUP. */

const LIMIT_OPTIONS = {
  "max-conn": {
    type: "number",
    requiresArg: true,
    describe: "Connections at once; more are refused [default: 10000, or what ulimit -n allows]",
  },
  "max-conn-per-client": {
    type: "number",
    requiresArg: true,
    describe: "Connections at once from one address [default: as many as --max-conn]",
  },
  "connect-timeout": {
    type: "string",
    default: "30s",
    requiresArg: true,
    describe: "How long the server may take to accept a connection; 5s at most where it has another address",
  },
  "idle-timeout": {
    type: "string",
    default: "0",
    requiresArg: true,
    describe: "End connections on which nothing was said for so long; 0: never",
  },
  allow: {
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: "Networks that may connect, e.g. 192.0.2.0/24; everybody otherwise",
  },
} as const;

export const PROXY_TABLE = {
  ...ROUTE_OPTIONS,
  "print-rules": {
    type: "string",
    describe: "Print the nft and ip commands that the mode needs, and end; =down: those that undo them",
  },
  ...LIMIT_OPTIONS,
  drain: {
    type: "string",
    default: "30s",
    requiresArg: true,
    describe: "How long open connections may go on after SIGTERM or Ctrl-C",
  },
  duration: { type: "string", requiresArg: true, describe: "End by itself after so long, e.g. 2h" },
  socket: {
    type: "string",
    requiresArg: true,
    describe: "Where attach may watch; none: nowhere",
  },
  format: {
    alias: "o",
    choices: ["text", "json"] as ("text" | "json")[],
    default: "text" as "text" | "json",
    requiresArg: true,
    describe: "The summary at the end as text or JSON",
  },
  quiet: { alias: "q", type: "boolean", default: false, describe: "No line for each dialogue" },
  ...FILE_OPTIONS,
  config: {
    type: "string",
    requiresArg: true,
    describe: "A JSON file with any of these options; read again on SIGHUP",
  },
  ...SCREEN_OPTIONS,
  ...REPORT_OPTIONS,
  ...REASK_OPTIONS,
} as const;

export const PROXY_OPTIONS: readonly string[] = Object.keys(PROXY_TABLE);

export type ProxyArguments = ArgumentsCamelCase<InferredOptionTypes<typeof PROXY_TABLE>>;

export function proxyOptions(argv: Argv) {
  return argv
    .options(PROXY_TABLE)
    .config("config", readConfig)
    .example("$0 proxy -l 2525 -u mx.example.net:25", "Let a client connect to port 2525 instead")
    .example(
      "$0 proxy -l 2525 --mode tproxy --print-rules",
      "What brings clients' connections there, untouched",
    )
    .epilogue(
      "Signals: SIGTERM or Ctrl-C once: no new connections, those there may end (--drain), summary, status 0; " +
        "twice: end now. SIGHUP: read --config again. SIGUSR1: rotate files. SIGUSR2: print an interim summary",
    );
}

/** @throws SmtpscopeError */
export function limitsOf(args: ProxyArguments): RelayLimits {
  const whole = (value: number, option: string) => {
    if (Number.isInteger(value) && value > 0) return value;
    throw new SmtpscopeError("usage", `--${option} takes a whole number above 0`);
  };
  const descriptors = descriptorLimit() ?? Number.POSITIVE_INFINITY;
  const possible = possibleConnections(descriptors);
  const maxConnections =
    args.maxConn === undefined ? Math.min(DEFAULT_CONNECTIONS, possible) : whole(args.maxConn, "max-conn");
  if (maxConnections > possible || possible < 1) {
    throw new SmtpscopeError(
      "usage",
      `--max-conn ${maxConnections} needs ${maxConnections * 2 + SPARE_DESCRIPTORS} file descriptors, and ${descriptors} are allowed: ` +
        `raise the limit (ulimit -n, LimitNOFILE=) or say --max-conn ${Math.max(1, possible)}`,
    );
  }
  return {
    maxConnections,
    maxPerClient:
      args.maxConnPerClient === undefined
        ? maxConnections
        : whole(args.maxConnPerClient, "max-conn-per-client"),
    connectTimeoutMs: parseLength(args.connectTimeout, "connect-timeout"),
    idleTimeoutMs: parseLength(args.idleTimeout, "idle-timeout", Number.POSITIVE_INFINITY),
    allow: args.allow === undefined ? null : parseNetworks(args.allow, "allow"),
  };
}

const DEFAULT_CONNECTIONS = 10_000;

/** The command line and its --config, as they were taken at the start. @throws SmtpscopeError */
export async function argumentsAgain(): Promise<ProxyArguments> {
  const args = await yargs(process.argv.slice(2))
    .options(PROXY_TABLE)
    .config("config", readConfig)
    .parserConfiguration({ "boolean-negation": false })
    .strictOptions()
    .help(false)
    .version(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new SmtpscopeError("usage", message);
    })
    .parseAsync();
  refuseRepeated(args, PROXY_TABLE);
  return args;
}

function readConfig(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
    throw new Error("it is not an object of options");
  } catch (error) {
    throw new SmtpscopeError("usage", `--config ${path}: ${(error as Error).message}`);
  }
}
