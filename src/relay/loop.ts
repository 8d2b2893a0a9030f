/**
 * Loops: connections of the proxy to itself. There are two ways into one. The destination is where the
 * proxy listens; or a rule brings the proxy's own connection to a server back to it.
 */
import { networkInterfaces } from "node:os";
import { plainAddress } from "../spine/address.ts";
import { isLoopback } from "./host-port.ts";

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** This host's addresses change rarely; asking takes some 0.1 ms. */
const ADDRESSES_MS = 10_000;

export class LoopGuard {
  readonly #listening: readonly Endpoint[];
  readonly #own = new Set<string>();
  #addresses: ReadonlySet<string> = new Set();
  #askedMs = Number.NEGATIVE_INFINITY;

  /** @param listening the addresses and ports that servers are bound to, `::` and `0.0.0.0` included */
  constructor(listening: readonly Endpoint[]) {
    this.#listening = listening.map(({ host, port }) => ({ host: plain(host), port }));
  }

  /** Whether a connection to there would come to this proxy. */
  isSelf(destination: Endpoint): boolean {
    const host = plain(destination.host);
    return this.#listening.some((own) => {
      if (own.port !== destination.port) return false;
      if (own.host === host) return true;
      // A server on 0.0.0.0 is on every IPv4 address of this host, one on :: on all.
      const isEverywhere = own.host === "::" || (own.host === "0.0.0.0" && !host.includes(":"));
      return (isEverywhere || isUnspecified(host)) && this.isOfThisHost(host);
    });
  }

  isOfThisHost(address: string): boolean {
    const host = plain(address);
    return isUnspecified(host) || isLoopback(host) || this.#hostAddresses().has(host);
  }

  /**
   * The proxy connects from one `address:port` to another, until `forget`. Both count: the port alone may
   * be a client's as well, who connects to something else.
   */
  remember(from: string, to: string): void {
    this.#own.add(`${from}>${to}`);
  }

  forget(from: string, to: string): void {
    this.#own.delete(`${from}>${to}`);
  }

  /** Whether what came from one `address:port` and was going to another is the proxy's own connection. */
  isOwn(from: string, to: string): boolean {
    return this.#own.has(`${from}>${to}`);
  }

  #hostAddresses(): ReadonlySet<string> {
    const nowMs = performance.now();
    if (nowMs - this.#askedMs > ADDRESSES_MS) {
      this.#askedMs = nowMs;
      this.#addresses = hostAddresses();
    }
    return this.#addresses;
  }
}

/** Without zones. */
function hostAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(all.map(({ address }) => plain(address)));
}

function isUnspecified(host: string): boolean {
  return host === "::" || host === "0.0.0.0";
}

/** One spelling for an address; names stay as they are. */
function plain(host: string): string {
  return plainAddress(host.replace(/%.*$/, ""));
}
