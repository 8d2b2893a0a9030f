import { NO_TIME, type Side, type Transport } from "../../spine/wire.ts";
import { ACK, type Segment, SYN } from "../packet.ts";
import { Direction } from "./direction.ts";
import type { Endpoint } from "./endpoint.ts";

/** Files of a ring whose numbering one connection remembers: enough for any exchange that is still open. */
const MAX_REMEMBERED_FILES = 64;

/**
 * What is known of a TCP connection besides its bytes: who opened it, how the handshake went, its number
 * and first sequence numbers as Wireshark sets them.
 */
export abstract class ConnectionFacts implements Transport {
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
  /** Set with every packet: a number that can be null would be a new object each time. */
  protected latestAtUs = NO_TIME;
  clockSteps = 0;
  /** First sequence numbers as Wireshark sets them, to tell a new connection from a repeated SYN. */
  lowBase = 0;
  lowBaseKnown = false;
  highBase = 0;
  highBaseKnown = false;
  readonly #lowEnd: Endpoint;
  readonly #highEnd: Endpoint;
  #serverIsHigh = true;
  #rolesKnown = false;
  /** A client's ACK before any SYN-ACK: completes the handshake if the SYN-ACK was captured late. */
  #earlyAck = 0;
  #earlyAckFrame = 0;
  #earlyAckAtUs = NO_TIME;
  /** Its number in the file it began in, and in later files of the ring. */
  readonly #tcpStream: number;
  #later: { fromFrame: number; number: number }[] | null = null;

  constructor(low: Endpoint, high: Endpoint, frame: number, atUs: number, tcpStream: number) {
    this.#lowEnd = low;
    this.#highEnd = high;
    this.firstFrame = frame;
    this.firstAtUs = atUs === NO_TIME ? null : atUs;
    this.#tcpStream = tcpStream;
  }

  get lastAtUs(): number | null {
    return timeOrNull(this.latestAtUs);
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
  get saidNothing(): boolean {
    return this.low.offset === 0 && this.high.offset === 0;
  }

  acknowledged(side: Side): number {
    return this.of(side).acknowledgedOffset;
  }

  of(side: Side): Direction {
    return (side === "server") === this.#serverIsHigh ? this.high : this.low;
  }

  /** Settles who opened the connection. Needed before anything can be handed on. */
  setServer(isHigh: boolean): void {
    this.#rolesKnown = true;
    this.#serverIsHigh = isHigh;
    this.low.side = isHigh ? "client" : "server";
    this.high.side = isHigh ? "server" : "client";
  }

  // ---- Handshake

  /** The handshake's part of a segment with SYN. */
  handshake(segment: Segment, fromLow: boolean): void {
    const { frame } = segment;
    const at = timeOrNull(segment.atUs);
    const from = fromLow ? this.low : this.high;
    from.synchronise((segment.sequence + 1) | 0);
    if (segment.flags & ACK) {
      if (!this.#rolesKnown) this.setServer(!fromLow);
      if (this.synAckFrame > 0) return;
      this.synAckFrame = frame;
      this.synAckAtUs = at;
      this.refused = false;
      if (this.#earlyAckFrame > 0 && this.#earlyAck === ((segment.sequence + 1) | 0)) {
        this.handshakeFrame = this.#earlyAckFrame;
        this.handshakeAtUs = timeOrNull(this.#earlyAckAtUs);
      }
      return;
    }
    if (!this.#rolesKnown) this.setServer(fromLow);
    if (from === this.of("client")) this.synCount++;
    if (this.synFrame > 0) return;
    this.synFrame = frame;
    this.synAtUs = at;
  }

  /** An ACK of the client's that is not the SYN's own may complete the handshake. */
  protected completeHandshake(segment: Segment): void {
    if (this.synAckFrame > 0) {
      this.handshakeFrame = segment.frame;
      this.handshakeAtUs = timeOrNull(segment.atUs);
    } else if (this.#earlyAckFrame === 0 && this.synFrame > 0) {
      this.#earlyAck = segment.acknowledgement;
      this.#earlyAckFrame = segment.frame;
      this.#earlyAckAtUs = segment.atUs;
    }
  }

  // ---- Numbers

  initialSequence(side: Side): number | null {
    if (side === "client" ? this.synFrame === 0 : this.synAckFrame === 0) return null;
    return this.of(side) === this.low ? this.lowBase : this.highBase;
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

  /** Notes what Wireshark takes as the first sequence number of each direction. */
  noteBase(fromLow: boolean, segment: Segment): void {
    if (this.lowBaseKnown && this.highBaseKnown && !(segment.flags & SYN)) return;
    const own = segment.flags & SYN ? segment.sequence : (segment.sequence - 1) | 0;
    const peer = (segment.acknowledgement - 1) | 0;
    const acknowledges = (segment.flags & ACK) !== 0;
    // An answer with another number counts from there on, to Wireshark as well.
    const answers = (segment.flags & (SYN | ACK)) === (SYN | ACK);
    if (fromLow) {
      if (!this.lowBaseKnown || answers) this.#setBase(true, own);
      if (acknowledges && !this.highBaseKnown) this.#setBase(false, peer);
    } else {
      if (!this.highBaseKnown || answers) this.#setBase(false, own);
      if (acknowledges && !this.lowBaseKnown) this.#setBase(true, peer);
    }
  }

  #setBase(ofLow: boolean, base: number): void {
    if (ofLow) {
      this.lowBase = base;
      this.lowBaseKnown = true;
    } else {
      this.highBase = base;
      this.highBaseKnown = true;
    }
  }

  /** A conversation that goes by the number of an older one is told from newer ones as that was. */
  takeBases(older: ConnectionFacts): void {
    this.lowBase = older.lowBase;
    this.lowBaseKnown = older.lowBaseKnown;
    this.highBase = older.highBase;
    this.highBaseKnown = older.highBaseKnown;
  }
}

function timeOrNull(atUs: number): number | null {
  return atUs === NO_TIME ? null : atUs;
}
