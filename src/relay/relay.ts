import { type BlockList, createServer, isIPv6, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { SmtpscopeError } from "../spine/errors.ts";
import type { Side } from "../spine/wire.ts";
import { LoopBusyness, nowUs } from "./clock.ts";
import type { Closed, Failed, FailureKind, RefusalKind, RelayState } from "./facts.ts";
import { HeaderWait } from "./header-wait.ts";
import type { ListenOn } from "./host-port.ts";
import type { Kernel } from "./kernel.ts";
import { Link, type Missed } from "./link.ts";
import { Pair, type PairOwner } from "./pair.ts";
import type { Parties } from "./proxy-header.ts";
import type { Route } from "./route.ts";
import type { RelaySocket } from "./socket.ts";
import { acceptWith, boundTo, endpointText, plainAddress } from "./sockets.ts";
import type { Address } from "./upstream.ts";

/**
 * The relay: holds every socket, forwards, stamps, and tells its links. It knows nothing of SMTP and
 * waits for nobody who watches. Whatever is wrong with one connection stays with that connection.
 */

/** What may change while it runs. */
export interface RelayLimits {
  readonly maxConnections: number;
  readonly maxPerClient: number;
  readonly connectTimeoutMs: number;
  /** 0: never. */
  readonly idleTimeoutMs: number;
  /** Networks that may connect; everybody when null. */
  readonly allow: BlockList | null;
}

export interface RelayOptions {
  readonly listen: readonly ListenOn[];
  readonly route: Route;
  readonly kernel: Kernel | null;
  /** Long messages whole, for who writes them down. */
  readonly tellsMessages: boolean;
}

/** How often links are told of the time and of the relay's condition. */
const STATE_MS = 1_000;

/** A connection is announced when it has something to say; or when it is this old, for who watches. */
const ANNOUNCED_US = 500_000;

/** A connection this old may last. */
const SETTLED_US = 5_000_000;

/** One main observer and a few that are attached. */
const MAX_LINKS = 8;

export class Relay implements PairOwner {
  readonly kernel: Kernel | null;
  limits: RelayLimits;
  /** Told when the last connection is over. */
  onIdle: (() => void) | null = null;
  observerRestarts = 0;
  /** Relayed connections that are over. */
  closedCount = 0;
  /** What the main observer was not told, all its lives together. */
  readonly missed: Missed = { bytes: 0, connections: 0 };
  #observer: Link | null = null;
  readonly #options: RelayOptions;
  readonly #servers: Server[] = [];
  readonly #listening: string[] = [];
  readonly #pairs = new Map<number, Pair>();
  readonly #perClient = new Map<string, number>();
  readonly #links: Link[] = [];
  readonly #busy = new LoopBusyness();
  readonly #startedAtUs = nowUs();
  readonly #refused: Partial<Record<RefusalKind, number>> = {};
  readonly #failed: Partial<Record<FailureKind, number>> = {};
  #nextId = 1;
  #accepted = 0;
  /** For their PROXY header. */
  #waiting = 0;
  #connected = 0;
  #relayedBytes = 0;
  #isDraining = false;
  #timer: NodeJS.Timeout | null = null;
  #knownResidentBytes = 0;

  constructor(options: RelayOptions, limits: RelayLimits) {
    this.#options = options;
    this.limits = limits;
    this.kernel = options.kernel;
  }

  // ---- beginning and end

  /** @throws NodeJS.ErrnoException (EADDRINUSE, EACCES …) with `address` and `port` */
  async listen(): Promise<void> {
    for (const on of this.#options.listen) {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
      await begin(server, on).catch((error: NodeJS.ErrnoException) => {
        // A host without IPv6: anywhere is 0.0.0.0 there.
        const isAnywhere = "host" in on && on.host === "::" && NO_IPV6.has(error.code ?? "");
        return isAnywhere ? begin(server, { ...on, host: "0.0.0.0" }) : Promise.reject(error);
      });
      server.on("error", () => {});
      acceptWith(server, (client) => this.#accept(client));
      this.#servers.push(server);
      const { address, port } = boundTo(server);
      if (port === undefined)
        throw new SmtpscopeError("usage", "a Unix socket was passed: mail comes by TCP");
      this.#listening.push(endpointText(address, port));
    }
    this.#options.route.listening(this.#servers);
    this.#timer = setInterval(() => this.#everySecond(), STATE_MS);
  }

  /** Where it listens (or did, until it drained), as address:port. */
  get listening(): readonly string[] {
    return this.#listening;
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** New connections are refused by the kernel from now on; those there are go on. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (const server of this.#servers) server.close();
    this.#endIfIdle();
  }

  /** Who is asked for a PROXY header still may become a connection, or is refused. */
  #endIfIdle(): void {
    if (this.#isDraining && this.#pairs.size + this.#waiting === 0) this.onIdle?.();
  }

  resetAll(): void {
    for (const pair of this.#pairs.values()) pair.reset();
  }

  /** Ends what still ticks; links are the caller's to end. */
  stop(): void {
    this.drain();
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  // ---- those who watch

  /** The main observer's link: what it misses is counted over all its lives. */
  observe(stream: Duplex): Link | null {
    this.#observer = this.addLink(stream, this.missed);
    return this.#observer;
  }

  /** @returns null when there are too many already */
  addLink(stream: Duplex, missed: Missed = { bytes: 0, connections: 0 }): Link | null {
    let slot = this.#links.findIndex((link) => !link.isOpen);
    if (slot < 0) slot = this.#links.length;
    if (slot >= MAX_LINKS) return null;
    const link = new Link(slot, stream, missed);
    this.#links[slot] = link;
    for (const pair of this.#pairs.values()) pair.views[slot] = undefined;
    link.state(this.state(link));
    for (const pair of this.#pairs.values()) link.opened(pair);
    return link;
  }

  state(link: Link): RelayState {
    const { route } = this.#options;
    return {
      startedAtUs: this.#startedAtUs,
      listen: this.listening,
      upstream: route.upstreamText,
      mode: route.mode,
      sourcePreserved: route.sourcePreserved,
      open: this.#pairs.size,
      accepted: this.#accepted,
      connected: this.#connected,
      refused: this.#refused,
      failed: this.#failed,
      relayedBytes: this.#relayedBytes,
      overrunBytes: link.missed.bytes,
      missedConnections: link.missed.connections,
      observerRestarts: this.observerRestarts,
      loopBusyMaxUs: this.#busy.longestUs,
      residentBytes: this.#residentBytes(),
    };
  }

  /** It is read from a file, for which there may be no descriptor. */
  #residentBytes(): number {
    try {
      this.#knownResidentBytes = process.memoryUsage.rss();
    } catch {
      // As it was.
    }
    return this.#knownResidentBytes;
  }

  tellState(): void {
    for (const link of this.#links) if (link.isOpen) link.state(this.state(link));
  }

  #everySecond(): void {
    const atUs = nowUs();
    for (const link of this.#links) link.tick(atUs);
    this.tellState();
    const { idleTimeoutMs } = this.limits;
    for (const pair of this.#pairs.values()) {
      const ageUs = atUs - pair.opened.acceptedAtUs;
      if (ageUs > ANNOUNCED_US) for (const link of this.#links) link.opened(pair);
      if (ageUs > SETTLED_US) pair.keepAlive();
      if (idleTimeoutMs > 0 && atUs - pair.lastAtUs > idleTimeoutMs * 1000) pair.reset();
    }
  }

  // ---- connections

  #accept(client: RelaySocket): void {
    this.#accepted++;
    const acceptedAtUs = nowUs();
    const { remoteAddress, remotePort } = client;
    // Gone before it was looked at.
    if (remoteAddress === undefined) {
      client.destroy();
      return;
    }
    const peer = { host: plainAddress(remoteAddress), port: remotePort ?? 0 };
    const refusal = this.#refusalOf(peer.host);
    if (refusal !== null) this.#refuse(client, refusal);
    else if (this.#options.route.trusts(peer.host)) this.#awaitHeader(client, peer, acceptedAtUs);
    else this.#open(client, peer, null, acceptedAtUs);
  }

  #awaitHeader(client: RelaySocket, peer: Address, acceptedAtUs: number): void {
    this.#waiting++;
    new HeaderWait(client, {
      done: (parties, rest) => {
        this.#waiting--;
        const pair = this.#open(client, parties?.source ?? peer, parties, acceptedAtUs);
        if (pair === null) this.#endIfIdle();
        else if (rest.length > 0) pair.read(client, rest.length, rest, false);
      },
      refused: () => {
        this.#waiting--;
        this.#refuse(client, "proxy-header");
        this.#endIfIdle();
      },
    });
  }

  /** @param told what a load balancer said of this connection */
  #open(client: RelaySocket, from: Address, told: Parties | null, acceptedAtUs: number): Pair | null {
    const { route } = this.#options;
    const { host } = from;
    const count = this.#perClient.get(host) ?? 0;
    const addresses = count >= this.limits.maxPerClient ? "per-client" : route.destinations(client);
    if (typeof addresses === "string") {
      this.#refuse(client, addresses);
      return null;
    }
    const first = addresses[0];
    const opened = {
      client: endpointText(host, from.port),
      server: first === undefined ? route.upstreamText : endpointText(first.host, first.port),
      acceptedAtUs,
      synAtUs: nowUs(),
    };
    const pair = new Pair(this.#nextId++, client, host, opened, this);
    this.#pairs.set(pair.id, pair);
    this.#perClient.set(host, count + 1);
    const plan = {
      addresses,
      timeoutMs: this.limits.connectTimeoutMs,
      onUnreachable: (address: Address) => route.unreachable(address),
      socketOptions: route.socketOptions(host),
      onConnecting: route.onConnecting,
    };
    pair.connect(plan, route.preface(told, from, client));
    return pair;
  }

  #refusalOf(address: string): RefusalKind | null {
    const { allow, maxConnections } = this.limits;
    if (this.#isDraining) return "draining";
    if (allow !== null && !allow.check(address, isIPv6(address) ? "ipv6" : "ipv4")) return "not-allowed";
    return this.#pairs.size + this.#waiting >= maxConnections ? "max-conn" : null;
  }

  #refuse(client: RelaySocket, why: RefusalKind): void {
    this.#refused[why] = (this.#refused[why] ?? 0) + 1;
    client.resetAndDestroy();
  }

  // ---- what pairs tell

  bytes(pair: Pair, from: Side, atUs: number, chunk: Buffer, writtenUs: number): void {
    this.#relayedBytes += chunk.length;
    if (this.#observer?.isOpen !== true) this.missed.bytes += chunk.length;
    const uncertaintyUs = this.#busy.uncertaintyUs(atUs);
    const isUnread = !this.#options.tellsMessages && pair.message.passes(from, chunk);
    const shareUs = writtenUs - atUs;
    for (const link of this.#links) link.bytes(pair, from, atUs, chunk, uncertaintyUs, shareUs, isUnread);
  }

  connected(pair: Pair): void {
    this.#connected++;
    for (const link of this.#links) link.connected(pair);
  }

  failed(pair: Pair, failed: Failed): void {
    this.#failed[failed.kind] = (this.#failed[failed.kind] ?? 0) + 1;
    for (const link of this.#links) link.failed(pair, nowUs(), failed);
  }

  ended(pair: Pair, side: Side, how: number): void {
    const atUs = nowUs();
    for (const link of this.#links) link.ended(pair, side, atUs, how);
  }

  closed(pair: Pair, facts: Closed): void {
    const atUs = nowUs();
    if (this.#observer?.isOpen !== true) this.missed.connections++;
    for (const link of this.#links) link.closed(pair, atUs, facts);
    this.closedCount++;
    this.#pairs.delete(pair.id);
    const count = (this.#perClient.get(pair.clientAddress) ?? 1) - 1;
    if (count > 0) this.#perClient.set(pair.clientAddress, count);
    else this.#perClient.delete(pair.clientAddress);
    this.#endIfIdle();
  }
}

const NO_IPV6: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

function begin(server: Server, on: ListenOn): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen("fd" in on ? { fd: on.fd } : { ...on, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Connections that the kernel keeps for us until they are accepted. */
const BACKLOG = 1_024;
