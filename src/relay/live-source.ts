import { TAIL_BYTES } from "../spine/end-of-data.ts";
import { FileFrames } from "../spine/files.ts";
import type { EndCause, LiveFacts, Side, SourceSink, StreamSink, Transport } from "../spine/wire.ts";
import { closedOf, connectedOf, jsonOf, openedOf } from "./decode.ts";
import type { Closed, Connected, Failed, Opened, Order, RelayState } from "./facts.ts";
import {
  BatchReader,
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
  RST,
  SERVER_BYTES,
  SERVER_END,
  SERVER_GAP,
  STATE,
  TICK,
} from "./observation.ts";
import { MAX_STAND_IN_BYTES, StandIn } from "./stand-in.ts";

/**
 * A relay as a source, at the observer's end: observations in, the same calls out that a capture makes.
 * What was read is numbered in the order of reading; these numbers stand where packet numbers stand
 * otherwise, three of them for the handshake.
 */

export interface LiveHandlers {
  state(state: RelayState): void;
  order(order: Order): void;
  /** An earlier observer's checkpoint. */
  restore(checkpoint: Uint8Array): void;
  /** µs from reading to written of one chunk, and by how much its stamp may be late. */
  chunk(shareUs: number, uncertaintyUs: number): void;
  /** Asked before some 64 KiB of observations are taken; false: `goOn` is called when it may. Absent: always. */
  mayGoOn?(): boolean;
}

/** Stamps whose uncertainty is remembered: an exchange asks for it as soon as its reply is complete. */
const REMEMBERED = 1 << 16;

/** What the source says of itself where a capture's file is named. */
const NAME = "proxy";

export class LiveSource {
  readonly frames: FileFrames;
  /** Exceptions that were caught: each cost the rest of one connection's analysis, and is a defect. */
  faults = 0;
  firstAtUs: number | null = null;
  lastAtUs: number | null = null;
  connections = 0;
  readonly #sink: SourceSink;
  readonly #handlers: LiveHandlers;
  readonly #open = new Map<number, { transport: LiveTransport; sink: StreamSink | null }>();
  readonly #standIn = new StandIn();
  readonly #reader: BatchReader;
  readonly #uncertaintyUs = new Float64Array(REMEMBERED);
  #frame = 0;
  #isOver = false;

  constructor(sink: SourceSink, handlers: LiveHandlers) {
    this.#sink = sink;
    this.#handlers = handlers;
    this.#reader = new BatchReader(
      (record, payload, start, end) => this.#record(record, payload, start, end),
      () => this.#isOver || handlers.mayGoOn?.() !== false,
    );
    this.frames = new FileFrames((frame) =>
      frame > this.#frame - REMEMBERED ? this.#uncertaintyUs[frame % REMEMBERED]! : null,
    );
    this.frames.begin(NAME, 0);
  }

  /** @throws Error when this is not a relay's stream */
  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** See `BatchReader`. */
  get isWaiting(): boolean {
    return this.#reader.isWaiting;
  }

  goOn(): void {
    this.#reader.goOn();
  }

  /** The relay is gone or done: what is open stays unfinished. */
  end(): void {
    this.#isOver = true;
    this.goOn();
    for (const { sink } of this.#open.values()) {
      this.#guarded(sink, (to) => {
        to.end("client", this.lastAtUs ?? 0, "open");
        to.end("server", this.lastAtUs ?? 0, "open");
        to.close(this.lastAtUs ?? 0);
      });
    }
    this.#open.clear();
  }

  #record(record: Float64Array, payload: Uint8Array, start: number, end: number): void {
    const kind = record[0]!;
    const id = record[1]!;
    const atUs = record[2]!;
    if (kind < STATE) this.#sawTime(atUs);
    switch (kind) {
      case CLIENT_BYTES:
      case SERVER_BYTES:
        this.#bytes(id, kind === CLIENT_BYTES ? "client" : "server", record, payload, start, end);
        break;
      case CLIENT_UNREAD:
        this.#untold(id, record, payload, start);
        break;
      case OPEN:
        this.#opened(id, openedOf(record, payload, start, end));
        break;
      case TICK:
        this.#attempt(() => this.#sink.tick(atUs));
        break;
      case STATE:
        this.#handlers.state(jsonOf(payload, start, end) as RelayState);
        break;
      case RESTORE:
        // What one observer died of must not kill its successors too.
        this.#attempt(() => this.#handlers.restore(payload.slice(start, end)));
        break;
      case ORDER:
        this.#handlers.order(jsonOf(payload, start, end) as Order);
        break;
      default:
        this.#rarer(record, payload, start, end);
    }
  }

  /** What happens once or twice a connection. */
  #rarer(record: Float64Array, payload: Uint8Array, start: number, end: number): void {
    const entry = this.#open.get(record[1]!);
    if (entry === undefined) return;
    const kind = record[0]!;
    const atUs = record[2]!;
    const { transport, sink } = entry;
    transport.lastAtUs = atUs;
    switch (kind) {
      case CONNECTED:
        transport.connected(atUs, connectedOf(record, payload, start, end));
        break;
      case FAILED:
        transport.failed(jsonOf(payload, start, end) as Failed);
        break;
      case CLIENT_GAP:
      case SERVER_GAP:
        this.#guarded(sink, (to) =>
          to.gap(kind === CLIENT_GAP ? "client" : "server", atUs, ++this.#frame, record[3]!, "overrun"),
        );
        break;
      case CLIENT_END:
      case SERVER_END: {
        const how: EndCause = record[3] === RST ? "rst" : "fin";
        this.#guarded(sink, (to) => to.end(kind === CLIENT_END ? "client" : "server", atUs, how));
        break;
      }
      case CLOSE:
        transport.closed(closedOf(record));
        this.#open.delete(record[1]!);
        this.#guarded(sink, (to) => to.close(atUs));
        break;
    }
  }

  #sawTime(atUs: number): void {
    this.firstAtUs ??= atUs;
    if (this.lastAtUs === null || atUs > this.lastAtUs) this.lastAtUs = atUs;
  }

  #opened(id: number, opened: Opened): void {
    this.connections++;
    const transport = new LiveTransport(id, this.#frame + 1, opened);
    this.#frame += HANDSHAKE_FRAMES;
    transport.lastAtUs = opened.acceptedAtUs;
    let sink: StreamSink | null = null;
    this.#attempt(() => {
      sink = this.#sink.open(transport);
    });
    this.#open.set(id, { transport, sink });
  }

  #bytes(id: number, from: Side, record: Float64Array, payload: Uint8Array, start: number, end: number) {
    const entry = this.#open.get(id);
    if (entry === undefined) return;
    const atUs = record[2]!;
    const frame = ++this.#frame;
    this.#uncertaintyUs[frame % REMEMBERED] = record[4]!;
    this.#handlers.chunk(record[5]!, record[4]!);
    entry.transport.lastAtUs = atUs;
    const { sink } = entry;
    if (sink === null || !sink.wanted) return;
    try {
      sink.bytes(from, atUs, frame, payload, start, end);
    } catch {
      this.#lost(entry);
    }
  }

  /** Bytes that the relay took for a message's, of which it told the number and the last. */
  #untold(id: number, record: Float64Array, payload: Uint8Array, start: number): void {
    const lengthBytes = record[3]!;
    const sink = this.#open.get(id)?.sink ?? null;
    if (sink?.isUnread === true && lengthBytes > TAIL_BYTES && lengthBytes <= MAX_STAND_IN_BYTES) {
      const standIn = this.#standIn.take(lengthBytes, payload, start);
      this.#bytes(id, "client", record, standIn, 0, lengthBytes);
      this.#standIn.giveBack();
    } else {
      this.#guarded(sink, (to) => to.gap("client", record[2]!, ++this.#frame, lengthBytes, "overrun"));
    }
  }

  #guarded(sink: StreamSink | null, call: (sink: StreamSink) => void): void {
    if (sink !== null) this.#attempt(() => call(sink));
  }

  /** A defect of the analysis costs one connection's results, never the others'. */
  #attempt(call: () => void): void {
    try {
      call();
    } catch {
      this.faults++;
    }
  }

  #lost(entry: { sink: StreamSink | null }): void {
    this.faults++;
    entry.sink = null;
  }
}

