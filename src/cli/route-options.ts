import type { ArgumentsCamelCase, InferredOptionTypes } from "yargs";
import { isLoopback, type ListenOn, parseHostPort, parseListen, parseNetworks } from "../relay/host-port.ts";
import { inheritedDescriptors } from "../relay/inherited.ts";
import type { Native } from "../relay/native/native.ts";
import { mayBeTransparent } from "../relay/native/privileges.ts";
import { NEEDS, Route } from "../relay/route.ts";
import type { Mode, Source } from "../relay/rules.ts";
import { Upstream } from "../relay/upstream.ts";
import { SmtpscopeError } from "../spine/errors.ts";

/** Where connections come from and go to, for `proxy` and `doctor` alike. */
export const ROUTE_OPTIONS = {
  listen: {
    alias: "l",
    type: "string",
    requiresArg: true,
    describe:
      "[ADDRESS:]PORT to listen on [address: 127.0.0.1; with redirect and tproxy any]; fd:N for a socket " +
      "that is open already, which systemd's need not be named",
  },
  upstream: {
    alias: "u",
    type: "string",
    requiresArg: true,
    describe:
      "HOST:PORT of the mail server; with redirect and tproxy not needed, and the only one when given",
  },
  mode: {
    choices: ["explicit", "redirect", "tproxy"] as Mode[],
    default: "explicit" as Mode,
    requiresArg: true,
    describe: "Clients connect to the proxy; or to their server, and a rule brings them here",
  },
  source: {
    choices: ["own", "client"] as Source[],
    requiresArg: true,
    describe: "Whose address the server sees [default: with tproxy client, else own]",
  },
  "send-proxy": {
    choices: ["v1", "v2"] as ("v1" | "v2")[],
    requiresArg: true,
    describe: "Tell the server the client's address by a PROXY header",
  },
  "accept-proxy": {
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: "Load balancers whose connections begin with a PROXY header, e.g. 192.0.2.0/24",
  },
  user: {
    type: "string",
    requiresArg: true,
    describe: "Become this user once the port is open; what --source client needs is kept",
  },
  interface: {
    type: "string",
    requiresArg: true,
    describe: "For the rules: where clients' connections come in",
  },
  "own-mail": {
    type: "boolean",
    default: false,
    describe: "With redirect: mail that this host sends itself, but for the proxy's --user",
  },
} as const;

type RouteArguments = ArgumentsCamelCase<InferredOptionTypes<typeof ROUTE_OPTIONS>>;

/** @throws SmtpscopeError */
export function listenOn(args: RouteArguments): readonly ListenOn[] {
  const anywhere = args.mode === "explicit" ? "127.0.0.1" : "::";
  if (args.listen !== undefined) {
    const listen = parseListen(args.listen, anywhere);
    // Rules bring connections to the addresses of this host's interfaces; its own mail, over lo.
    if (args.mode !== "explicit" && !args.ownMail && "host" in listen && isLoopback(listen.host)) {
      throw new SmtpscopeError(
        "usage",
        `with --mode ${args.mode} nothing comes to ${listen.host}: -l ${listen.port}`,
      );
    }
    return [listen];
  }
  const inherited = inheritedDescriptors(process.env, process.pid);
  if (inherited.length > 0) return inherited.map((fd) => ({ fd }));
  throw new SmtpscopeError("usage", "say where to listen: -l PORT (no socket was passed by systemd)");
}

/** @returns null where each client's own destination is meant */
export function upstreamOf(args: RouteArguments): Upstream | null {
  if (args.upstream !== undefined) {
    const { host, port } = parseHostPort(args.upstream, "upstream", null);
    return new Upstream(host, port);
  }
  if (args.mode !== "explicit") return null;
  throw new SmtpscopeError("usage", "say which server to relay to: --upstream HOST:PORT (-u)");
}

/** @throws SmtpscopeError when the name stands for no address */
export async function resolveOrSay(upstream: Upstream): Promise<void> {
  try {
    await upstream.resolve();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOTFOUND" ? "there is no such name" : `the name cannot be looked up (${code})`;
    throw new SmtpscopeError("usage", `--upstream ${upstream.host}: ${why}`);
  }
}

export function sourceOf(args: RouteArguments): Source {
  return args.source ?? (args.mode === "tproxy" && args.sendProxy === undefined ? "client" : "own");
}

/**
 * @param native the kernel's answers, or why there are none
 * @throws SmtpscopeError when the mode can't work here, saying what to do
 */
export function routeOf(
  args: RouteArguments,
  upstream: Upstream | null,
  listen: readonly ListenOn[],
  native: Native | string,
): Route {
  const { mode } = args;
  const source = sourceOf(args);
  if (typeof native === "string") {
    const isOpened = listen.every((on) => "fd" in on);
    const needing = source === "client" ? "--source client" : `--mode ${mode}`;
    const isNeeded = mode === "redirect" || source === "client" || (mode === "tproxy" && !isOpened);
    if (isNeeded) throw new SmtpscopeError("usage", `${needing} can't work: ${native}`);
  } else if (source === "client" && !mayBeTransparent(native)) {
    throw new SmtpscopeError("usage", `--source client: ${NEEDS}`);
  }
  return new Route({
    mode,
    upstream,
    source,
    sendProxy: args.sendProxy ?? null,
    acceptProxy: args.acceptProxy === undefined ? null : parseNetworks(args.acceptProxy, "accept-proxy"),
    ownMail: args.ownMail,
    native: typeof native === "string" ? null : native,
  });
}
