import { chmodSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import yargs, { type ArgumentsCamelCase, type Argv, type InferredOptionTypes } from "yargs";
import { offerObservations } from "../relay/attach-point.ts";
import { isLoopback, type ListenOn, parseNetworks } from "../relay/host-port.ts";
import { kernelBy } from "../relay/kernel.ts";
import { openNative } from "../relay/native/native.ts";
import { dropPrivileges } from "../relay/native/privileges.ts";
import { ObserverProcess } from "../relay/observer-process.ts";
import { Relay, type RelayLimits } from "../relay/relay.ts";
import type { Route } from "../relay/route.ts";
import { restoreSettings, terminalSettings } from "../relay/terminal-settings.ts";
import type { Upstream } from "../relay/upstream.ts";
import { hostOf, portOf } from "../spine/address.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { plural } from "../spine/format.ts";
import { complain, complainBy, complainTo } from "./complain.ts";
import { descriptorLimit, possibleConnections, SPARE_DESCRIPTORS } from "./descriptors.ts";
import { EXIT } from "./exit.ts";
import { FILE_OPTIONS, fileRequest, refuseUnwritable } from "./file-options.ts";
import { leaveAtLatest } from "./leave.ts";
import type { ObserveRequest } from "./observe.ts";
import { REASK_OPTIONS, reaskRequest } from "./reask.ts";
import { REPORT_OPTIONS, refuseRepeated, reportRequest } from "./report-options.ts";
import { listenOn, ROUTE_OPTIONS, resolveOrSay, routeOf, sourceOf, upstreamOf } from "./route-options.ts";
import { rulesText } from "./rules-text.ts";
import { socketFolder } from "./socket-folder.ts";
import { RESTORE_TERMINAL, SCREEN_OPTIONS, screenIsPossible } from "./terminal.ts";
import { parseLength } from "./times.ts";
import { unwaitedWriter } from "./unwaited.ts";

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

const OPTIONS = {
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

export const PROXY_OPTIONS: readonly string[] = Object.keys(OPTIONS);

type ProxyArguments = ArgumentsCamelCase<InferredOptionTypes<typeof OPTIONS>>;

export function proxyOptions(argv: Argv) {
  return argv
    .options(OPTIONS)
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

/** The longest that the summary may take when all is over. */
const SUMMARY_PATIENCE_MS = 30_000;
/** And the last lines to the operator after that. */
const LAST_WORDS_MS = 2_000;

/** @returns the exit status, when it is over */
export async function proxy(args: ProxyArguments): Promise<number> {
  refuseRepeated(args, OPTIONS);
  if (args.printRules !== undefined) {
    process.stdout.write(await rulesText(args, args.printRules));
    return EXIT.done;
  }
  const listen = listenOn(args);
  const upstream = upstreamOf(args);
  const limits = limitsOf(args);
  const drainMs = parseLength(args.drain, "drain");
  const durationMs = args.duration === undefined ? null : parseLength(args.duration, "duration");
  const { format, color } = args;
  const screen = args.tui && screenIsPossible("text", undefined) ? { ascii: args.ascii } : null;
  const settings = screen === null ? null : terminalSettings();
  const toTerminal = unwaitedWriter(process.stdout);
  const reask = reaskRequest(args);
  const report = await reportRequest(args, args.quiet || args.format === "json" ? "nothing" : "lines");
  const files = fileRequest(args);
  if (upstream !== null) await resolveOrSay(upstream);
  const native = await openNative();
  const route = routeOf(args, upstream, listen, native);
  const kernel = typeof native === "string" ? null : kernelBy(native);
  const relay = new Relay({ listen, route, kernel, tellsMessages: files.raw }, limits);
  surviveEverything();
  await listenOrSay(relay, listen);
  if (upstream !== null && args.mode === "explicit") refuseLoop(route, upstream);
  if (args.user !== undefined) {
    dropPrivileges(args.user, sourceOf(args) === "client" && typeof native !== "string" ? native : null);
  }
  refuseUnwritable(files);
  if (files.raw) complain(`--raw: ${files.recording} will hold passwords and mail as they are`);
  const about = `${route.mode} proxy on ${relay.listening.join(", ")}, relaying to ${route.upstreamText}; times are the proxy's own`;
  const request: ObserveRequest = { ...report, format, color, reask, screen, files, about };
  const observer = new ObserverProcess(relay, {
    script: fileURLToPath(new URL("./observe.js", import.meta.url)),
    request: JSON.stringify(request),
    onRestart: (why) => {
      if (screen !== null) {
        // The terminal, from a screen that could not give it back itself.
        toTerminal(RESTORE_TERMINAL);
        if (settings !== null) restoreSettings(settings);
        complainTo(null);
      }
      complain(`the analysing process ${why}; mail flows on, it is started again`);
      if (screen !== null) complain("without a screen; to have one: smtpscope attach --tui");
      return JSON.stringify({ ...request, screen: null });
    },
  });
  // Signals are heeded before anybody is told that it runs.
  const over = untilOver(relay, observer, { args, drainMs, durationMs });
  const socketPath = await offer(relay, args.socket, portOf(relay.listening[0] ?? "") ?? 0);
  announce(relay, route, upstream, args.allow !== undefined, socketPath);
  if (screen !== null) complainTo((text) => observer.order({ kind: "say", text }));
  observer.start();
  try {
    const status = await observer.finish(await over, SUMMARY_PATIENCE_MS);
    if (status === null) complain("the summary was not to be had");
    leaveAtLatest(status ?? EXIT.done, LAST_WORDS_MS);
    return status ?? EXIT.done;
  } finally {
    relay.stop();
    if (socketPath !== null) rmSync(socketPath, { force: true });
  }
}

function limitsOf(args: ProxyArguments): RelayLimits {
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

function refuseLoop(route: Route, upstream: Upstream): void {
  if (route.goesInCircles(upstream.addresses)) {
    throw new SmtpscopeError("usage", `--upstream ${upstream.text} is where the proxy itself listens`);
  }
}

async function listenOrSay(relay: Relay, listen: readonly ListenOn[]): Promise<void> {
  try {
    await relay.listen();
  } catch (error) {
    if (error instanceof SmtpscopeError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const where = listen.map((on) => ("fd" in on ? `fd:${on.fd}` : `${on.host} port ${on.port}`)).join(", ");
    throw new SmtpscopeError("usage", `cannot listen on ${where}: ${REASONS[code ?? ""] ?? message}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "something else listens there (ss -ltnp shows what)",
  EACCES: "ports below 1024 need root or CAP_NET_BIND_SERVICE; or listen on a higher one",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "there is no such address",
  EINVAL: "nothing can listen there (fd:N has to be a listening TCP socket)",
};

/** A defect met by one connection must not end the others. */
function surviveEverything(): void {
  // A peer that resets is no news; where in Node it was noticed costs more than the reset itself.
  Error.stackTraceLimit = 0;
  let said = 0;
  process.on("uncaughtException", (error) => {
    if (said++ < MAX_SAID) complain(`internal error, mail flows on: ${error.message}`);
  });
  // The terminal may go away, or be stopped; the mail may not notice.
  complainBy(unwaitedWriter(process.stderr));
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners("error").on("error", () => {});
}

const MAX_SAID = 20;

async function offer(relay: Relay, option: string | undefined, port: number): Promise<string | null> {
  if (option === "none") return null;
  try {
    const path = option ?? join(socketFolder(), `proxy-${port}.sock`);
    // We hold the port, so whoever left a socket of this name is gone.
    if (option === undefined) rmSync(path, { force: true });
    await offerObservations(relay, path);
    chmodSync(path, 0o600);
    return path;
  } catch (error) {
    const { message } = error as Error;
    if (option !== undefined) {
      const isThere = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      const why = isThere ? "it is there already; remove it if no proxy offers it" : message;
      throw new SmtpscopeError("usage", `--socket ${option}: ${why}`);
    }
    complain(`nobody can attach: ${message}`);
    return null;
  }
}

function announce(
  relay: Relay,
  route: Route,
  upstream: Upstream | null,
  isRestricted: boolean,
  socketPath: string | null,
): void {
  const addresses = (upstream?.addresses ?? []).map((address) => address.host).join(", ");
  const known = addresses === "" || addresses === upstream?.host ? "" : ` (${addresses})`;
  complain(`listening on ${relay.listening.join(", ")}, relaying to ${route.upstreamText}${known}`);
  if (!route.sourcePreserved) {
    complain("the server sees this machine's address: its lookups are about the proxy, not the client");
  }
  const lacking = route.unreachableFamily(relay.listening.map(hostOf));
  if (lacking !== null)
    complain(
      `clients that come by ${lacking} can't be relayed as themselves: the server has no such address`,
    );
  const isOpen = relay.listening.some((endpoint) => !isLoopback(hostOf(endpoint)));
  if (route.mode === "explicit" && isOpen && !isRestricted) {
    complain(
      route.sourcePreserved
        ? "anybody who reaches this port reaches the server; --allow restricts it"
        : "anybody who reaches this port reaches the server with this machine's rights; --allow restricts it",
    );
  }
  if (socketPath !== null) complain(`to watch: smtpscope attach ${socketPath}`);
}

interface Ending {
  readonly args: ProxyArguments;
  readonly drainMs: number;
  readonly durationMs: number | null;
}

/** Resolves when nothing is relayed any more, with why. */
function untilOver(
  relay: Relay,
  observer: ObserverProcess,
  { args, drainMs, durationMs }: Ending,
): Promise<string> {
  return new Promise((resolve) => {
    let why = "";
    let timers: NodeJS.Timeout[] = [];
    const over = () => {
      for (const timer of timers) clearTimeout(timer);
      resolve(why);
    };
    const now = () => {
      relay.onIdle = null;
      relay.resetAll();
      over();
    };
    const drain = (reason: string) => {
      if (why !== "") {
        now();
        return;
      }
      why = reason;
      if (relay.open > 0) {
        complain(
          `${reason}: no new connections; ${plural(relay.open, "connection")} may end within ${drainMs / 1000} s, once more ends now`,
        );
      }
      timers.push(setTimeout(now, drainMs));
      relay.onIdle = over;
      relay.drain();
    };
    if (durationMs !== null) timers = [setTimeout(() => drain("the time is over"), durationMs)];
    process.on("SIGINT", () => drain("SIGINT")).on("SIGTERM", () => drain("SIGTERM"));
    process.on("SIGHUP", () => void reconfigure(relay, args));
    process.on("SIGUSR1", () => observer.order({ kind: "rotate" }));
    process.on("SIGUSR2", () => observer.order({ kind: "interim" }));
  });
}

/** SIGHUP: what can change without losing a connection changes. A terminal that went away sends it too. */
async function reconfigure(relay: Relay, { config }: ProxyArguments): Promise<void> {
  if (config === undefined) return;
  try {
    relay.limits = limitsOf(await argumentsAgain());
    complain(
      `${config} read again: limits and --allow are as it says, or the command line where it says them`,
    );
  } catch (error) {
    complain(`${(error as Error).message}; nothing changes`);
  }
}

/** The command line and its --config, as they were taken at the start. */
function argumentsAgain(): Promise<ProxyArguments> {
  return yargs(process.argv.slice(2))
    .options(OPTIONS)
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
