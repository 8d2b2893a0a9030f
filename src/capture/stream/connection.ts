import type { PacketTable, PacketTrail } from "../../spine/packets.ts";
import { NO_TIME, type StreamSink } from "../../spine/wire.ts";
import { ACK, FIN, RST, type Segment, SYN } from "../packet.ts";
import { type CausalOrder, isWaiting, NO_HOLE, type Ordered } from "./causal-order.ts";
import { ConnectionFacts } from "./connection-facts.ts";
import type { Direction } from "./direction.ts";
import type { Endpoint } from "./endpoint.ts";
import type { PacketLog } from "./packet-log.ts";

/**
 * One TCP connection as captured: its segments in, both byte streams out to a sink, in an order in
 * which they can have been said (`causal-order.ts`).
 *
 * Deliberately absent: checksums (offload makes them wrong in honest captures), window tracking,
 * congestion. What a peer's stack would reject is accepted unless it would end the connection.
 */

/** Captures of several queues are out of order by less; a clock that is set steps further (µs). */
const CLOCK_STEP_US = 50_000;

/** After a silence of this long (µs) a packet is worth remembering: shorter ones are nobody's complaint. */
const PAUSE_US = 3_000;

/** A RST must name a sequence number near what is expected, or anyone could end a dialogue (RFC 5961 §3). */
const RST_TOLERANCE_BYTES = 1 << 20;

export class Connection extends ConnectionFacts implements Ordered, PacketTrail {
  /** When both directions ended, or a RST came; 0 while open. */
  finishedAtUs = 0;
  sink: StreamSink | null = null;
  /** Bytes wait, or are known to be missing. */
  waiting = false;
  /** The sink wanted no more of this connection. */
  sinkRefused = false;
  holeAtUs = NO_HOLE;
  holePacket = 0;
  readonly #order: CausalOrder;
  readonly #log: PacketLog;
  /** Its latest entry in the log. */
  #logged = 0;
  #packets = 0;
  #lastFrame = 0;
  #previousAtUs = NO_TIME;
  /** The packet before came after a silence. */
  #wasLate = false;

  constructor(
    low: Endpoint,
    high: Endpoint,
    frame: number,
    atUs: number,
    tcpStream: number,
    order: CausalOrder,
    log: PacketLog,
  ) {
    super(low, high, frame, atUs, tcpStream);
    this.#order = order;
    this.#log = log;
  }

  get trail(): PacketTrail {
    return this;
  }

  read(into: PacketTable): void {
    this.#log.read(this.#logged, this.low, this.high, into);
  }

  /** Takes one segment of this connection; `sink` must be set by now if there is payload. */
  accept(segment: Segment, fromLow: boolean): void {
    const from = fromLow ? this.low : this.high;
    const peer = fromLow ? this.high : this.low;
    const { atUs, frame, flags } = segment;
    this.#packets++;
    this.#lastFrame = frame;
    from.seen = true;
    // What comes right behind another packet tells nothing more, but for the server's acknowledgements and
    // those of what was late.
    const isLate = atUs - this.#previousAtUs >= PAUSE_US;
    const tells =
      isLate ||
      (flags & SYN) !== 0 ||
      (segment.payloadLength === 0 && (this.#wasLate || from.side === "server" || segment.window === 0));
    this.#wasLate = isLate;
    if (tells && !this.sinkRefused) this.#logged = this.#log.add(this.#logged, segment, fromLow);
    if (atUs !== NO_TIME) this.#timePasses(atUs);
    if (flags & RST) {
      this.#reset(segment, from, peer);
      return;
    }
    const sequence = flags & SYN ? (segment.sequence + 1) | 0 : segment.sequence;
    if (!from.started) from.start(sequence);
    if (flags & ACK) {
      peer.acknowledge(segment.acknowledgement);
      if (this.handshakeFrame === 0 && !(flags & SYN) && from === this.of("client"))
        this.completeHandshake(segment);
    }
    const { sink } = this;
    if (segment.payloadLength > 0 && sink !== null) {
      if (sequence === from.next && from.queue.length === 0 && peer.missing === 0 && !from.ended) {
        const end = segment.capturedEnd;
        const cut = segment.payloadAt + segment.payloadLength - end;
        from.deliver(sink, atUs, frame, segment.buffer, segment.payloadAt, end, cut);
      } else {
        this.#order.outOfTurn(sink, this, segment, fromLow, sequence);
      }
    }
    if (flags & FIN && !from.finKnown) {
      from.finKnown = true;
      from.finSequence = (sequence + segment.payloadLength) | 0;
      from.finAtUs = atUs;
    }
    if (sink === null) {
      if (from.finKnown) from.ended = true;
    } else {
      this.waiting = isWaiting(this);
      if (this.waiting || this.holeAtUs !== NO_HOLE) this.#settle(sink, atUs, frame);
      if (from.finKnown) {
        from.finish(sink);
        peer.finish(sink);
      }
    }
    if (this.finishedAtUs === 0 && this.low.ended && this.high.ended) this.finishedAtUs = Math.max(1, atUs);
  }

  #timePasses(atUs: number): void {
    if (atUs < this.#previousAtUs - CLOCK_STEP_US) this.clockSteps++;
    this.#previousAtUs = atUs;
    if (atUs > this.latestAtUs) this.latestAtUs = atUs;
  }

  #reset(segment: Segment, from: Direction, peer: Direction): void {
    const { atUs, frame } = segment;
    const server = this.of("server");
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
      this.#order.flush(this.sink, this, atUs, frame);
      this.sink.end(from.side, atUs, "rst");
    }
    this.low.ended = true;
    this.high.ended = true;
    if (this.finishedAtUs === 0) this.finishedAtUs = Math.max(1, atUs);
  }

  #settle(sink: StreamSink, atUs: number, frame: number): void {
    this.#order.settle(sink, this, this.#packets, atUs, frame);
    this.waiting = isWaiting(this);
  }

  /** For the passing of time while nothing of this connection arrives. */
  tick(atUs: number): void {
    if (this.sink !== null && this.waiting) this.#settle(this.sink, atUs, this.#lastFrame);
  }

  /** The source has no more of this connection. */
  close(): void {
    const { sink } = this;
    if (sink === null) return;
    const atUs = this.latestAtUs;
    if (!(this.low.ended && this.high.ended)) this.#order.flush(sink, this, atUs, this.#lastFrame);
    sink.close(atUs);
    this.sink = null;
  }

  /** There is no room for it: what comes later belongs to a dialogue joined midway. */
  forget(): void {
    const { sink } = this;
    if (sink === null || this.finishedAtUs > 0) return;
    this.#order.flush(sink, this, this.latestAtUs, this.#lastFrame);
    sink.end("client", this.latestAtUs, "idle");
  }

  /** Nothing more is wanted: lets go of what waits. */
  drop(): void {
    this.#order.drop(this);
    this.sink = null;
  }
}
