import type { ByteKind } from "../spine/privacy.ts";
import { escapeText } from "../spine/text.ts";
import type { EndCause, GapCause, Side, Transport } from "../spine/wire.ts";
import type { InOrder } from "./in-order.ts";
import { type Lane, Piece } from "./piece.ts";
import { MAX_SEGMENT_BYTES } from "./segment.ts";
import { endsOf, type Packet, Tcp } from "./tcp.ts";
import { Withheld, type WithheldBudget } from "./withheld.ts";

/** The receiver of so much acknowledges it, although it says nothing: as TCP does, only more rarely. */
const ACKNOWLEDGE_BYTES = 64 << 10;

/** One connection on its way into the file: its packets, and what may stand in them. */
export class Track implements Lane {
  readonly late: Piece[] = [];
  lateBytes = 0;
  readonly transport: Transport;
  /** Something went wrong with it: a defect. No more of it is recorded. */
  isGivenUp = false;
  /** Something of it was filled over before it could be judged. */
  wasImpatient = false;
  readonly #order: InOrder;
  /** What waits to be judged; null where everything is recorded as it is. */
  readonly #withheld: Withheld | null;
  readonly #number: number;
  /** Null while the addresses are not known, or when they are none. */
  #tcp: Tcp | null = null;
  #synDone = false;
  #synAckDone = false;
  #ackDone = false;
  #orderUs = 0;
  /** A RST is written last: what the other side had sent may still be heard of. */
  #reset: { readonly from: Side; readonly atUs: number } | null = null;

  /**
   * @param number another one for each connection of a recording
   * @param budget null where everything is recorded as it is
   */
  constructor(transport: Transport, order: InOrder, number: number, budget: WithheldBudget | null) {
    this.transport = transport;
    this.#order = order;
    this.#number = number;
    this.#withheld = budget === null ? null : new Withheld(budget);
  }

  /** Bytes that are kept back, or wait behind such. */
  get keptBytes(): number {
    return this.lateBytes + (this.#withheld?.bytes ?? 0);
  }

  /** The handshake as far as it is known. @returns true when nothing more of it can come */
  greet(): boolean {
    const { synAtUs, synAckAtUs, handshakeAtUs } = this.transport;
    const tcp = this.#placed();
    if (tcp === null) return false;
    if (synAtUs !== null && !this.#synDone) {
      this.#synDone = true;
      this.#add("client", tcp.syn(synAtUs, this.#origin(synAtUs)), synAtUs);
    }
    if (synAckAtUs !== null && !this.#synAckDone) {
      this.#synAckDone = true;
      this.#add("server", tcp.synAck(synAckAtUs), synAckAtUs);
    }
    if (handshakeAtUs !== null && !this.#ackDone) {
      this.#ackDone = true;
      this.#add("client", tcp.ack("client", handshakeAtUs, null), handshakeAtUs);
    }
    return this.#ackDone;
  }

  /** What a capture could not tell of where the connection comes from. */
  #origin(synAtUs: number): string | null {
    const { live } = this.transport;
    if (live === undefined) return null;
    const parts = [`client accepted ${synAtUs - live.acceptedAtUs} µs before`];
    if (live.via !== null && live.via !== this.transport.client) parts.push(`the server sees ${live.via}`);
    if (live.failure !== null) parts.push(`the server could not be reached: ${live.failure}`);
    return escapeText(parts.join("; "));
  }

  /** Greets once the server has answered: only then it is certain who it is. */
  greetIfAnswered(): boolean {
    return this.transport.synAckAtUs !== null && this.greet();
  }

