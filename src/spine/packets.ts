import type { AtUs } from "./wire.ts";

/** Of one connection so many packets are looked at, the latest: a dialogue has some dozens. */
const MAX_PACKETS = 4_096;

/** Flag bits of a packet: FIN 1, SYN 2, RST 4, ACK 16 (RFC 9293 §3.1). */
export const FIN_FLAG = 0x01;
export const SYN_FLAG = 0x02;
export const RST_FLAG = 0x04;
export const ACK_FLAG = 0x10;

/**
 * The packets of one connection, in the order of the capture, as columns: index `first` … MAX − 1.
 * One table is filled again and again.
 */
export class PacketTable {
  first = MAX_PACKETS;
  readonly end = MAX_PACKETS;
  readonly atUs = new Float64Array(MAX_PACKETS);
  readonly frame = new Int32Array(MAX_PACKETS);
  readonly fromClient = new Uint8Array(MAX_PACKETS);
  readonly flags = new Uint8Array(MAX_PACKETS);
  /** Stream offset of the first byte; −1 for a SYN. */
  readonly offset = new Int32Array(MAX_PACKETS);
  readonly lengthBytes = new Int32Array(MAX_PACKETS);
  /** Stream offset of the peer up to which everything has arrived; meaningless without ACK_FLAG. */
  readonly acknowledged = new Int32Array(MAX_PACKETS);
  /** As it stands in the header, not scaled; 0: the sender has no room for what the peer sends. */
  readonly window = new Uint16Array(MAX_PACKETS);
  /** RFC 7323 §3: the sender's clock in its own ticks, and the latest of the peer's that it has seen. */
  readonly hasClock = new Uint8Array(MAX_PACKETS);
  readonly clock = new Int32Array(MAX_PACKETS);
  readonly echo = new Int32Array(MAX_PACKETS);
  /** Time to live or hop limit; 0 where it is not known. */
  readonly hops = new Uint8Array(MAX_PACKETS);
  /** False where the header was cut, or is no good: what options there were is not known. */
  readonly knowsOptions = new Uint8Array(MAX_PACKETS);
  /** Of a SYN: window scale (RFC 7323 §2), −1 for none; whether the peer may send SACK (RFC 2018 §2). */
  readonly scale = new Int8Array(MAX_PACKETS);
  readonly permitsSack = new Uint8Array(MAX_PACKETS);
  /** It has SACK blocks, and the stream offset of the peer at which the first begins (RFC 2018 §3). */
  readonly hasSack = new Uint8Array(MAX_PACKETS);
  readonly sackFrom = new Int32Array(MAX_PACKETS);
}

/** What is known of a connection's packets, beyond the bytes they carried. */
export interface PacketTrail {
  /** Fills the table with the latest packets that are still remembered. */
  read(into: PacketTable): void;
}

/**
 * A question to a name server and what became of it. It is filled while the capture goes on, like a
 * Transport: whoever keeps it sees the answer come. Names are in lower case, escaped, without the last dot.
 */
export interface Lookup {
  /** Addresses without port. */
  readonly asker: string;
  readonly resolver: string;
  readonly name: string;
  /** A, AAAA, PTR, TXT, MX … */
  readonly type: string;
  readonly askedAtUs: AtUs;
  readonly askedFrame: number;
  /** How often it was sent: more than once is a retry after a timeout. */
  readonly queries: number;
  readonly lastAskedAtUs: AtUs;
  /** Null while there is no answer. */
  readonly answeredAtUs: AtUs | null;
  readonly answeredFrame: number;
  /** NOERROR, NXDOMAIN, SERVFAIL …; null while there is no answer. */
  readonly rcode: string | null;
  /** Answers, repeated ones included: as many as queries mean that none was lost. */
  readonly responses: number;
  /** Names and addresses it was answered with, the first few. */
  readonly answers: readonly string[];
  /** It did not fit into a datagram and was asked again over TCP. */
  readonly truncated: boolean;
  readonly overTcp: boolean;
  readonly edns: boolean;
}
