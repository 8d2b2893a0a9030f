import { type BlockList, isIPv6, type Server } from "node:net";
import { SmtpscopeError } from "../spine/errors.ts";
import type { RefusalKind } from "./facts.ts";
import { isLoopback } from "./host-port.ts";
import { LoopGuard } from "./loop.ts";
import { fdOf } from "./native/handles.ts";
import { errorName, type Native } from "./native/native.ts";
import { encodeProxyHeader, type Parties, type ProxyVersion } from "./proxy-header.ts";
import type { Mode, Source } from "./rules.ts";
import type { RelaySocket } from "./socket.ts";
import { boundTo, endpointText, plainAddress } from "./sockets.ts";
import type { Address, SocketOptions, Upstream } from "./upstream.ts";

/** Where connections go, and whom the server sees: all that the modes of the proxy differ in. */

export interface RouteOptions {
  readonly mode: Mode;
  /** Where all go in explicit mode. In the others, when given, the one server that is relayed to. */
  readonly upstream: Upstream | null;
  readonly source: Source;
  readonly sendProxy: ProxyVersion | null;
  /** Whose connections begin with a PROXY header. */
  readonly acceptProxy: BlockList | null;
  /** All clients are programs of this host, which the server sees by the same address. */
  readonly ownMail: boolean;
  readonly native: Native | null;
}

export class Route {
  readonly mode: Mode;
  readonly #options: RouteOptions;
  #guard = new LoopGuard([]);
  #judged: readonly Address[] = [];
  #isLoop = false;

  constructor(options: RouteOptions) {
    this.#options = options;
    this.mode = options.mode;
  }

  /** For people. */
  get upstreamText(): string {
    const { upstream } = this.#options;
    return upstream?.text ?? "where each client was going";
  }

  /** The server learns the client's own address: its lookups are about the client. */
  get sourcePreserved(): boolean {
    const { source, sendProxy, ownMail } = this.#options;
    return source === "client" || sendProxy !== null || ownMail;
  }

