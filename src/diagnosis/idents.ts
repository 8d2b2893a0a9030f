import { hostOf } from "../spine/address.ts";
import type { Transport } from "../spine/wire.ts";
import type { Errand } from "./errands.ts";

/**
 * Ident calls (RFC 1413): a server that has been connected to asks the client's host, on port 113, who
 * is calling. Nobody runs that service any more; where a firewall drops the call the server waits.
 */

const IDENT_PORT = 113;
/** Calls remembered, the latest. */
const MAX_CALLS = 1_024;

export class Idents {
  #calls: Transport[] = [];

  clear(): void {
    this.#calls = [];
  }

  opened(transport: Transport): void {
    if (transport.serverPort !== IDENT_PORT) return;
    this.#calls.push(transport);
    if (this.#calls.length >= 2 * MAX_CALLS) this.#calls = this.#calls.slice(-MAX_CALLS);
  }

  /** The server's calls to the client in this time. One without an answer ends when the server went on. */
  between(server: string, client: string, fromUs: number, toUs: number): Errand[] {
    const found: Errand[] = [];
    for (const call of this.#calls) {
      const { synAtUs, synAckAtUs, refused, lastAtUs, synFrame } = call;
      if (synAtUs === null || synAtUs < fromUs || synAtUs > toUs) continue;
      if (hostOf(call.client) !== server || hostOf(call.server) !== client) continue;
      const answered = refused || synAckAtUs !== null;
      const end = answered ? (lastAtUs ?? synAtUs) : Number.POSITIVE_INFINITY;
      found.push({ fromUs: synAtUs, toUs: end, spent: { kind: "ident" }, frame: synFrame, name: "" });
    }
    return found;
  }
}
