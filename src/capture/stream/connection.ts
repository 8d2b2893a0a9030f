import { NO_TIME, type Side, type StreamSink, type Transport } from "../../spine/wire.ts";
import { ACK, FIN, RST, type Segment, SYN } from "../packet.ts";
import { Direction, MAX_WINDOW_BYTES } from "./direction.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * One TCP connection as captured: handshake, roles, both directions, and in which order what was
 * said is handed on.
 *
 * Order matters: a reply must not overtake the command it answers because the command's segment is
 * late in the capture. A segment therefore waits while it acknowledges bytes of the other direction
 * that have not been delivered. If those bytes never come (acknowledged by the receiver, so they
 * will not be sent again: the capture missed them) they are given up as a gap after a grace. The
 * grace exists because a capture may hold an ACK before the data it answers.
 *
 * Deliberately absent: checksums (offload makes them wrong in honest captures), window tracking,
 * congestion. What a peer's stack would reject is accepted unless it would end the connection.
 */

/** Packets of the connection, or µs of its time, after which acknowledged bytes are taken as never captured. */
const GRACE_PACKETS = 64;
const GRACE_US = 200_000;

/** Captures of several queues are out of order by less; a clock that is set steps further (µs). */
const CLOCK_STEP_US = 50_000;

/** A RST must name a sequence number near what is expected, or anyone could end a dialogue (RFC 5961 §3). */
const RST_TOLERANCE_BYTES = 1 << 20;

/** One direction's waiting bytes: the largest receive window that Linux gives by default is 6 MiB. */
const MAX_QUEUED_BYTES = 8 << 20;

/** Waiting bytes of all connections together; whoever would pass it gives up its own hole. */
const MAX_QUEUED_TOTAL_BYTES = 24 << 20;

/** Counts the bytes that wait in all connections of one source. */
export interface QueueBudget {
  bytes: number;
}

export class Connection implements Transport {
  readonly low: Direction = new Direction("client");
  readonly high: Direction = new Direction("server");
  readonly firstFrame: number;
  readonly firstAtUs: number | null;
  synAtUs: number | null = null;
  synFrame = 0;
  synCount = 0;
  synAckAtUs: number | null = null;
  synAckFrame = 0;
  handshakeAtUs: number | null = null;
  handshakeFrame = 0;
  refused = false;
  lastAtUs: number | null = null;
  clockSteps = 0;
  #previousAtUs = NO_TIME;
  /** When both directions ended, or a RST came; 0 while open. */
  finishedAtUs = 0;
  /** First sequence numbers as Wireshark sets them, to tell a new connection from a repeated SYN. */
  lowBase = 0;
  lowBaseKnown = false;
  highBase = 0;
  highBaseKnown = false;
  sink: StreamSink | null = null;
  /** Bytes wait, or are known to be missing. */
  waiting = false;
  /** The sink wanted no more of this connection. */
  sinkRefused = false;
  readonly #lowEnd: Endpoint;
  readonly #highEnd: Endpoint;
  readonly #budget: QueueBudget;
  #serverIsHigh = true;
  #rolesKnown = false;
  #packets = 0;
  #lastFrame = 0;
  /** A client's ACK before any SYN-ACK: completes the handshake if the SYN-ACK was captured late. */
  #earlyAck = 0;
  #earlyAckFrame = 0;
  #earlyAckAtUs = NO_TIME;
  #holeAtUs = NO_TIME;
  #holePacket = 0;
  /** Its number in the file it began in, and in later files of the ring. */
  readonly #tcpStream: number;
  #later: { fromFrame: number; number: number }[] | null = null;

  constructor(
    low: Endpoint,
    high: Endpoint,
    frame: number,
    atUs: number,
    tcpStream: number,
    budget: QueueBudget,
  ) {
    this.#lowEnd = low;
    this.#highEnd = high;
    this.firstFrame = frame;
    this.firstAtUs = atUs === NO_TIME ? null : atUs;
    this.#tcpStream = tcpStream;
    this.#budget = budget;
  }

