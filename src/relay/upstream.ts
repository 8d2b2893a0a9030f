import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { getSystemErrorName } from "node:util";
import type { Failed, FailureKind } from "./facts.ts";
import type { RelaySocket, SocketOwner } from "./socket.ts";
import { endpointText, socketWith } from "./sockets.ts";

/** One address to connect to. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** More addresses than a name usefully has; each may cost a connect timeout. */
const MAX_ADDRESSES = 8;

/** How long a name's addresses are used before it is looked up again. */
const REFRESH_MS = 30_000;

/** Where there is another address, one that does not answer is waited for no longer: two SYNs were lost, or it is dead. */
const NEXT_AFTER_MS = 5_000;

/** For so long an address that could not be reached is tried last. */
const AVOIDED_MS = 60_000;

/** The server's name and what it stands for: looked up at the start, then in the background. */
export class Upstream {
  readonly host: string;
  readonly port: number;
  #addresses: Address[] = [];
  #lookedUpMs = 0;
  #isLooking = false;
  readonly #avoidedUntilMs = new Map<string, number>();
  readonly #lookUp: (host: string) => Promise<readonly { readonly address: string }[]>;

  constructor(
    host: string,
    port: number,
    lookUp: (host: string) => Promise<readonly { readonly address: string }[]> = addressesOf,
  ) {
    this.host = host;
    this.port = port;
    this.#lookUp = lookUp;
  }

  get text(): string {
    return endpointText(this.host, this.port);
  }

  /** @throws Error (code ENOTFOUND, EAI_AGAIN …) when the name has no address */
  async resolve(): Promise<void> {
    if (isIP(this.host) !== 0) this.#addresses = [{ host: this.host, port: this.port }];
    else {
      const found = await this.#lookUp(this.host);
      this.#addresses = this.#inOrder(
        found.slice(0, MAX_ADDRESSES).map(({ address }) => ({ host: address, port: this.port })),
      );
    }
    this.#lookedUpMs = performance.now();
  }

  /** It could not be reached: for a while the others are tried first. */
  avoid({ host }: Address): void {
    if (this.#addresses.length < 2) return;
    this.#avoidedUntilMs.set(host, performance.now() + AVOIDED_MS);
    this.#addresses = this.#inOrder(this.#addresses);
  }

  #inOrder(addresses: readonly Address[]): Address[] {
    const nowMs = performance.now();
    for (const [host, untilMs] of this.#avoidedUntilMs) {
      if (untilMs <= nowMs) this.#avoidedUntilMs.delete(host);
    }
    const isAvoided = ({ host }: Address) => this.#avoidedUntilMs.has(host);
    return [...addresses.filter((address) => !isAvoided(address)), ...addresses.filter(isAvoided)];
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

function addressesOf(host: string) {
  return lookup(host, { all: true, order: "verbatim" });
}

/** Opens sockets: the ordinary way, or bound to the client's own address. Returns options for the RelaySocket. */
export type SocketOptions = (address: Address) => object;

/** How a connection to the server is made. */
export interface ConnectPlan {
  /** Tried one after the other. */
  readonly addresses: readonly Address[];
  readonly timeoutMs: number;
  readonly socketOptions: SocketOptions;
  /** Told of an address that could not be reached. */
  readonly onUnreachable: (address: Address) => void;
  /** Told of each attempt when it is begun. */
  readonly onConnecting: ((socket: RelaySocket, address: Address) => void) | null;
}

export interface ConnectHandlers {
  /**
   * The socket is the handler's from now on.
   * @param othersTriedUs for how long other addresses were tried before
   */
  established(socket: RelaySocket, serverText: string, othersTriedUs: number): void;
  unreachable(failed: Failed): void;
}

/** The attempts to connect, one after the other. */
export class Connecting implements SocketOwner {
  readonly #plan: ConnectPlan;
  readonly #handlers: ConnectHandlers;
  #index = 0;
  #socket: RelaySocket | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #begunMs = performance.now();

  constructor(plan: ConnectPlan, handlers: ConnectHandlers) {
    this.#plan = plan;
    this.#handlers = handlers;
  }

  /** Nobody is told before it returns, unless there is nothing to connect with. */
  begin(): void {
    const { addresses, timeoutMs, socketOptions, onConnecting } = this.#plan;
    const address = addresses[this.#index];
    if (address === undefined) {
      this.#handlers.unreachable({ kind: "name", text: "no address is known" });
      return;
    }
    const isLast = this.#index === addresses.length - 1;
    const othersTriedUs = this.#index === 0 ? 0 : Math.round((performance.now() - this.#begunMs) * 1000);
    let socket: RelaySocket;
    try {
      socket = socketWith(socketOptions(address), this);
    } catch (error) {
      this.#next(failureOf(error as NodeJS.ErrnoException));
      return;
    }
    this.#socket = socket;
    this.#timer = setTimeout(
      () => {
        this.giveUp();
        this.#next({ kind: "timeout", text: `no answer from ${endpointText(address.host, address.port)}` });
      },
      isLast ? timeoutMs : Math.min(timeoutMs, NEXT_AFTER_MS),
    );
    socket.connect(address, () => {
      if (socket !== this.#socket) return;
      this.#forget();
      this.#handlers.established(socket, endpointText(address.host, address.port), othersTriedUs);
    });
    onConnecting?.(socket, address);
  }

  /** Ends the attempt that is going on. */
  giveUp(): void {
    const socket = this.#socket;
    this.#forget();
    socket?.destroy();
  }

  #forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#socket = null;
  }

  #next(failed: Failed): void {
    const { addresses, onUnreachable } = this.#plan;
    onUnreachable(addresses[this.#index]!);
    this.#index++;
    if (this.#index < addresses.length) this.begin();
    else this.#handlers.unreachable(failed);
  }

  // ---- what the socket tells

  failed(socket: RelaySocket, error: number, call: string): void {
    if (socket !== this.#socket) return;
    this.#forget();
    const code = getSystemErrorName(error);
    this.#next({ kind: KINDS[code] ?? "other", text: `${call} ${code}` });
  }

  // It is not read before it is connected.
  read(): void {}
  ended(): void {}
  drained(): void {}
  closed(): void {}
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
