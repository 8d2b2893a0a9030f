import { PacketTable } from "../spine/packets.ts";
import type { Transport } from "../spine/wire.ts";
import type { Path } from "./signature.ts";

/** Which connections' packets are looked at, and what all connections show of the way to a server. */

/** Two hosts behind one address answer alike: the first few connections tell, then one in so many; each costs some µs. */
const LOOKED_AT = 8;
const LOOKED_AT_EACH = 64;
/** Servers remembered; when there are more, all are forgotten. */
const MAX_SERVERS = 4_096;

interface Counted extends Path {
  connections: number;
  handshakes: number;
  leastHandshakeUs: number;
}

export class Paths {
  readonly #servers = new Map<string, Counted>();
  #lastServer = "";
  #last: Counted = newPath();
  #packets: PacketTable | null = null;

  /** A connection is over. @returns its packets (lent) and the way to its server, or null where it is not looked at */
  lookAt(transport: Transport): { readonly packets: PacketTable; readonly path: Path } | null {
    if (transport.trail === undefined) return null;
    const path = this.#of(transport.server);
    const { synAtUs, synAckAtUs, synCount } = transport;
    if (synAtUs !== null && synAckAtUs !== null && synCount === 1) {
      path.handshakes++;
      path.leastHandshakeUs = Math.min(path.leastHandshakeUs, synAckAtUs - synAtUs);
    }
    const number = path.connections++;
    if (number >= LOOKED_AT && number % LOOKED_AT_EACH !== 0) return null;
    this.#packets ??= new PacketTable();
    transport.trail.read(this.#packets);
    return { packets: this.#packets, path };
  }

  /** What comes now was captured elsewhere: the way to each server is another one. */
  clear(): void {
    this.#servers.clear();
    this.#lastServer = "";
  }

  #of(server: string): Counted {
    if (server !== this.#lastServer) {
      this.#lastServer = server;
      this.#last = this.#servers.get(server) ?? newPath();
      if (this.#servers.size >= MAX_SERVERS) this.#servers.clear();
      this.#servers.set(server, this.#last);
    }
    return this.#last;
  }
}

function newPath(): Counted {
  return { connections: 0, handshakes: 0, leastHandshakeUs: Number.POSITIVE_INFINITY };
}