const HANDSHAKE_FRAMES = 3;

/** A relayed connection: the client's address, and the connection to the server as ours. */
class LiveTransport implements Transport {
  readonly client: string;
  readonly sawHandshake = true;
  readonly firstFrame: number;
  readonly firstAtUs: number;
  readonly synAtUs: number | null;
  readonly synFrame: number;
  synCount = 1;
  readonly clockSteps = 0;
  readonly oneWay = false;
  server: string;
  synAckAtUs: number | null = null;
  synAckFrame = 0;
  handshakeAtUs: number | null = null;
  handshakeFrame = 0;
  refused = false;
  lastAtUs: number | null = null;
  readonly live: { -readonly [fact in keyof LiveFacts]: LiveFacts[fact] };
  readonly #id: number;

  constructor(id: number, firstFrame: number, { client, server, acceptedAtUs, synAtUs }: Opened) {
    this.#id = id;
    this.client = client;
    this.server = server;
    this.firstFrame = firstFrame;
    this.firstAtUs = synAtUs ?? acceptedAtUs;
    this.synAtUs = synAtUs;
    this.synFrame = synAtUs === null ? 0 : firstFrame;
    this.live = {
      acceptedAtUs,
      via: null,
      othersTriedUs: 0,
      failure: null,
      rttUs: null,
      minRttUs: null,
      retransmits: null,
    };
  }

  get serverPort(): number {
    return Number(this.server.slice(this.server.lastIndexOf(":") + 1));
  }

  tcpStreamAt(): number {
    return this.#id;
  }

  /** Whatever was read is ours: there is nothing to wait for. */
  acknowledged(): number {
    return Number.MAX_SAFE_INTEGER;
  }

  connected(atUs: number, { server, via, othersTriedUs, synRetransmits }: Connected): void {
    this.server = server;
    // SYNs to another address are some too: until the connection, it was no single round trip.
    this.synCount = 1 + (synRetransmits ?? 0) + (othersTriedUs > 0 ? 1 : 0);
    this.live.via = via;
    this.live.othersTriedUs = othersTriedUs;
    this.synAckAtUs = atUs;
    this.synAckFrame = this.firstFrame + 1;
    this.handshakeAtUs = atUs;
    this.handshakeFrame = this.firstFrame + 2;
  }

  failed({ kind, text }: Failed): void {
    this.refused = kind !== "timeout";
    this.live.failure = text;
  }

  closed({ rttUs, minRttUs, retransmits }: Closed): void {
    this.live.rttUs = rttUs;
    this.live.minRttUs = minRttUs;
    this.live.retransmits = retransmits;
  }
}
