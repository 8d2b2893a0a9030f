import type { Duplex } from "node:stream";
import { TAIL_BYTES } from "../spine/end-of-data.ts";
import type { Side } from "../spine/wire.ts";
import { nowUs } from "./clock.ts";
import type { Closed, Connected, Opened, Order, RelayState } from "./facts.ts";
import {
  BatchWriter,
  CLIENT_BYTES,
  CLIENT_END,
  CLIENT_GAP,
  CLIENT_UNREAD,
  CLOSE,
  CONNECTED,
  FAILED,
  OPEN,
  ORDER,
  RESTORE,
  SERVER_BYTES,
  SERVER_END,
  SERVER_GAP,
  STATE,
  TICK,
  UNKNOWN,
} from "./observation.ts";

/** A batch is sent when it is this old: the delay of what is shown, not of what is measured. */
const BATCH_MS = 20;

/**
 * What an observer may be behind by before observations are dropped: mail is never held up for it, and
 * memory is bounded. At a thousand messages a second it is 10 s of them.
 */
const MAX_BACKLOG_BYTES = 32 << 20;

/** Bytes of messages whose lengths one batch tells: an observer that records writes as many. */
const MAX_UNREAD_BYTES = 4 << 20;

/** What the relay knows of a connection, as far as a link has to say it. */
export interface Observed {
  readonly id: number;
  readonly opened: Opened;
  /** Once it is. */
  readonly connected: { readonly atUs: number; readonly facts: Connected } | null;
  readonly clientBytes: number;
  readonly serverBytes: number;
  /** What each link knows of it, by the link's slot. */
  readonly views: (LinkView | undefined)[];
}

/** Counts of what was relayed but not told. */
export interface Missed {
  bytes: number;
  connections: number;
}

/** What one link has been told of one connection. */
export interface LinkView {
  missedClient: number;
  missedServer: number;
}

/**
 * One observer's end of the observations. It takes everything at once and never says no: what does
 * not fit is counted, and told as a gap as soon as there is room. A connection is announced when
 * first something is to be said of it, so an observer that comes late (restarted, attached) hears of
 * all that are open, with a gap for what it missed.
 */
export class Link {
  readonly slot: number;
  /** What it was not told. */
  readonly missed: Missed;
  readonly #stream: Duplex;
  readonly #batch = new BatchWriter();
  #timer: NodeJS.Timeout | null = null;
  #isOpen = true;
  /** Of messages that the batch tells the length of. */
  #unreadBytes = 0;

  constructor(slot: number, stream: Duplex, missed: Missed) {
    this.slot = slot;
    this.missed = missed;
    this.#stream = stream;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The observer is gone; nothing is kept for it. */
  close(): void {
    this.#isOpen = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#stream.destroy();
  }

  /** Sends what there is; the stream ends when it has been read. */
  end(): void {
    if (!this.#isOpen) return;
    this.flush();
    this.#isOpen = false;
    this.#stream.end();
  }

  // No getter: one of a private name costs a call of the runtime.
  #isBehind(): boolean {
    return this.#stream.writableLength + this.#batch.bytes > MAX_BACKLOG_BYTES;
  }

  /** @param isUnread the bytes are of a message, and not told; see long-message.ts */
  bytes(
    connection: Observed,
    from: Side,
    atUs: number,
    chunk: Buffer,
    uncertaintyUs: number,
    shareUs: number,
    isUnread: boolean,
  ): void {
    if (!this.#isOpen) return;
    if (this.#isBehind()) {
      this.#miss(connection, from, chunk.length);
      return;
    }
    const view = connection.views[this.slot] ?? this.#announce(connection, from, chunk.length);
    if (view.missedClient > 0 || view.missedServer > 0) this.#tellMissed(connection.id, view, atUs);
    if (isUnread) {
      const tail = chunk.subarray(-TAIL_BYTES);
      this.#batch.add(CLIENT_UNREAD, connection.id, atUs, chunk.length, uncertaintyUs, shareUs, tail);
      this.#unreadBytes += chunk.length;
      if (this.#unreadBytes > MAX_UNREAD_BYTES) this.flush();
      else this.#added();
      return;
    }
    const kind = from === "client" ? CLIENT_BYTES : SERVER_BYTES;
    this.#batch.add(kind, connection.id, atUs, chunk.length, uncertaintyUs, shareUs, chunk);
    this.#added();
  }

  #miss(connection: Observed, from: Side, lengthBytes: number): void {
    this.missed.bytes += lengthBytes;
    const view = connection.views[this.slot];
    // An unannounced connection's bytes are all missed; how many they were is asked when it is announced.
    if (view === undefined) return;
    if (from === "client") view.missedClient += lengthBytes;
    else view.missedServer += lengthBytes;
  }

  /** @param from whose `latestBytes` are counted in the connection already, but are about to be told */
  #announce(connection: Observed, from: Side | null, latestBytes: number): LinkView {
    const { id, opened, connected } = connection;
    const view: LinkView = {
      missedClient: connection.clientBytes - (from === "client" ? latestBytes : 0),
      missedServer: connection.serverBytes - (from === "server" ? latestBytes : 0),
    };
    connection.views[this.slot] = view;
    const { client, server, acceptedAtUs, synAtUs } = opened;
    this.#batch.addText(OPEN, id, acceptedAtUs, `${client}\n${server}`, synAtUs ?? UNKNOWN);
    if (connected !== null) this.#addConnected(id, connected);
    this.#added();
    return view;
  }

  #addConnected(id: number, { atUs, facts }: NonNullable<Observed["connected"]>): void {
    const { server, via, othersTriedUs, synRetransmits } = facts;
    this.#batch.addText(CONNECTED, id, atUs, `${server}\n${via}`, othersTriedUs, synRetransmits ?? UNKNOWN);
  }

