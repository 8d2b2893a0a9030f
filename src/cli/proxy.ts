import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isOffered, offerObservations } from "../relay/attach-point.ts";
import { isLoopback, type ListenOn } from "../relay/host-port.ts";
import { kernelBy } from "../relay/kernel.ts";
import { openNative } from "../relay/native/native.ts";
import { dropPrivileges } from "../relay/native/privileges.ts";
import { ObserverProcess } from "../relay/observer-process.ts";
import { Relay } from "../relay/relay.ts";
import type { Route } from "../relay/route.ts";
import { restoreSettings, terminalSettings } from "../relay/terminal-settings.ts";
import type { Upstream } from "../relay/upstream.ts";
import { hostOf, portOf } from "../spine/address.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { plural } from "../spine/format.ts";
import { complain, complainBy, complainTo } from "./complain.ts";
import { EXIT } from "./exit.ts";
import { fileRequest, refuseUnwritable } from "./file-options.ts";
import { leaveAtLatest } from "./leave.ts";
import type { ObserveRequest } from "./observe.ts";
import { argumentsAgain, limitsOf, PROXY_TABLE, type ProxyArguments } from "./proxy-options.ts";
import { reaskRequest } from "./reask.ts";
import { refuseRepeated, reportRequest } from "./report-options.ts";
import { listenOn, resolveOrSay, routeOf, sourceOf, upstreamOf } from "./route-options.ts";
import { rulesText } from "./rules-text.ts";
import { socketFolder } from "./socket-folder.ts";
import { RESTORE_TERMINAL, screenIsPossible } from "./terminal.ts";
import { parseLength } from "./times.ts";
import { unwaitedWriter } from "./unwaited.ts";

/** The longest that the summary may take when all is over. */
const SUMMARY_PATIENCE_MS = 30_000;
/** And the last lines to the operator after that. */
const LAST_WORDS_MS = 2_000;

/** @returns the exit status, when it is over */
export async function proxy(args: ProxyArguments): Promise<number> {
  refuseRepeated(args, PROXY_TABLE);
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
    if (option === undefined) {
      // Another one may have the same port of another address.
      if (await isOffered(path)) throw new Error(`another proxy offers ${path}; name a place with --socket`);
      rmSync(path, { force: true });
    }
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