  /** @param remark on the stamp */
  bytes(
    from: Side,
    atUs: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    remark: string | null,
  ): void {
    if (!this.#ackDone) this.greet();
    const tcp = this.#placed();
    if (tcp === null) return;
    for (let at = start; at < end; at += MAX_SEGMENT_BYTES) {
      this.#segment(tcp, from, atUs, buffer, at, Math.min(end, at + MAX_SEGMENT_BYTES), remark);
    }
    if (tcp.unacknowledged(from) >= ACKNOWLEDGE_BYTES && !this.transport.oneWay)
      this.#acknowledge(tcp, from, atUs);
  }

  #segment(
    tcp: Tcp,
    from: Side,
    atUs: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    remark: string | null,
  ): void {
    const lengthBytes = end - start;
    // Of what is not SMTP only how much it was.
    const keptBytes = this.#withheld?.isOther ? 0 : lengthBytes;
    const offset = tcp.offset(from);
    const packet = tcp.data(from, this.#time(atUs), lengthBytes, keptBytes, remark);
    if (keptBytes > 0) packet.block.set(buffer.subarray(start, end), packet.payloadAt);
    const piece = this.#add(from, packet, atUs, offset, keptBytes);
    if (keptBytes === 0) return;
    if (this.#withheld === null) piece.release();
    else this.#withheld.add(piece);
  }

  /** Bytes that were not observed are missing in the recording; those that were cut off a packet still are. */
  gap(from: Side, atUs: number, lengthBytes: number, why: GapCause): void {
    if (!this.#ackDone) this.greet();
    const tcp = this.#placed();
    if (tcp === null) return;
    if (why === "snaplen") {
      this.#add(from, tcp.data(from, this.#time(atUs), lengthBytes, 0, null), atUs);
      return;
    }
    tcp.skip(from, lengthBytes);
    // They did arrive: their receiver says so.
    if (!this.transport.oneWay) this.#acknowledge(tcp, from, atUs);
  }

  #acknowledge(tcp: Tcp, from: Side, atUs: number): void {
    const peer = from === "client" ? "server" : "client";
    if (peer === "server" && tcp.isUnanswered) return;
    this.#add(peer, tcp.ack(peer, this.#time(atUs), null), atUs);
  }

  judged(side: Side, to: number, kind: ByteKind): void {
    this.#withheld?.judged(side, to, kind);
    this.#order.flushLate(this);
  }

  recognised(isSmtp: boolean): void {
    this.#withheld?.recognised(isSmtp);
    this.#order.flushLate(this);
  }

  /** Nothing will be said any more of what is kept back. */
  get isOther(): boolean {
    return this.#withheld?.isOther === true && this.#withheld.bytes > 0;
  }

  /** There is no room, or no reason, to wait for judgement. */
  giveUpWaiting(): void {
    this.#withheld?.fillRest();
    this.#order.flushLate(this);
  }

  end(from: Side, atUs: number, how: EndCause): void {
    if (how === "rst") this.#reset ??= { from, atUs: this.#time(atUs) };
    if (how !== "fin") return;
    if (!this.#ackDone) this.greet();
    const tcp = this.#placed();
    if (tcp === null || tcp.isFinished(from)) return;
    this.#add(from, tcp.fin(from, this.#time(atUs)), atUs);
    const isLast = tcp.bothFinished && this.#reset === null;
    if (isLast && !this.transport.oneWay) this.#acknowledge(tcp, from, atUs);
  }

  close(atUs: number): void {
    if (!this.#ackDone) this.greet();
    const tcp = this.#placed();
    if (tcp !== null) this.#close(tcp, atUs);
    this.giveUpWaiting();
  }

  #close(tcp: Tcp, atUs: number): void {
    const { lastAtUs, oneWay, refused, synAckAtUs } = this.transport;
    if (refused && synAckAtUs === null) {
      const time = this.#time(lastAtUs ?? atUs);
      this.#add("server", tcp.rst("server", time), time);
      return;
    }
    if (this.#reset !== null) {
      this.#add(this.#reset.from, tcp.rst(this.#reset.from, this.#reset.atUs), this.#reset.atUs);
      return;
    }
    if (tcp.bothFinished) return;
    // The latest packet says until when the connection was seen; without both FINs that is its end.
    const time = this.#time(atUs);
    if (this.#synDone && synAckAtUs === null && tcp.offset("client") === 0) {
      // Nobody has answered: here the client gave up.
      if (time > this.#orderUs) this.#add("client", tcp.nothing(time), time);
      return;
    }
    const seen = oneWay && tcp.offset("client") === 0 ? "server" : "client";
    const by = oneWay ? seen : tcp.unacknowledged("server") > 0 ? "client" : "server";
    const isNews = tcp.unacknowledged(by === "client" ? "server" : "client") > 0;
    if (isNews || (oneWay && time > this.#orderUs)) this.#add(by, tcp.ack(by, time, null), time);
  }

  #placed(): Tcp | null {
    if (this.#tcp !== null) return this.#tcp;
    const ends = endsOf(this.transport.client, this.transport.server);
    if (ends !== null) this.#tcp = new Tcp(ends, this.#number);
    return this.#tcp;
  }

  /** A stamp that can be written: where there is none, that of what came before. */
  #time(atUs: number): number {
    return atUs > 0 ? atUs : this.#orderUs;
  }

  #add(from: Side, packet: Packet, atUs: number, offset = 0, keptBytes = 0): Piece {
    if (atUs > this.#orderUs) this.#orderUs = atUs;
    const piece = new Piece(this, from, packet, this.#orderUs, offset, keptBytes);
    this.#order.add(piece);
    return piece;
  }
}
