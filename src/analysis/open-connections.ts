import type { FileFrames } from "../spine/files.ts";
import type { PendingWait } from "../spine/kept.ts";
import { NO_TIME, type Side, type SourceSink, type StreamSink, type Transport } from "../spine/wire.ts";

/**
 * Connections while they are open, and since when their clients have waited: a dialogue tells of a reply
 * only when it has come, and of a server that says nothing only at its end. It hears what the source says
 * on its way to the dialogues, keeps none of it, and says nothing where it cannot be sure.
 */
export class OpenConnections {
  /** As many as the source follows: it closes those it lets go. */
  readonly #open = new Map<Transport, OpenConnection>();
  /** The latest stamp of the source: its present. */
  nowUs = 0;
  /** Rises when a connection appears or goes, and with the time while one is waiting. */
  version = 0;

  /**
   * @param isMail whether a connection is mail whatever is (not) said on it
   * @param frames where packets are
   */
  around(sink: SourceSink, isMail: (port: number) => boolean, frames: () => FileFrames): SourceSink {
    return {
      open: (transport) => {
        const inner = sink.open(transport);
        const place = frames().locate(transport.firstFrame);
        const isListed = isMail(transport.serverPort);
        const connection = new OpenConnection(transport, inner, place.file, isListed, this);
        this.#open.set(transport, connection);
        this.version++;
        return connection;
      },
      tick: (atUs) => {
        this.heard(atUs);
        if (this.#waits()) this.version++;
        sink.tick(atUs);
      },
      lookup: (lookup) => sink.lookup?.(lookup),
    };
  }

  /** Mail connections that are open, whether or not a dialogue has told of them. */
  *listed(): Iterable<OpenConnection> {
    for (const connection of this.#open.values()) if (connection.isListed) yield connection;
  }

  /** What its client waits for; null where it does not, or nobody can tell. */
  pendingOf(transport: Transport): PendingWait | null {
    return this.#open.get(transport)?.pending(this.nowUs) ?? null;
  }

  heard(atUs: number): void {
    if (atUs > this.nowUs) this.nowUs = atUs;
  }

  closed({ transport }: OpenConnection): void {
    this.#open.delete(transport);
    this.version++;
  }

  #waits(): boolean {
    for (const connection of this.listed()) if (connection.pending(this.nowUs) !== null) return true;
    return false;
  }
}

const LF = 10;
/** The first byte of a TLS record with a handshake message. */
const TLS_HANDSHAKE = 22;
const END_OF_DATA = Buffer.from("\r\n.\r\n");
const GO_AHEAD = "354";
const CHUNK = "BDAT ";

/** What the client is doing, as far as whose turn it is depends on it. */
type Mode =
  /** A line that is complete is the server's turn. */
  | "lines"
  /** A message: only its end is the server's turn. */
  | "message"
  /** Chunks, or encrypted: each of the client's bytes may be the last one. */
  | "bytes";

/** One connection between the source and its dialogue. */
export class OpenConnection implements StreamSink {
  readonly transport: Transport;
  readonly file: string;
  readonly isListed: boolean;
  readonly #inner: StreamSink;
  readonly #owner: OpenConnections;
  #serverSpoke = false;
  #mode: Mode = "lines";
  /** The oldest of what is not answered; NO_TIME while it is not the server's turn. */
  #askedAtUs = NO_TIME;
  /** The client's latest bytes: a message's end may come in pieces. */
  readonly #tail = Buffer.alloc(END_OF_DATA.length);
  /** What was said is not known, or it is over. */
  #isUnsure: boolean;

  constructor(
    transport: Transport,
    inner: StreamSink,
    file: string,
    isListed: boolean,
    owner: OpenConnections,
  ) {
    this.transport = transport;
    this.file = file;
    this.isListed = isListed;
    this.#inner = inner;
    this.#owner = owner;
    this.#isUnsure = !transport.sawHandshake;
  }

  pending(nowUs: number): PendingWait | null {
    if (this.#isUnsure) return null;
    const { synAtUs, synAckAtUs, handshakeAtUs, refused } = this.transport;
    const wait = (what: PendingWait["what"], sinceUs: number | null): PendingWait | null =>
      sinceUs === null ? null : { what, sinceUs, waitedUs: Math.max(0, nowUs - sinceUs) };
    if (this.#askedAtUs !== NO_TIME) return wait("reply", this.#askedAtUs);
    if (this.#serverSpoke || refused) return null;
    if (synAckAtUs === null) return wait("connect", synAtUs);
    return wait("banner", handshakeAtUs ?? synAckAtUs);
  }

  get wanted(): boolean {
    return this.#inner.wanted;
  }

  get isUnread(): boolean {
    return this.#inner.isUnread === true;
  }

  bytes(from: Side, atUs: number, frame: number, buffer: Uint8Array, start: number, end: number): void {
    this.#owner.heard(atUs);
    if (from === "client") this.#asked(atUs, buffer, start, end);
    else this.#answered(buffer, start, end);
    this.#inner.bytes(from, atUs, frame, buffer, start, end);
  }

  #asked(atUs: number, buffer: Uint8Array, start: number, end: number): void {
    // A client that goes on without a SYN-ACK: only its own direction was captured.
    if (this.transport.synAckAtUs === null) this.#isUnsure = true;
    if (buffer[start] === TLS_HANDSHAKE || begins(buffer, start, end, CHUNK)) this.#mode = "bytes";
    else if (!this.#serverSpoke) return;
    const length = Math.min(END_OF_DATA.length, end - start);
    this.#tail.copyWithin(0, length);
    this.#tail.set(buffer.subarray(end - length, end), END_OF_DATA.length - length);
    switch (this.#mode) {
      case "bytes":
        this.#askedAtUs = atUs;
        break;
      case "message":
        if (this.#tail.equals(END_OF_DATA)) this.#askedAtUs = atUs;
        break;
      case "lines":
        if (this.#askedAtUs === NO_TIME && buffer[end - 1] === LF) this.#askedAtUs = atUs;
        break;
    }
  }

  #answered(buffer: Uint8Array, start: number, end: number): void {
    this.#serverSpoke = true;
    this.#askedAtUs = NO_TIME;
    if (this.#mode !== "bytes") this.#mode = begins(buffer, start, end, GO_AHEAD) ? "message" : "lines";
  }

  gap(...[from, atUs, frame, lengthBytes, why]: Parameters<StreamSink["gap"]>): void {
    this.#isUnsure = true;
    this.#inner.gap(from, atUs, frame, lengthBytes, why);
  }

  copy(from: Side, fromOffset: number, toOffset: number, frame: number): void {
    this.#inner.copy(from, fromOffset, toOffset, frame);
  }

  end(...[from, atUs, how]: Parameters<StreamSink["end"]>): void {
    this.#isUnsure = true;
    this.#inner.end(from, atUs, how);
  }

  close(atUs: number): void {
    this.#owner.closed(this);
    this.#inner.close(atUs);
  }
}

/** Whether the bytes begin with this word, in capitals or not. */
function begins(buffer: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start < word.length) return false;
  for (let i = 0; i < word.length; i++)
    if (String.fromCharCode(buffer[start + i]!).toUpperCase() !== word[i]) return false;
  return true;
}
