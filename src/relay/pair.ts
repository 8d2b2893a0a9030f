import type { Side } from "../spine/wire.ts";
import { nowUs } from "./clock.ts";
import type { Closed, Connected, Failed, Opened } from "./facts.ts";
import type { Kernel } from "./kernel.ts";
import type { LinkView, Observed } from "./link.ts";
import { LongMessage } from "./long-message.ts";
import { FIN, RST } from "./observation.ts";
import type { RelaySocket, SocketOwner } from "./socket.ts";
import { endpointText } from "./sockets.ts";
import { type ConnectHandlers, Connecting, type ConnectPlan } from "./upstream.ts";

/**
 * One client, its connection to the server, and what goes between them. Nothing here knows SMTP: bytes
 * are written as they were read, one write for each read, and each side's ending is handed to the other
 * in kind.
 */

/** What a pair tells of; see relay.ts. */
export interface PairOwner {
  readonly kernel: Kernel | null;
  bytes(pair: Pair, from: Side, atUs: number, chunk: Buffer, writtenUs: number): void;
  connected(pair: Pair): void;
  failed(pair: Pair, failed: Failed): void;
  ended(pair: Pair, side: Side, how: number): void;
  closed(pair: Pair, facts: Closed): void;
}

/** What a client may say before the server is connected; more waits in the kernel. */
const MAX_EARLY_BYTES = 65_536;

/** How long the last bytes before a reset may take to arrive: a reset discards what has not. */
const FLUSH_MS = 5_000;
const FLUSH_POLL_MS = 5;
/** Where the kernel cannot be asked what has arrived, a reset waits this long after the last write. */
const BLIND_FLUSH_MS = 100;

const KEEP_ALIVE_MS = 60_000;

/** Linux sends a SYN again after 1 s; a route may say less. */
const FIRST_RETRANSMIT_US = 200_000;

export class Pair implements Observed, SocketOwner, ConnectHandlers {
  readonly id: number;
  readonly opened: Opened;
  connected: { atUs: number; facts: Connected } | null = null;
  clientBytes = 0;
  serverBytes = 0;
  readonly views: (LinkView | undefined)[] = [];
  readonly message = new LongMessage();
  /** When something last happened on it, for the idle timeout. */
  lastAtUs: number;
  readonly client: RelaySocket;
  server: RelaySocket | null = null;
  /** Without the port. */
  readonly clientAddress: string;
  readonly #owner: PairOwner;
  #connecting: Connecting | null = null;
  #preface: Buffer | null = null;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #clientEnded = false;
  #serverEnded = false;
  #isOver = false;
  #isKeptAlive = false;
  #facts: Closed = { rttUs: null, minRttUs: null, retransmits: null };

  constructor(id: number, client: RelaySocket, clientAddress: string, opened: Opened, owner: PairOwner) {
    this.id = id;
    this.client = client;
    this.clientAddress = clientAddress;
    this.opened = opened;
    this.lastAtUs = opened.acceptedAtUs;
    this.#owner = owner;
    client.owner = this;
    client.setNoDelay(true);
    client.resume();
  }

  /** Asks the kernel to notice a peer that is gone. Most connections are over before that costs its system calls. */
  keepAlive(): void {
    if (this.#isKeptAlive) return;
    this.#isKeptAlive = true;
    this.client.setKeepAlive(true, KEEP_ALIVE_MS);
    this.server?.setKeepAlive(true, KEEP_ALIVE_MS);
  }

  // ---- the server's side begins

  /** @param preface goes to the server before the client's first byte, and is none of the dialogue */
  connect(plan: ConnectPlan, preface: Buffer | null): void {
    this.#preface = preface;
    this.#connecting = new Connecting(plan, this);
    this.#connecting.begin();
  }

  unreachable(failed: Failed): void {
    if (this.#isOver) return;
    this.#owner.failed(this, failed);
    this.client.resetAndDestroy();
  }

  /** The server answered: from now on bytes go both ways. */
  established(server: RelaySocket, serverText: string, othersTriedUs: number): void {
    const atUs = nowUs();
    this.server = server;
    server.owner = this;
    let hasRoom = this.#preface === null || server.write(this.#preface);
    const via = endpointText(server.localAddress, server.localPort);
    const facts = {
      server: serverText,
      via,
      othersTriedUs,
      synRetransmits: this.#synRetransmits(server, atUs),
    };
    this.connected = { atUs, facts };
    this.lastAtUs = atUs;
    server.setNoDelay(true);
    this.#owner.connected(this);
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) hasRoom = server.write(chunk);
    if (this.#clientEnded) server.end();
    else if (hasRoom) this.client.resume();
    server.resume();
  }

  /** Not asked of a connection that came at once: a SYN is not sent again before. */
  #synRetransmits(server: RelaySocket, atUs: number): number | null {
    if (atUs - (this.opened.synAtUs ?? atUs) < FIRST_RETRANSMIT_US) return 0;
    return this.#owner.kernel?.facts(server)?.retransmits ?? null;
  }

  // ---- bytes

  read(socket: RelaySocket, lengthBytes: number, buffer: Buffer, mayKeep: boolean): void {
    const from = socket === this.client ? "client" : "server";
    const target = from === "client" ? this.server : this.client;
    // The other side broke and this one's reset is on its way: nobody is there to read it.
    if (target?.destroyed) return;
    const atUs = nowUs();
    this.lastAtUs = atUs;
    if (from === "client") this.clientBytes += lengthBytes;
    else this.serverBytes += lengthBytes;
    const isKept = mayKeep && target !== null;
    const chunk = isKept ? buffer.subarray(0, lengthBytes) : copyOf(buffer, lengthBytes);
    if (target === null) this.#keepEarly(chunk);
    else if (!target.write(chunk)) socket.pause();
    this.#owner.bytes(this, from, atUs, chunk, nowUs());
  }

  drained(socket: RelaySocket): void {
    if (socket === this.client) this.server?.resume();
    else this.client.resume();
  }

  #keepEarly(chunk: Buffer): void {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= MAX_EARLY_BYTES) this.client.pause();
  }

