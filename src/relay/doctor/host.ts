/** What a mode needs of the host: each a check, none of which changes anything. */
import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { ListenOn } from "../host-port.ts";
import type { Native } from "../native/native.ts";
import { mayBeTransparent } from "../native/privileges.ts";
import { needsMark, type RulePlan, rulesFor } from "../rules.ts";
import { type Check, fine, missing, note, unknown } from "./check.ts";
import { takesMarked } from "./routes.ts";
import { type Judgement, judgeRuleset } from "./ruleset.ts";

/** nft and ip answer in milliseconds. */
const COMMAND_PATIENCE_MS = 5_000;
const MAX_OUTPUT_BYTES = 64 << 20;

/** Late by more than this, a reply's stamp would be told apart from the server's own time no more. */
const LATE_US = 10_000;
const LISTENED_MS = 500;

export function checkKoffi(native: Native | string, { mode, source }: RulePlan): Check {
  if (typeof native !== "string") return fine("koffi", "loads");
  const isNeeded = mode !== "explicit" || source === "client";
  return isNeeded
    ? missing("koffi", native, ["npm install koffi"])
    : note("koffi", `${native}; not needed here`);
}

/** @param words the options of this command line, as a shell takes them */
export function checkCapability(native: Native | string, { mode, source }: RulePlan, words: string): Check {
  if (mode !== "tproxy" && source !== "client") return fine("capabilities", "none is needed");
  if (typeof native === "string") return unknown("capabilities", "can't be asked without koffi");
  if (mayBeTransparent(native)) return fine("capabilities", "this user may make sockets transparent");
  const says = "CAP_NET_RAW is needed, and this user has it not: start as root, --user gives up the rest";
  return missing("capabilities", says, [asRoot(words)]);
}

/** @param isOurs whether the proxy that runs already has it */
export async function checkPort(listen: ListenOn, isOurs: boolean, words: string): Promise<Check> {
  if ("fd" in listen) return note("port", `is that of descriptor ${listen.fd}`);
  const { host, port } = listen;
  if (isOurs) return fine("port", `${port} is the running proxy's`);
  const code = await new Promise<string | null>((resolve) => {
    const server = createServer()
      .once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .listen(port, host, () => server.close(() => resolve(null)));
  });
  if (code === null) return fine("port", `${port} is free`);
  if (code === "EADDRINUSE")
    return missing("port", `${port} is in use by something else`, [`ss -ltnp 'sport = :${port}'`]);
  if (code === "EACCES")
    return missing("port", `${port} is not this user's to open: ports below 1024 need root`, [asRoot(words)]);
  return missing("port", `${host} port ${port} can't be opened: ${code}`, ["ip -brief address"]);
}

export async function checkRules(plan: RulePlan, words: string): Promise<Check[]> {
  const { up } = rulesFor(plan);
  if (up.length === 0) return [fine("rules", "none are needed")];
  const ruleset = await answer("nft", ["-j", "list", "ruleset"]);
  if (ruleset.json === undefined) {
    return [
      unknown("rules", `nft can't be asked: ${ruleset.why}; as root it can`, [
        `sudo smtpscope doctor ${words}`,
      ]),
    ];
  }
  const judgement = judgeRuleset(ruleset.json, plan);
  return [
    ...judgedRules(judgement, up),
    ...(needsMark(plan) ? [await checkRoutes(judgement.marks, up)] : []),
  ];
}

function judgedRules({ lacking, hasForeignRules }: Judgement, up: readonly string[]): Check[] {
  if (lacking.length === 0) return [fine("rules", "are there and match")];
  const judged = hasForeignRules
    ? (what: string) =>
        unknown("rules", `${what}, unless one of iptables' does, which are not understood`, up)
    : (what: string) => missing("rules", what, up);
  return lacking.map(judged);
}

function asRoot(words: string): string {
  return `sudo smtpscope proxy ${words} --user nobody`;
}

async function checkRoutes(marks: readonly number[], up: readonly string[]): Promise<Check> {
  if (marks.length === 0) return missing("routes", "no rule marks packets, so none are routed here", up);
  const lacking: string[] = [];
  for (const [version, family] of [
    ["-4", "IPv4"],
    ["-6", "IPv6"],
  ] as const) {
    const rules = await answer("ip", [version, "-j", "rule"]);
    const routes = await answer("ip", [version, "-j", "route", "show", "table", "all"]);
    if (rules.json === undefined || routes.json === undefined)
      return unknown("routes", `ip can't be asked: ${rules.why ?? routes.why}`);
    const routing = { rules: rules.json, routes: routes.json };
    const left = marks.filter((mark) => !takesMarked(routing, mark));
    lacking.push(
      ...left.map((mark) => `${family} packets with mark 0x${mark.toString(16)} are not routed to this host`),
    );
  }
  if (lacking.length === 0) return fine("routes", "marked packets are taken by this host");
  return missing("routes", lacking.join("; "), up);
}

export function checkClock(native: Native | string): Check {
  const clock = typeof native === "string" ? null : native.clock();
  if (clock === null) return note("clock", "can't be asked whether it is synchronised");
  if (clock.isSynchronised)
    return fine(
      "clock",
      `is synchronised, to ${Math.max(1, Math.round(clock.maxErrorUs / 1_000))} ms or better`,
    );
  // Mail flows, and durations are right all the same.
  return note("clock", "is synchronised with nothing: times of day will not agree with other machines'", [
    "timedatectl set-ntp true",
  ]);
}

/** How late this machine runs what is due. */
export async function checkEventLoop(): Promise<Check> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(LISTENED_MS);
  delay.disable();
  // What is measured is a timer of 1 ms, which is at least 1 ms late by its resolution.
  const lateUs = Math.max(0, Math.round(delay.percentile(99) / 1_000) - 1_000);
  const says = `what is due runs up to ${(lateUs / 1_000).toFixed(1)} ms late (p99)`;
  if (lateUs <= LATE_US) return fine("event loop", says);
  return note("event loop", `${says}: the machine is busy, and times will be off by as much`, ["top"]);
}

interface Answer {
  readonly json: unknown;
  readonly why: string | null;
}

async function answer(program: string, args: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    const options = { timeout: COMMAND_PATIENCE_MS, maxBuffer: MAX_OUTPUT_BYTES };
    execFile(program, args, options, (error, stdout, stderr) => {
      const json = error === null ? parsed(stdout) : undefined;
      const isAbsent = (error as NodeJS.ErrnoException | null)?.code === "ENOENT";
      const why = isAbsent ? `${program} is not installed` : (stderr.trim().split("\n")[0] ?? "");
      resolve({ json, why: json === undefined ? why : null });
    });
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text === "" ? "[]" : text);
  } catch {
    return undefined;
  }
}
