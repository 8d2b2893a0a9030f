import type { Side } from "../spine/wire.ts";
import { nowUs } from "./clock.ts";
import type { Closed, Connected, Failed, Opened } from "./facts.ts";
import type { Kernel } from "./kernel.ts";
import type { LinkView, Observed } from "./link.ts";
import { READ_BYTES } from "./native/raw-socket.ts";
import { FIN, RST } from "./observation.ts";
import { endpointText, type RelaySocket } from "./sockets.ts";
import { type ConnectPlan, connectTo } from "./upstream.ts";

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

export class Pair implements Observed {
  readonly id: number;
  readonly opened: Opened;
  connected: { atUs: number; facts: Connected } | null = null;
  clientBytes = 0;
  serverBytes = 0;
  readonly views: (LinkView | undefined)[] = [];
  /** When something last happened on it, for the idle timeout. */
  lastAtUs: number;
  readonly client: RelaySocket;
  server: RelaySocket | null = null;
  /** Without the port. */
  readonly clientAddress: string;
  readonly #owner: PairOwner;
  #giveUp: (() => void) | null = null;
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
    client.setNoDelay(true);
    client.on("end", () => this.#finished("client"));
    client.on("error", () => this.#broke("client"));
    client.on("close", () => this.#socketClosed());
    client.on("drain", () => this.server?.resume());
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
    this.#giveUp = connectTo(plan, {
      read: (lengthBytes, buffer) => this.read("server", lengthBytes, buffer),
      connected: (socket, serverText) => {
        if (preface !== null) socket.write(preface);
        this.#attach(socket, serverText);
        return { broke: () => this.#broke("server") };
      },
      failed: (failed) => {
        if (this.#isOver) return;
        this.#owner.failed(this, failed);
        this.client.resetAndDestroy();
      },
    });
  }

  /** The server answered: from now on bytes go both ways. */
  #attach(server: RelaySocket, serverText: string): void {
    const atUs = nowUs();
    this.server = server;
    const via = endpointText(server.localAddress, server.localPort);
    this.connected = { atUs, facts: { server: serverText, via } };
    this.lastAtUs = atUs;
    server.setNoDelay(true);
    server.on("end", () => this.#finished("server"));
    server.on("close", () => this.#socketClosed());
    server.on("drain", () => this.client.resume());
    this.#owner.connected(this);
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) server.write(chunk);
    if (this.#clientEnded) server.end();
    else if (!server.writableNeedDrain) this.client.resume();
    server.resume();
  }

  // ---- bytes

  read(from: Side, lengthBytes: number, buffer: Buffer): void {
    const target = from === "client" ? this.server : this.client;
    // The other side broke and this one's reset is on its way: nobody is there to read it.
    if (target?.destroyed) return;
    const atUs = nowUs();
    this.lastAtUs = atUs;
    const chunk = copyOf(buffer, lengthBytes);
    const taken = lengthBytes > SMALL_BYTES ? () => giveBack(chunk) : undefined;
    if (from === "client") this.clientBytes += lengthBytes;
    else this.serverBytes += lengthBytes;
    if (target === null) this.#keepEarly(chunk);
    else if (!target.write(chunk, taken)) (from === "client" ? this.client : this.server)?.pause();
    this.#owner.bytes(this, from, atUs, chunk, nowUs());
  }

  #keepEarly(chunk: Buffer): void {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= MAX_EARLY_BYTES) this.client.pause();
  }

  // ---- endings

  #finished(side: Side): void {
    const socket = side === "client" ? this.client : this.server;
    // Data and a reset that come together are reported as a plain end; the socket knows better.
    if (socket !== null && this.#owner.kernel?.wasReset(socket) === true) {
      this.#broke(side);
      return;
    }
    if (this.#hasEnded(side)) return;
    this.#end(side, FIN);
    const other = side === "client" ? this.server : this.client;
    other?.end();
  }

  #broke(side: Side): void {
    if (this.#hasEnded(side) && this.#hasEnded(side === "client" ? "server" : "client")) return;
    if (!this.#hasEnded(side)) this.#end(side, RST);
    const [broken, other] = side === "client" ? [this.client, this.server] : [this.server, this.client];
    broken?.destroy();
    if (other === null) {
      this.#socketClosed();
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

  #socketClosed(): void {
    if (this.#isOver || !this.client.destroyed || (this.server !== null && !this.server.destroyed)) return;
    this.#isOver = true;
    if (this.server === null) this.#giveUp?.();
    this.#owner.closed(this, this.#facts);
  }
}

/** Up to this a copy takes its memory from a slab that Node shares out; more has memory that is used again. */
const SMALL_BYTES = 2_048;

/** Memory of large chunks that the kernel has taken, for the next ones: 4 MiB. */
const spare: Buffer[] = [];
const MAX_SPARE = 64;

/** A read's bytes in memory of their own, because the next read overwrites them. */
function copyOf(buffer: Buffer, lengthBytes: number): Buffer {
  const copy =
    lengthBytes <= SMALL_BYTES || lengthBytes > READ_BYTES
      ? Buffer.allocUnsafe(lengthBytes)
      : (spare.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES)).subarray(0, lengthBytes);
  buffer.copy(copy, 0, 0, lengthBytes);
  return copy;
}

function giveBack(chunk: Buffer): void {
  if (chunk.buffer.byteLength !== READ_BYTES || spare.length >= MAX_SPARE) return;
  spare.push(Buffer.from(chunk.buffer, 0, READ_BYTES));
}
