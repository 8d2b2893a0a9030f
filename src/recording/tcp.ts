import { addressBytes, portOf } from "../spine/address.ts";
import type { Side } from "../spine/wire.ts";
import { PACKET_AT, packetBlock } from "./pcapng.ts";
import { ACK, type Ends, FIN, headerBytes, PSH, RST, SYN, seal, writeHeaders } from "./segment.ts";

/** One direction of a connection: what its sender has said, in sequence numbers. */
interface Sender {
  /** Initial sequence number; that of the SYN. */
  readonly initial: number;
  /** Stream offset of the next byte. */
  offset: number;
  /** It has sent a SYN; any packet at all. */
  synchronised: boolean;
  heard: boolean;
  finished: boolean;
  /** What of it the other side has acknowledged in a packet of its own. */
  acknowledged: number;
}

/** Spreads consecutive numbers over all 32 bits: 2^32 divided by the golden ratio. */
const GOLDEN = 0x9e3779b1;

/** A packet's block, and where in it the payload belongs. */
export interface Packet {
  readonly block: Buffer;
  readonly payloadAt: number;
}

/**
 * A connection's packets, made up from what is known of it: each acknowledges all that the other side
 * has said so far.
 */
export class Tcp {
  readonly #ends: Ends;
  readonly #senders: Readonly<Record<Side, Sender>>;

  /** @param number differs from one connection to the next, so that a port used again is a new one */
  constructor(ends: Ends, number: number) {
    this.#ends = ends;
    this.#senders = { client: sender(number * 2), server: sender(number * 2 + 1) };
  }

  offset(side: Side): number {
    return this.#senders[side].offset;
  }

  /** Bytes of `side`, its FIN included, that no packet has acknowledged yet. */
  unacknowledged(side: Side): number {
    return said(this.#senders[side]) - this.#senders[side].acknowledged;
  }

  syn(atUs: number, comment: string | null): Packet {
    this.#senders.client.synchronised = true;
    return this.#packet("client", atUs, SYN, 0, 0, comment);
  }

  synAck(atUs: number): Packet {
    return this.#packet("server", atUs, SYN | ACK, 0, 0, null);
  }

  /** `side` says only that it got what has come so far. */
  ack(side: Side, atUs: number, comment: string | null): Packet {
    return this.#packet(side, atUs, ACK, 0, 0, comment);
  }

  /**
   * @param lengthBytes of the payload
   * @param keptBytes how much of it is to be written
   */
  data(from: Side, atUs: number, lengthBytes: number, keptBytes: number, comment: string | null): Packet {
    const packet = this.#packet(from, atUs, PSH | this.#ackFlag(from), lengthBytes, keptBytes, comment);
    this.#senders[from].offset += lengthBytes;
    return packet;
  }

  /** A packet of the client's that says nothing, not even that it got anything. */
  nothing(atUs: number): Packet {
    return this.#packet("client", atUs, 0, 0, 0, null);
  }

  /** Bytes of `from` that nobody recorded. */
  skip(from: Side, lengthBytes: number): void {
    this.#senders[from].offset += lengthBytes;
  }

  fin(from: Side, atUs: number): Packet {
    const packet = this.#packet(from, atUs, FIN | this.#ackFlag(from), 0, 0, null);
    this.#senders[from].finished = true;
    return packet;
  }

  rst(from: Side, atUs: number): Packet {
    return this.#packet(from, atUs, RST | ACK, 0, 0, null);
  }

  isFinished(side: Side): boolean {
    return this.#senders[side].finished;
  }

  get bothFinished(): boolean {
    return this.isFinished("client") && this.isFinished("server");
  }

  /** It has not answered the SYN: nothing but that may come from it next. */
  get isUnanswered(): boolean {
    const { client, server } = this.#senders;
    return client.synchronised && !server.heard;
  }

  /** Before the server has answered there is nothing to acknowledge: an early talker. */
  #ackFlag(from: Side): number {
    return from === "client" && this.isUnanswered ? 0 : ACK;
  }

  #packet(
    from: Side,
    atUs: number,
    flags: number,
    payloadBytes: number,
    keptBytes: number,
    comment: string | null,
  ): Packet {
    const own = this.#senders[from];
    const peer = this.#senders[from === "client" ? "server" : "client"];
    const headers = headerBytes(this.#ends, flags);
    const block = packetBlock(atUs, headers + keptBytes, headers + payloadBytes, comment);
    const acknowledges = (flags & ACK) !== 0;
    // A SYN-ACK answers the SYN; what an early talker has said already is acknowledged by what follows.
    const acknowledged = flags & SYN ? 0 : said(peer);
    writeHeaders(block, PACKET_AT, this.#ends, {
      from,
      flags,
      sequence: flags & SYN ? own.initial : flags & RST && !own.heard ? 0 : next(own),
      acknowledgement: acknowledges ? peer.initial + 1 + acknowledged : 0,
      payloadBytes,
    });
    own.heard = true;
    if (acknowledges) peer.acknowledged = acknowledged;
    const payloadAt = PACKET_AT + headers;
    if (payloadBytes === 0) seal(block, PACKET_AT, payloadAt);
    return { block, payloadAt };
  }
}

function said({ offset, finished }: Sender): number {
  return offset + (finished ? 1 : 0);
}

function next(sender: Sender): number {
  return sender.initial + 1 + said(sender);
}

function sender(number: number): Sender {
  return {
    initial: Math.imul(number + 1, GOLDEN) >>> 0,
    offset: 0,
    synchronised: false,
    heard: false,
    finished: false,
    acknowledged: 0,
  };
}

/**
 * The two ends as written in a transport; where only one has an IPv4 address, that is mapped into IPv6.
 * @returns null when one of them is no address
 */
export function endsOf(client: string, server: string): Ends | null {
  const from = endOf(client);
  const to = endOf(server);
  if (from === null || to === null) return null;
  if (from.address.length === to.address.length) return { client: from, server: to };
  return { client: mapped(from), server: mapped(to) };
}

function endOf(endpoint: string): Ends["client"] | null {
  const port = portOf(endpoint);
  const host = endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  const address = addressBytes(host.replace(ZONE, ""));
  return port === null || port > 65_535 || address === null ? null : { address, port };
}

function mapped({ address, port }: Ends["client"]): Ends["client"] {
  if (address.length === 16) return { address, port };
  const whole = new Uint8Array(16);
  whole.fill(0xff, 10, 12);
  whole.set(address, 12);
  return { address: whole, port };
}

/** The interface of a link-local address: it means nothing elsewhere. */
const ZONE = /%.*$/;
