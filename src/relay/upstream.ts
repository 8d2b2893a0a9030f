import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Failed, FailureKind } from "./facts.ts";
import { endpointText, type ReadHandler, type RelaySocket, socketWith } from "./sockets.ts";

/** One address to connect to. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** More addresses than a name usefully has; each may cost a connect timeout. */
const MAX_ADDRESSES = 8;

/** How long a name's addresses are used before it is looked up again. */
const REFRESH_MS = 30_000;

/** The server's name and what it stands for: looked up at the start, then in the background. */
export class Upstream {
  readonly host: string;
  readonly port: number;
  #addresses: Address[] = [];
  #lookedUpMs = 0;
  #isLooking = false;

  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
  }

  get text(): string {
    return endpointText(this.host, this.port);
  }

  /** @throws Error (code ENOTFOUND, EAI_AGAIN …) when the name has no address */
  async resolve(): Promise<void> {
    if (isIP(this.host) !== 0) this.#addresses = [{ host: this.host, port: this.port }];
    else {
      const found = await lookup(this.host, { all: true, order: "verbatim" });
      this.#addresses = found
        .slice(0, MAX_ADDRESSES)
        .map(({ address }) => ({ host: address, port: this.port }));
    }
    this.#lookedUpMs = performance.now();
  }

  /** What is known now; a look-up that is due is begun, and waited for by nobody. */
  get addresses(): readonly Address[] {
    if (isIP(this.host) === 0 && !this.#isLooking && performance.now() - this.#lookedUpMs > REFRESH_MS) {
      this.#isLooking = true;
      this.resolve()
        .catch(() => {
          // The old addresses may still be right; asked again after the same time.
          this.#lookedUpMs = performance.now();
        })
        .finally(() => {
          this.#isLooking = false;
        });
    }
    return this.#addresses;
  }
}

/** Opens sockets: the ordinary way, or bound to the client's own address. Returns options for the RelaySocket. */
export type SocketOptions = (address: Address) => object;

/** How a connection to the server is made. */
export interface ConnectPlan {
  /** Tried one after the other. */
  readonly addresses: readonly Address[];
  readonly timeoutMs: number;
  readonly socketOptions: SocketOptions;
  /** Told of each attempt when it is begun. */
  readonly onConnecting: ((socket: RelaySocket, address: Address) => void) | null;
}

export interface ConnectHandlers {
  readonly read: ReadHandler;
  /** @returns what is told of errors from now on */
  connected(socket: RelaySocket, serverText: string): { broke(): void };
  failed(failed: Failed): void;
}

/** @returns a function that gives up */
export function connectTo(plan: ConnectPlan, handlers: ConnectHandlers): () => void {
  const { addresses, timeoutMs, socketOptions, onConnecting } = plan;
  let socket: RelaySocket | null = null;
  let timer: NodeJS.Timeout | null = null;
  let isOver = false;
  const attempt = (index: number) => {
    const address = addresses[index];
    if (address === undefined) return;
    const next = (failed: Failed) => {
      if (timer !== null) clearTimeout(timer);
      if (isOver) return;
      if (index + 1 < addresses.length) attempt(index + 1);
      else {
        isOver = true;
        handlers.failed(failed);
      }
    };
    let established: { broke(): void } | null = null;
    let trying: RelaySocket;
    try {
      trying = socketWith(socketOptions(address), handlers.read);
    } catch (error) {
      next(failureOf(error as NodeJS.ErrnoException));
      return;
    }
    socket = trying;
    trying.on("error", (error: NodeJS.ErrnoException) => {
      if (established !== null) established.broke();
      else next(failureOf(error));
    });
    timer = setTimeout(() => {
      trying.destroy();
      next({ kind: "timeout", text: `no answer from ${endpointText(address.host, address.port)}` });
    }, timeoutMs);
    trying.connect(address, () => {
      if (timer !== null) clearTimeout(timer);
      isOver = true;
      established = handlers.connected(trying, endpointText(address.host, address.port));
    });
    onConnecting?.(trying, address);
  };
  attempt(0);
  return () => {
    isOver = true;
    if (timer !== null) clearTimeout(timer);
    socket?.destroy();
  };
}

const KINDS: Readonly<Record<string, FailureKind>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "refused",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ETIMEDOUT: "timeout",
  ENOTFOUND: "name",
  EAI_AGAIN: "name",
  EMFILE: "descriptors",
  ENFILE: "descriptors",
};

function failureOf(error: NodeJS.ErrnoException): Failed {
  return { kind: KINDS[error.code ?? ""] ?? "other", text: error.message };
}