  // ---- endings

  ended(socket: RelaySocket): void {
    const side = socket === this.client ? "client" : "server";
    // Data and a reset that come together are reported as a plain end; the socket knows better.
    if (this.#owner.kernel?.wasReset(socket) === true) {
      this.#broke(side);
      return;
    }
    if (this.#hasEnded(side)) return;
    this.#end(side, FIN);
    const other = side === "client" ? this.server : this.client;
    other?.end();
  }

  failed(socket: RelaySocket): void {
    this.#broke(socket === this.client ? "client" : "server");
  }

  #broke(side: Side): void {
    if (this.#hasEnded(side) && this.#hasEnded(side === "client" ? "server" : "client")) return;
    if (!this.#hasEnded(side)) this.#end(side, RST);
    const [broken, other] = side === "client" ? [this.client, this.server] : [this.server, this.client];
    broken?.destroy();
    if (other === null) {
      this.closed();
      return;
    }
    this.#resetWhenFlushed(other, performance.now() + FLUSH_MS);
  }

  #hasEnded(side: Side): boolean {
    return side === "client" ? this.#clientEnded : this.#serverEnded;
  }

  #end(side: Side, how: number): void {
    if (side === "client") this.#clientEnded = true;
    else this.#serverEnded = true;
    if (side === "server" || how === RST) this.#learn();
    this.#owner.ended(this, side, how);
  }

  /** The last bytes written must have arrived, or the reset takes them along. */
  #resetWhenFlushed(socket: RelaySocket, untilMs: number): void {
    if (socket.destroyed) return;
    const { kernel } = this.#owner;
    const unsent = socket.writableLength > 0 ? 1 : (kernel?.unacknowledged(socket) ?? null);
    if (unsent === 0 || performance.now() >= untilMs) {
      socket.resetAndDestroy();
      return;
    }
    const waitMs = unsent === null ? BLIND_FLUSH_MS : FLUSH_POLL_MS;
    const last = unsent === null ? 0 : untilMs;
    setTimeout(() => this.#resetWhenFlushed(socket, last), waitMs);
  }

  /** Ends it now, for a reason of ours. */
  reset(): void {
    this.#learn();
    if (this.server !== null && !this.#serverEnded) this.#end("server", RST);
    if (!this.#clientEnded) this.#end("client", RST);
    this.client.resetAndDestroy();
    this.server?.resetAndDestroy();
  }

  /** Asked while the socket still is one. */
  #learn(): void {
    const { server } = this;
    if (server === null || server.destroyed) return;
    this.#facts = this.#owner.kernel?.facts(server) ?? this.#facts;
  }

  /** One of its sockets is. */
  closed(): void {
    if (this.#isOver || !this.client.destroyed || (this.server !== null && !this.server.destroyed)) return;
    this.#isOver = true;
    if (this.server === null) this.#connecting?.giveUp();
    this.#owner.closed(this, this.#facts);
  }
}

/** Bytes in memory of their own. */
function copyOf(buffer: Buffer, lengthBytes: number): Buffer {
  const copy = Buffer.allocUnsafe(lengthBytes);
  buffer.copy(copy, 0, 0, lengthBytes);
  return copy;
}
