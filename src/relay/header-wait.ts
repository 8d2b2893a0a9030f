import { decodeProxyHeader, type Parties } from "./proxy-header.ts";
import type { RelaySocket } from "./sockets.ts";

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

export class HeaderWait {
  readonly #client: RelaySocket;
  readonly #handlers: HeaderHandlers;
  readonly #timer: NodeJS.Timeout;
  #bytes: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(client: RelaySocket, handlers: HeaderHandlers) {
    this.#client = client;
    this.#handlers = handlers;
    this.#timer = setTimeout(this.#refuse, PATIENCE_MS);
    client.on("end", this.#refuse).on("error", this.#refuse).on("close", this.#refuse);
    client.resume();
  }

  read(lengthBytes: number, buffer: Buffer): void {
    if (this.#isOver) return;
    this.#bytes = Buffer.concat([this.#bytes, buffer.subarray(0, lengthBytes)]);
    const header = decodeProxyHeader(this.#bytes);
    if (header.kind === "more") return;
    if (header.kind === "malformed") this.#refuse();
    else {
      this.#end();
      this.#handlers.done(header.parties, this.#bytes.subarray(header.lengthBytes));
    }
  }

  readonly #refuse = (): void => {
    if (this.#isOver) return;
    this.#end();
    this.#handlers.refused();
  };

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#client.off("end", this.#refuse).off("error", this.#refuse).off("close", this.#refuse);
  }
}
