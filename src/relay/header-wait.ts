import { decodeProxyHeader, type Parties } from "./proxy-header.ts";
import { NOBODY, type RelaySocket, type SocketOwner } from "./socket.ts";

/**
 * A connection of a load balancer, until its PROXY header is read. It waits a few seconds and reads no
 * more than a header needs; what came after the header in the same read is handed on with it.
 */

/** The header is what a load balancer sends first, at once; the protocol recommends 3 s at least, for a lost packet. */
const PATIENCE_MS = 5_000;

export interface HeaderHandlers {
  /** @param parties null when the sender speaks for itself */
  done(parties: Parties | null, rest: Buffer): void;
  refused(): void;
}

export class HeaderWait implements SocketOwner {
  readonly #client: RelaySocket;
  readonly #handlers: HeaderHandlers;
  readonly #timer: NodeJS.Timeout;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(client: RelaySocket, handlers: HeaderHandlers) {
    this.#client = client;
    this.#handlers = handlers;
    this.#timer = setTimeout(() => this.#refuse(), PATIENCE_MS);
    client.owner = this;
    client.resume();
  }

  read(_client: RelaySocket, lengthBytes: number, buffer: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, buffer.subarray(0, lengthBytes)]);
    const header = decodeProxyHeader(this.#bytes);
    if (header.kind === "more") return;
    if (header.kind === "malformed") this.#refuse();
    else {
      this.#end();
      this.#handlers.done(header.parties, this.#bytes.subarray(header.lengthBytes));
    }
  }

  ended(): void {
    this.#refuse();
  }
  failed(): void {
    this.#refuse();
  }
  closed(): void {
    this.#refuse();
  }
  // Nothing is written before the header has come.
  drained(): void {}

  #refuse(): void {
    this.#end();
    this.#handlers.refused();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#client.owner = NOBODY;
  }
}
