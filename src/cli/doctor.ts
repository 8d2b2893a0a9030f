import { join } from "node:path";
import type { ArgumentsCamelCase, Argv, InferredOptionTypes } from "yargs";
import { type Check, fine, missing, note } from "../relay/doctor/check.ts";
import {
  checkCapability,
  checkClock,
  checkEventLoop,
  checkKoffi,
  checkPort,
  checkRules,
} from "../relay/doctor/host.ts";
import {
  checkProxy,
  checkServer,
  proveOther,
  proveOwn,
  type WatchedProxy,
  watch,
} from "../relay/doctor/passage.ts";
import type { ListenOn } from "../relay/host-port.ts";
import { openNative } from "../relay/native/native.ts";
import type { RulePlan } from "../relay/rules.ts";
import { hostOf, portOf } from "../spine/address.ts";
import { escapeText } from "../spine/text.ts";
import { complain } from "./complain.ts";
import { descriptorLimit, possibleConnections } from "./descriptors.ts";
import { EXIT } from "./exit.ts";
import { refuseRepeated } from "./report-options.ts";
import { listenOn, ROUTE_OPTIONS, resolveOrSay, upstreamOf } from "./route-options.ts";
import { rulePlan } from "./rules-text.ts";
import { socketFolder } from "./socket-folder.ts";
import { parseLength } from "./times.ts";

const OPTIONS = {
  ...ROUTE_OPTIONS,
  socket: {
    type: "string",
    requiresArg: true,
    describe: "Where a proxy that runs may be watched, if not at the usual place",
  },
  wait: {
    type: "string",
    requiresArg: true,
    describe: "How long to wait for a client's connection to pass through the proxy, e.g. 60s",
  },
} as const;

export const DOCTOR_OPTIONS: readonly string[] = Object.keys(OPTIONS);

type DoctorArguments = ArgumentsCamelCase<InferredOptionTypes<typeof OPTIONS>>;

export function doctorOptions(argv: Argv) {
  return argv
    .options(OPTIONS)
    .example("$0 doctor -l 2525 --mode tproxy --interface eth1", "What is missing for this?")
    .example("$0 doctor -l 2525 --mode tproxy --wait 60s", "Does mail pass through the proxy that runs?")
    .epilogue("Exit status: 0 nothing is missing; 1 something is, or can't be told; 2 wrong use");
}

/** Fewer connections at once are soon too few. */
const FEW_CONNECTIONS = 1_000;

/** @returns the exit status */
export async function doctor(args: DoctorArguments): Promise<number> {
  refuseRepeated(args, OPTIONS);
  const waitMs = args.wait === undefined ? null : parseLength(args.wait, "wait");
  const [listen] = listenOn(args);
  const plan = await rulePlan(args);
  const words = sameOptions(args);
  const native = await openNative();
  const proxy = await watch(args.socket ?? usualSocket(plan.listenPort));
  try {
    const checks = [
      checkKoffi(native, plan),
      checkCapability(native, plan, words),
      await checkPort(listen as ListenOn, proxy !== null, words),
      ...(await checkRules(plan, words)),
      checkDescriptors(),
      checkClock(native),
      await checkEventLoop(),
      ...(await checkUpstream(args)),
      ...checkProxy(proxy, plan.mode),
      await checkPassage(plan, proxy, waitMs),
    ];
    process.stdout.write(report(checks));
    return checks.every(isWell) ? EXIT.done : EXIT.found;
  } finally {
    proxy?.close();
  }
}

/** The options that `proxy` takes as well, as a shell takes them. */
function sameOptions(args: DoctorArguments): string {
  return Object.keys(ROUTE_OPTIONS)
    .filter((name) => name !== "user")
    .flatMap((name) => {
      const value = args[name];
      if (value === undefined || value === false) return [];
      if (value === true) return [`--${name}`];
      return [value].flat().map((one) => `--${name} ${shellWord(String(one))}`);
    })
    .join(" ");
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function usualSocket(port: number): string {
  try {
    return join(socketFolder(), `proxy-${port}.sock`);
  } catch {
    return "";
  }
}

function checkDescriptors(): Check {
  const limit = descriptorLimit();
  if (limit === null) return note("descriptors", "the system does not say how many there may be");
  const connections = possibleConnections(limit);
  const says = `${limit} are enough for ${Math.max(0, connections)} connections at once`;
  return connections >= FEW_CONNECTIONS
    ? fine("descriptors", says)
    : missing("descriptors", says, ["ulimit -n 65536"]);
}

async function checkUpstream(args: DoctorArguments): Promise<Check[]> {
  const upstream = args.upstream === undefined ? null : upstreamOf(args);
  if (upstream !== null) await resolveOrSay(upstream);
  const address = upstream?.addresses[0];
  return address === undefined ? [] : [await checkServer(address, args.sendProxy ?? null)];
}

/** Where this host can make a connection that has to pass through the proxy, it does. */
async function checkPassage(
  plan: RulePlan,
  proxy: WatchedProxy | null,
  waitMs: number | null,
): Promise<Check> {
  if (proxy === null) {
    const says = "no proxy runs on this port (that this user may watch), so nothing was tried";
    return waitMs === null ? note("passage", says) : missing("passage", says);
  }
  if (waitMs !== null) {
    complain(`waiting for a client's connection to pass through the proxy, for ${waitMs / 1_000} s`);
    return proveOther(proxy, waitMs);
  }
  if (plan.mode === "explicit") {
    const endpoint = proxy.state?.listen[0] ?? "";
    const host = hostOf(endpoint);
    return proveOwn(proxy, { host: LOOPBACK[host] ?? host, port: portOf(endpoint) ?? plan.listenPort });
  }
  const [server] = plan.serverAddresses;
  if (plan.ownMailButOf !== null && server !== undefined)
    return proveOwn(proxy, { host: server, port: plan.serverPort });
  return note(
    "passage",
    "a connection from this host would not meet the rules, which are for clients': connect from one, and watch with --wait 60s",
  );
}

/** Listening anywhere includes here. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

function isWell({ verdict }: Check): boolean {
  return verdict === "fine" || verdict === "note";
}

function report(checks: readonly Check[]): string {
  const whatWidth = Math.max(...checks.map(({ what }) => what.length));
  const lines = checks.map(
    ({ verdict, what, says }) =>
      `${VERDICTS[verdict].padEnd(8)} ${what.padEnd(whatWidth)}  ${escapeText(says)}`,
  );
  const commands = new Set(checks.map((check) => check.commands.join("\n")));
  commands.delete("");
  if (commands.size > 0) lines.push("", "What helps:", "", ...commands);
  return `${lines.join("\n")}\n`;
}

const VERDICTS: Readonly<Record<Check["verdict"], string>> = {
  fine: "fine",
  missing: "MISSING",
  unknown: "UNKNOWN",
  note: "-",
};