  get client(): string {
    return (this.#serverIsHigh ? this.#lowEnd : this.#highEnd).text;
  }
  get server(): string {
    return (this.#serverIsHigh ? this.#highEnd : this.#lowEnd).text;
  }
  get serverPort(): number {
    return (this.#serverIsHigh ? this.#highEnd : this.#lowEnd).port;
  }
  get sawHandshake(): boolean {
    return this.synFrame > 0 || this.synAckFrame > 0;
  }
  get oneWay(): boolean {
    return !(this.low.seen && this.high.seen);
  }
  get rolesKnown(): boolean {
    return this.#rolesKnown;
  }
  #isWaiting(): boolean {
    return (
      this.low.queue.length > 0 || this.high.queue.length > 0 || this.low.missing > 0 || this.high.missing > 0
    );
  }

  get saidNothing(): boolean {
    return this.low.offset === 0 && this.high.offset === 0;
  }

  acknowledged(side: Side): number {
    return this.#of(side).acknowledgedOffset;
  }

  tcpStreamAt(frame: number): number {
    let number = this.#tcpStream;
    for (const stream of this.#later ?? []) if (stream.fromFrame <= frame) number = stream.number;
    return number;
  }

  /** The connection goes on in the next file of a ring, where it is counted anew. */
  renumber(fromFrame: number, number: number): void {
    this.#later ??= [];
    this.#later.push({ fromFrame, number });
    if (this.#later.length > MAX_REMEMBERED_FILES) this.#later.shift();
  }

  /** Settles who opened the connection. Needed before anything can be handed on. */
  setServer(isHigh: boolean): void {
    this.#rolesKnown = true;
    this.#serverIsHigh = isHigh;
    this.low.side = isHigh ? "client" : "server";
    this.high.side = isHigh ? "server" : "client";
  }

  #of(side: Side): Direction {
    return (side === "server") === this.#serverIsHigh ? this.high : this.low;
  }

  /** Notes what Wireshark takes as the first sequence number of each direction. */
  noteBase(fromLow: boolean, segment: Segment): void {
    if (this.lowBaseKnown && this.highBaseKnown && !(segment.flags & SYN)) return;
    const own = segment.flags & SYN ? segment.sequence : (segment.sequence - 1) | 0;
    const peer = (segment.acknowledgement - 1) | 0;
    const acknowledges = (segment.flags & ACK) !== 0;
    // An answer with another number counts from there on, to Wireshark as well.
    const answers = (segment.flags & (SYN | ACK)) === (SYN | ACK);
    if (fromLow) {
      if (!this.lowBaseKnown || answers) {
        this.lowBase = own;
        this.lowBaseKnown = true;
      }
      if (acknowledges && !this.highBaseKnown) {
        this.highBase = peer;
        this.highBaseKnown = true;
      }
    } else {
      if (!this.highBaseKnown || answers) {
        this.highBase = own;
        this.highBaseKnown = true;
      }
      if (acknowledges && !this.lowBaseKnown) {
        this.lowBase = peer;
        this.lowBaseKnown = true;
      }
    }
  }

  /** A conversation that goes by the number of an older one is told from newer ones as that was. */
  takeBases(older: Connection): void {
    this.lowBase = older.lowBase;
    this.lowBaseKnown = older.lowBaseKnown;
    this.highBase = older.highBase;
    this.highBaseKnown = older.highBaseKnown;
  }

  /** The handshake's part of a segment. */
  handshake(segment: Segment, fromLow: boolean, atUs: number, frame: number): void {
    const at = atUs === NO_TIME ? null : atUs;
    const from = fromLow ? this.low : this.high;
    from.synchronise((segment.sequence + 1) | 0);
    if (segment.flags & ACK) {
      if (!this.#rolesKnown) this.setServer(!fromLow);
      if (this.synAckFrame === 0) {
        this.synAckFrame = frame;
        this.synAckAtUs = at;
        this.refused = false;
        if (this.#earlyAckFrame > 0 && this.#earlyAck === ((segment.sequence + 1) | 0)) {
          this.handshakeFrame = this.#earlyAckFrame;
          this.handshakeAtUs = this.#earlyAckAtUs === NO_TIME ? null : this.#earlyAckAtUs;
        }
      }
    } else {
      if (!this.#rolesKnown) this.setServer(fromLow);
      if (from === this.#of("client")) this.synCount++;
      if (this.synFrame === 0) {
        this.synFrame = frame;
        this.synAtUs = at;
      }
    }
  }

  /** Takes one segment of this connection; `sink` must be set by now if there is payload. */
  accept(segment: Segment, fromLow: boolean, atUs: number, frame: number): void {
    const from = fromLow ? this.low : this.high;
    const peer = fromLow ? this.high : this.low;
    const flags = segment.flags;
    this.#packets++;
    this.#lastFrame = frame;
    from.seen = true;
    if (atUs !== NO_TIME) {
      if (atUs < this.#previousAtUs - CLOCK_STEP_US) this.clockSteps++;
      this.#previousAtUs = atUs;
      if (this.lastAtUs === null || atUs > this.lastAtUs) this.lastAtUs = atUs;
    }
    let sequence = segment.sequence;
    if (flags & SYN) sequence = (sequence + 1) | 0;
    if (flags & RST) {
      this.#reset(segment, from, peer, atUs, frame);
      return;
    }
    if (!from.started) from.start(sequence);
    if (flags & ACK) {
      peer.acknowledge(segment.acknowledgement);
      if (
        this.handshakeFrame === 0 &&
        this.synAckFrame > 0 &&
        !(flags & (SYN | RST)) &&
        from === this.#of("client")
      ) {
        this.handshakeFrame = frame;
        this.handshakeAtUs = atUs === NO_TIME ? null : atUs;
      } else if (
        this.synAckFrame === 0 &&
        this.#earlyAckFrame === 0 &&
        !(flags & SYN) &&
        this.synFrame > 0 &&
        from === this.#of("client")
      ) {
        this.#earlyAck = segment.acknowledgement;
        this.#earlyAckFrame = frame;
        this.#earlyAckAtUs = atUs;
      }
    }
    const sink = this.sink;
    if (segment.payloadLength > 0 && sink !== null) {
      if (sequence === from.next && from.queue.length === 0 && peer.missing === 0 && !from.ended) {
        const end = segment.capturedEnd;
        const cut = segment.payloadAt + segment.payloadLength - end;
        from.deliver(sink, atUs, frame, segment.buffer, segment.payloadAt, end, cut);
      } else {
        this.#outOfTurn(sink, segment, sequence, from, peer, atUs, frame);
      }
    }
    if (flags & FIN) {
      if (!from.finKnown) {
        from.finKnown = true;
        from.finSequence = (sequence + segment.payloadLength) | 0;
        from.finAtUs = atUs;
      }
    }
    if (sink === null) {
      if (from.finKnown) from.ended = true;
    } else {
      this.waiting = this.#isWaiting();
      if (this.waiting || this.#holeAtUs !== NO_TIME) this.#settle(sink, atUs, frame);
    }
    if (from.finKnown && sink !== null) {
      from.finish(sink);
      peer.finish(sink);
    }
    if (this.finishedAtUs === 0 && this.low.ended && this.high.ended) this.finishedAtUs = Math.max(1, atUs);
  }

  #outOfTurn(
    sink: StreamSink,
    segment: Segment,
    sequence: number,
    from: Direction,
    peer: Direction,
    atUs: number,
    frame: number,
  ): void {
    let length = segment.payloadLength;
    let start = segment.payloadAt;
    const before = (from.next - sequence) | 0;
    if (before > 0) {
      // A keep-alive repeats the last byte, or sends one of garbage in its place (RFC 1122 §4.2.3.6).
      if (length === 1 && before === 1 && ((from.acknowledged - from.next) | 0) >= 0) return;
      const again = Math.min(before, length);
      from.repeated(sink, before, again, frame);
      if (again === length) return;
      sequence = from.next;
      start += again;
      length -= again;
    }
    if (from.ended || before < -MAX_WINDOW_BYTES) return;
    if (before >= 0 && from.queue.length === 0 && peer.missing === 0) {
      const end = Math.max(start, segment.capturedEnd);
      from.deliver(sink, atUs, frame, segment.buffer, start, end, start + length - end);
      return;
    }
    const queuedBefore = from.queuedBytes;
    const acknowledgement = segment.flags & ACK ? segment.acknowledgement : peer.next;
    from.enqueue(sequence, length, segment.buffer, start, segment.capturedEnd, atUs, frame, acknowledgement);
    this.#budget.bytes += from.queuedBytes - queuedBefore;
    while (
      from.queuedBytes > MAX_QUEUED_BYTES ||
      (this.#budget.bytes > MAX_QUEUED_TOTAL_BYTES && from.queue.length > 0)
    ) {
      this.#giveUp(sink, from, atUs, frame);
    }
  }

  #reset(segment: Segment, from: Direction, peer: Direction, atUs: number, frame: number): void {
    const server = this.#of("server");
    if (this.synAckFrame === 0 && this.synFrame > 0 && from === server && !server.started) {
      // It must acknowledge the SYN, with or without the data on it (RFC 9293 §3.10.7.3).
      const before = (peer.next - segment.acknowledgement) | 0;
      if (before < 0 || before > peer.offset) return;
      this.refused = true;
    } else if (from.started) {
      const distance = (segment.sequence - from.next) | 0;
      if (distance > RST_TOLERANCE_BYTES || distance < -RST_TOLERANCE_BYTES) return;
    }
    if (segment.flags & ACK) peer.acknowledge(segment.acknowledgement);
    if (this.sink !== null && !(this.low.ended && this.high.ended)) {
      this.flush(this.sink, atUs, frame);
      this.sink.end(from.side, atUs, "rst");
    }
    this.low.ended = true;
    this.high.ended = true;
    if (this.finishedAtUs === 0) this.finishedAtUs = Math.max(1, atUs);
  }

  /** Hands on what can be, and gives up what has been acknowledged and does not come. */
  #settle(sink: StreamSink, atUs: number, frame: number): void {
    this.#drain(sink);
    this.waiting = this.#isWaiting();
    if (this.low.missing === 0 && this.high.missing === 0) {
      this.#holeAtUs = NO_TIME;
      return;
    }
    if (this.#holeAtUs === NO_TIME) {
      this.#holeAtUs = Math.max(0, atUs);
      this.#holePacket = this.#packets;
      return;
    }
    if (this.#packets - this.#holePacket < GRACE_PACKETS && atUs - this.#holeAtUs < GRACE_US) return;
    this.#holeAtUs = NO_TIME;
    this.#giveUp(sink, this.#holed() ?? (this.low.missing > 0 ? this.low : this.high), atUs, frame);
    this.waiting = this.#isWaiting();
  }

  /** The direction whose next bytes will not come; what waits only for them is no hole itself. */
  #holed(): Direction | null {
    if (this.low.hole > 0) return this.low;
    return this.high.hole > 0 ? this.high : null;
  }

  /** For the passing of time while nothing of this connection arrives. */
  tick(atUs: number): void {
    if (this.sink !== null && this.waiting) this.#settle(this.sink, atUs, this.#lastFrame);
  }

  #drain(sink: StreamSink): void {
    const before = this.low.queuedBytes + this.high.queuedBytes;
    let moved = true;
    while (moved) {
      moved = drainOne(sink, this.low, this.high);
      moved = drainOne(sink, this.high, this.low) || moved;
    }
    this.#budget.bytes += this.low.queuedBytes + this.high.queuedBytes - before;
    this.low.finish(sink);
    this.high.finish(sink);
  }

  /** Takes the next hole of a direction as a gap. */
  #giveUp(sink: StreamSink, direction: Direction, atUs: number, frame: number): void {
    const piece = direction.queue[0];
    const toPiece =
      piece === undefined ? direction.missing : Math.max(0, (piece.sequence - direction.next) | 0);
    const length = direction.missing > 0 ? Math.min(direction.missing, toPiece) : toPiece;
    if (length > 0) direction.skip(sink, piece?.atUs ?? atUs, piece?.frame ?? frame, length, "lost");
    this.#drain(sink);
    if (length > 0 || direction.ready() === undefined) return;
    // It waits for the other direction, which has a hole as well: nothing better will come.
    const before = direction.queuedBytes;
    direction.take(sink);
    this.#budget.bytes += direction.queuedBytes - before;
    this.#drain(sink);
  }

  /** No more will come: everything that waits is handed on, holes as gaps. */
  flush(sink: StreamSink, atUs: number, frame: number): void {
    this.#drain(sink);
    while (
      this.low.missing > 0 ||
      this.high.missing > 0 ||
      this.low.queue.length > 0 ||
      this.high.queue.length > 0
    ) {
      const lowFirst =
        this.high.queue.length === 0 ||
        (this.low.queue.length > 0 && this.low.queue[0]!.frame <= this.high.queue[0]!.frame);
      const direction = this.#holed() ?? (lowFirst ? this.low : this.high);
      this.#giveUp(sink, direction, atUs, frame);
    }
  }

  /** The source has no more of this connection. */
  close(): void {
    const sink = this.sink;
    if (sink === null) return;
    const atUs = this.lastAtUs ?? NO_TIME;
    if (!(this.low.ended && this.high.ended)) this.flush(sink, atUs, this.#lastFrame);
    sink.close(atUs);
    this.sink = null;
  }

  /** There is no room for it: what comes later belongs to a dialogue joined midway. */
  forget(): void {
    const sink = this.sink;
    if (sink === null || this.finishedAtUs > 0) return;
    this.flush(sink, this.lastAtUs ?? NO_TIME, this.#lastFrame);
    sink.end("client", this.lastAtUs ?? NO_TIME, "idle");
  }

  /** Nothing more is wanted: let go of what waits. */
  drop(): void {
    this.#budget.bytes -= this.low.queuedBytes + this.high.queuedBytes;
    this.low.queue = [];
    this.high.queue = [];
    this.low.queuedBytes = 0;
    this.high.queuedBytes = 0;
    this.sink = null;
  }
}

/** Delivers what is ready of one direction, up to what the other has not caught up with. */
function drainOne(sink: StreamSink, direction: Direction, peer: Direction): boolean {
  let moved = false;
  for (let piece = direction.ready(); piece !== undefined; piece = direction.ready()) {
    if (peer.missing > 0 && ((piece.acknowledgement - peer.next) | 0) > 0) break;
    direction.take(sink);
    moved = true;
  }
  return moved;
}

/** Files of a ring whose numbering one connection remembers: enough for any exchange that is still open. */
const MAX_REMEMBERED_FILES = 64;
