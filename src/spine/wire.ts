import type { Lookup, PacketTrail } from "./packets.ts";

/**
 * The words every source (a capture file, a relay) and the dialogue share.
 *
 * A source calls a sink; it does not build one object a chunk. At a million packets a second of
 * CPU the objects, not the decoding, would be the cost, and a lent buffer needs no copy.
 * What a call lends (the buffer) is valid for that call only.
 */

/** Who sent the bytes. The client is the side that opened the connection. */
export type Side = "client" | "server";

/** Time: integer µs since 1970, in a number (exact until 2255). `null` where the source gave none. */
export type AtUs = number;

/**
 * Stands for "this record carries no time" (pcapng simple packet blocks). Never shown to a reader.
 *
 * No integer, for the engine keeps those apart: a field that began with one would change its kind with the
 * first time it holds, its object its shape with that, and what was compiled for the shape would be of no use.
 */
export const NO_TIME = -0.5;

/** Why bytes are missing from a stream: never captured, cut by the snap length, dropped by an observer under load. */
export type GapCause = "lost" | "snaplen" | "overrun";

/** How a side ended its stream. `idle`: forgotten for lack of room; `open`: the input ended first. */
export type EndCause = "fin" | "rst" | "idle" | "open";

/**
 * What is known of the connection below the dialogue, as it stands at the moment of asking.
 * All times are µs since 1970 or null; a position is `source-wide packet number` (see StreamSink).
 */
export interface Transport {
  /** `address:port`, IPv6 in brackets. */
  readonly client: string;
  readonly server: string;
  readonly serverPort: number;
  /** False when the start of the connection was not captured. */
  readonly sawHandshake: boolean;
  /** The connection's number, as Wireshark counts, within the file that this packet is in. */
  tcpStreamAt(frame: number): number;
  /** Packet number of the first packet of this connection. */
  readonly firstFrame: number;
  readonly firstAtUs: AtUs | null;
  readonly synAtUs: AtUs | null;
  readonly synFrame: number;
  readonly synCount: number;
  readonly synAckAtUs: AtUs | null;
  readonly synAckFrame: number;
  /** The ACK that completes the handshake. */
  readonly handshakeAtUs: AtUs | null;
  readonly handshakeFrame: number;
  /** The peer refused the SYN (RST, or an ICMP error). */
  readonly refused: boolean;
  readonly lastAtUs: AtUs | null;
  /** How often a packet's stamp lay well before the one before it. */
  readonly clockSteps: number;
  /** Only one direction was ever captured. */
  readonly oneWay: boolean;
  /** Only of a relay's connections. */
  readonly live?: LiveFacts;
  /** Stream offset of the first byte of `side` that its peer has not yet acknowledged. */
  acknowledged(side: Side): number;
  /** The number a side's SYN began with; null if it was not captured. Absent where a source has no packets. */
  initialSequence?(side: Side): number | null;
  /** Absent where a source has no packets (a relay). */
  readonly trail?: PacketTrail;
}

/** What a relay knows of a connection that no capture tells. Times µs; null where the kernel cannot be asked. */
export interface LiveFacts {
  /** When the client was accepted; `synAtUs` is when the connection to the server was begun. */
  readonly acceptedAtUs: AtUs;
  /** The address that the server saw, as address:port; null when it was not reached. */
  readonly via: string | null;
  /** For so long (µs) other addresses of the server were tried before the one that answered. */
  readonly othersTriedUs: number;
  /** Why the server could not be reached. */
  readonly failure: string | null;
  /** Of the connection to the server, by the kernel. */
  readonly rttUs: number | null;
  readonly minRttUs: number | null;
  readonly retransmits: number | null;
}

/**
 * Takes one connection's two byte streams. Offsets are implied: the n-th byte delivered or missing
 * of a side has offset n. Each byte comes once, in sequence order, with the stamp and the packet
 * number of its first captured copy. Packet numbers rise over the whole source, files of a ring
 * included; `frame` orders what was seen when, and a report turns it into file and frame.
 */
export interface StreamSink {
  /** False when nothing more is wanted of this connection (it is not SMTP). */
  readonly wanted: boolean;
  /**
   * The client is far into a message: until CRLF.CRLF any other bytes would do as well as its own, but for
   * the last four of each call. Absent: never.
   */
  readonly isUnread?: boolean;
  bytes(from: Side, atUs: AtUs, frame: number, buffer: Uint8Array, start: number, end: number): void;
  gap(from: Side, atUs: AtUs, frame: number, lengthBytes: number, why: GapCause): void;
  /** A further copy, in packet `frame`, of bytes already delivered: stream offsets [fromOffset, toOffset). */
  copy(from: Side, fromOffset: number, toOffset: number, frame: number): void;
  /** The side's stream is over. `both` sides get one call each, or one call with `rst`. */
  end(from: Side, atUs: AtUs, how: EndCause): void;
  /** The source will say no more of this connection. */
  close(atUs: AtUs): void;
}

/** Takes a whole source: connections as they appear, and the time as it passes. */
export interface SourceSink {
  open(transport: Transport): StreamSink;
  /** At least once a second of the source's time. */
  tick(atUs: AtUs): void;
  /** A name is looked up beside the mail. Sources that see no packets never say so. */
  lookup?(lookup: Lookup): void;
}