  #tellMissed(id: number, view: LinkView, atUs: number): void {
    if (view.missedClient > 0) this.#batch.add(CLIENT_GAP, id, atUs, view.missedClient, 0, 0, null);
    if (view.missedServer > 0) this.#batch.add(SERVER_GAP, id, atUs, view.missedServer, 0, 0, null);
    view.missedClient = 0;
    view.missedServer = 0;
  }

  opened(connection: Observed): void {
    if (!this.#isOpen || this.#isBehind() || connection.views[this.slot] !== undefined) return;
    // At once, lest a connection of which much was missed be taken for one on which nothing was said.
    this.#tellMissed(connection.id, this.#announce(connection, null, 0), nowUs());
  }

  connected(connection: Observed): void {
    const { id, connected } = connection;
    if (!this.#isOpen || connected === null) return;
    if (connection.views[this.slot] === undefined) this.opened(connection);
    else {
      this.#addConnected(id, connected);
      this.#added();
    }
  }

  failed(connection: Observed, atUs: number, failed: object): void {
    if (!this.#isOpen) return;
    this.opened(connection);
    if (connection.views[this.slot] === undefined) return;
    this.#json(FAILED, connection.id, atUs, failed);
  }

  ended(connection: Observed, side: Side, atUs: number, how: number): void {
    if (!this.#isOpen) return;
    this.opened(connection);
    const view = connection.views[this.slot];
    if (view === undefined) return;
    this.#tellMissed(connection.id, view, atUs);
    this.#batch.add(side === "client" ? CLIENT_END : SERVER_END, connection.id, atUs, how, 0, 0, null);
    this.#added();
  }

  closed(connection: Observed, atUs: number, { rttUs, minRttUs, retransmits }: Closed): void {
    if (!this.#isOpen) return;
    const view = connection.views[this.slot];
    if (view === undefined) {
      this.missed.connections++;
      return;
    }
    this.#tellMissed(connection.id, view, atUs);
    const [rtt, minRtt, again] = [rttUs ?? UNKNOWN, minRttUs ?? UNKNOWN, retransmits ?? UNKNOWN];
    this.#batch.add(CLOSE, connection.id, atUs, rtt, minRtt, again, null);
    this.#added();
  }

  tick(atUs: number): void {
    if (!this.#isOpen || this.#isBehind()) return;
    this.#batch.add(TICK, 0, atUs, 0, 0, 0, null);
    this.#added();
  }

  state(state: RelayState): void {
    if (this.#isOpen && !this.#isBehind()) this.#json(STATE, 0, nowUs(), state);
  }

  order(order: Order): void {
    if (!this.#isOpen) return;
    this.#json(ORDER, 0, nowUs(), order);
    this.flush();
  }

  /** What the observer before this one had made of it. */
  restore(checkpoint: Buffer): void {
    this.#batch.add(RESTORE, 0, nowUs(), checkpoint.length, 0, 0, checkpoint);
    this.flush();
  }

  #json(kind: number, id: number, atUs: number, value: object): void {
    const payload = Buffer.from(JSON.stringify(value));
    this.#batch.add(kind, id, atUs, payload.length, 0, 0, payload);
    this.#added();
  }

  #added(): void {
    if (this.#batch.isFull) this.flush();
    else this.#timer ??= setTimeout(this.flush, BATCH_MS);
  }

  readonly flush = (): void => {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#unreadBytes = 0;
    if (this.#batch.isEmpty || !this.#isOpen) return;
    const batch = this.#batch.take();
    this.#stream.write(batch, () => this.#batch.recycle(batch));
  };
}
