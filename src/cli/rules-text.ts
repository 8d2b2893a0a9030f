import type { ArgumentsCamelCase, InferredOptionTypes } from "yargs";
import { LoopGuard } from "../relay/loop.ts";
import { accountOf } from "../relay/native/privileges.ts";
import { type RulePlan, rulesFor } from "../relay/rules.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { listenOn, type ROUTE_OPTIONS, resolveOrSay, sourceOf, upstreamOf } from "./route-options.ts";

type RouteArguments = ArgumentsCamelCase<InferredOptionTypes<typeof ROUTE_OPTIONS>>;

/**
 * What `--print-rules` prints: shell commands, to be read and pasted or piped into `sh`.
 * @param which "" for those that bring the mode up, with those that undo it as comments; "down" for the latter
 * @throws SmtpscopeError
 */
export async function rulesText(args: RouteArguments, which: string): Promise<string> {
  if (which !== "" && which !== "up" && which !== "down")
    throw new SmtpscopeError("usage", `--print-rules=${which} is neither up nor down`);
  const plan = await rulePlan(args);
  const { up, down, notes } = rulesFor(plan);
  const title = `# ${titleOf(plan)}`;
  if (up.length === 0) return `${title}: no rules are needed\n`;
  if (which === "down") return `${[title, ...down].join("\n")}\n`;
  const comments = notes.map((note) => `# ${note}`);
  const undo = ["# to undo it:", ...down.map((line) => `#   ${line}`)];
  return `${[title, ...up, ...comments, ...undo].join("\n")}\n`;
}

/** @throws SmtpscopeError */
export async function rulePlan(args: RouteArguments): Promise<RulePlan> {
  const [listen] = listenOn(args);
  if (listen === undefined || "fd" in listen)
    throw new SmtpscopeError("usage", "rules need the port: -l PORT");
  const upstream = upstreamOf(args);
  if (upstream !== null) await resolveOrSay(upstream);
  const serverAddresses = (upstream?.addresses ?? []).map(({ host }) => host);
  const guard = new LoopGuard([]);
  const { mode } = args;
  const name = args.interface ?? null;
  if (name !== null && !/^[\w.@:-]{1,15}$/.test(name))
    throw new SmtpscopeError("usage", `--interface ${name} is no name of an interface`);
  if (args.ownMail && mode !== "redirect")
    throw new SmtpscopeError(
      "usage",
      "--own-mail goes with --mode redirect: packets that leave can't be tproxied",
    );
  return {
    mode,
    source: sourceOf(args),
    listenPort: listen.port,
    serverPort: upstream?.port ?? SMTP_PORT,
    serverAddresses,
    serverIsHere: serverAddresses.some((address) => guard.isOfThisHost(address)),
    interface: name,
    ownMailButOf: args.ownMail ? userOf(args.user) : null,
  };
}

const SMTP_PORT = 25;

function userOf(user: string | undefined): number {
  if (user === undefined) return process.getuid?.() ?? 0;
  return /^\d+$/.test(user) ? Number(user) : accountOf(user).uid;
}

function titleOf({ mode, source, interface: name, ownMailButOf, serverPort, listenPort }: RulePlan): string {
  const whose =
    ownMailButOf === null ? (name === null ? "" : `, coming in by ${name}`) : ", sent by this host itself";
  const seen = source === "client" ? "; the server sees the client" : "";
  if (mode === "explicit") return `clients connect to port ${listenPort} of this host${seen}`;
  return `${mode}: mail for port ${serverPort}${whose}, goes through port ${listenPort} of this host${seen}`;
}