  /**
   * Called when the servers listen.
   * @throws SmtpscopeError when one can't take what the mode brings
   */
  listening(servers: readonly Server[]): void {
    this.#judged = [];
    this.#guard = new LoopGuard(
      servers.map((server) => {
        const { address, port } = boundTo(server);
        return { host: address, port };
      }),
    );
    if (this.mode !== "tproxy") return;
    for (const server of servers) this.#makeTransparent(server);
  }

  #makeTransparent(server: Server): void {
    const { native } = this.#options;
    const fd = fdOf(server);
    // Without native calls the socket is an inherited one, and as its maker left it.
    if (native === null || fd === null) return;
    const family = boundTo(server).family === "IPv6" ? 6 : 4;
    if (native.isTransparent(fd, family)) return;
    const errno = native.setTransparent(fd, family);
    if (errno === 0) return;
    throw new SmtpscopeError(
      "usage",
      `--mode tproxy: the socket can't be transparent (${errorName(errno)}); ${NEEDS}`,
    );
  }

  /** Whether a peer's connection begins with a PROXY header. */
  trusts(address: string): boolean {
    return this.#options.acceptProxy?.check(address, isIPv6(address) ? "ipv6" : "ipv4") ?? false;
  }

  /** The addresses to try for a connection that was accepted, or why it goes nowhere. */
  destinations(client: RelaySocket): readonly Address[] | RefusalKind {
    const { upstream } = this.#options;
    if (this.mode === "explicit") {
      const addresses = upstream?.addresses ?? [];
      return this.goesInCircles(addresses) ? "loop" : addresses;
    }
    const destination = this.mode === "redirect" ? this.#redirectedFrom(client) : localEnd(client);
    if (destination === null) return "no-destination";
    if (this.#guard.isSelf(destination)) return "loop";
    const from = endpointText(client.remoteAddress, client.remotePort);
    if (this.#guard.isOwn(from, endpointText(destination.host, destination.port))) return "loop";
    const isElsewhere = upstream?.addresses.every(
      ({ host, port }) => port !== destination.port || plainAddress(host) !== destination.host,
    );
    return isElsewhere === true ? "elsewhere" : [destination];
  }

  /** Whether the server is this proxy. Looked at again when a name stands for something else. */
  goesInCircles(addresses: readonly Address[]): boolean {
    if (addresses !== this.#judged) {
      this.#judged = addresses;
      this.#isLoop = addresses.some((address) => this.#guard.isSelf(address));
    }
    return this.#isLoop;
  }

  #redirectedFrom(client: RelaySocket): Address | null {
    const fd = fdOf(client);
    if (fd === null) return null;
    // An IPv4 client on a socket of both families is an IPv4 connection.
    const family = plainAddress(client.remoteAddress ?? "").includes(":") ? 6 : 4;
    return this.#options.native?.originalDestination(fd, family) ?? null;
  }

  /**
   * Who is to be seen by the server as itself needs an address of the server's in its own family.
   * @param listening the addresses listened on
   * @returns the family whose clients come and can't be relayed
   */
  unreachableFamily(listening: readonly string[]): "IPv4" | "IPv6" | null {
    const { upstream, source } = this.#options;
    const hosts = (upstream?.addresses ?? []).map(({ host }) => host);
    if (source === "own" || hosts.length === 0) return null;
    const open = listening.filter((host) => !isLoopback(host));
    // On :: both come.
    if (open.some((host) => host.includes(":")) && !hosts.some(isIPv6)) return "IPv6";
    const takesIPv4 = open.some((host) => host === "::" || !host.includes(":"));
    return takesIPv4 && hosts.every(isIPv6) ? "IPv4" : null;
  }

  /** How a socket to the server is opened for this client. */
  socketOptions(clientAddress: string): SocketOptions {
    const { native, source } = this.#options;
    if (source === "own" || native === null) return NO_OPTIONS;
    return ({ host }) => {
      // Who connects from this very host would be seen by its address, as the proxy is.
      if (isLoopback(clientAddress) && !isLoopback(host)) return {};
      if (isIPv6(host) !== isIPv6(clientAddress))
        throw new Error(`${host} can't be reached as ${clientAddress}: not the same family`);
      const fd = native.spoofedSocket(clientAddress);
      if (fd < 0) throw new Error(`no socket as ${clientAddress}: ${errorName(-fd)}`);
      return { fd };
    };
  }

  /** Told of a server's address that could not be reached. */
  unreachable(address: Address): void {
    if (this.mode === "explicit") this.#options.upstream?.avoid(address);
  }

  /** A rule may bring the proxy's own connection back to it: what is on its way is remembered. */
  get onConnecting(): ((socket: RelaySocket, address: Address) => void) | null {
    if (this.mode === "explicit") return null;
    return (socket, { host, port }) => {
      // Node connects, and the kernel chooses the port, on the next tick too, before this.
      process.nextTick(() => {
        if (socket.localPort === undefined) return;
        const ends = [endpointText(socket.localAddress, socket.localPort), endpointText(host, port)] as const;
        this.#guard.remember(...ends);
        socket.whenClosed = () => this.#guard.forget(...ends);
      });
    };
  }

  /**
   * What the server is sent before the client's first byte.
   * @param told what a load balancer said of the connection; else it is as it was accepted
   */
  preface(told: Parties | null, source: Address, client: RelaySocket): Buffer | null {
    const { sendProxy } = this.#options;
    if (sendProxy === null) return null;
    const destination = localEnd(client);
    const accepted = destination === null ? null : { source, destination };
    return encodeProxyHeader(sendProxy, told ?? accepted);
  }
}

/** What to say to an operator whose process may not be transparent. */
export const NEEDS =
  "CAP_NET_RAW is needed: start as root (--user NAME gives up the rest), or by the systemd units in packaging/";

const NO_OPTIONS: SocketOptions = () => ({});

/** Where a client believes to be connected to. */
function localEnd({ localAddress, localPort }: RelaySocket): Address | null {
  return localAddress === undefined || localPort === undefined
    ? null
    : { host: plainAddress(localAddress), port: localPort };
}
