/**
 * What the decoder of one header may do with what the header wraps.
 *
 * Headers nest in circles (Ethernet in VXLAN in UDP in IP in Ethernet), so decoders do not call each
 * other: each finds out what comes next and hands it back here.
 *
 * All decoders share three coordinates, offsets in one buffer. `at`: where the header starts. `end`:
 * where the captured bytes stop; nothing reads beyond it. `wireEnd`: where the packet would stop had
 * it been captured whole; lengths come from it. A header that states its length moves both ends in,
 * never out, so padding, trailers and frame check sequences fall away by themselves.
 *
 * Deliberately absent: exceptions. Each decoder returns how the packet ended; that is all that is
 * ever known of one that led nowhere.
 */

/** Why a packet led to no segment. */
export type Refusal =
  /** The capture file names a link layer that is not known here. */
  | "unknownLinkType"
  /** A protocol that carries no TCP, or that is not opened here. */
  | "unsupported"
  /** The snap length cut a header that is needed. */
  | "truncated"
  /** A header that contradicts itself or the packet's length. */
  | "malformed"
  /** A fragment whose datagram is not complete with it. */
  | "fragments";

/** How a packet ended: null when its segment was handed on. */
export type Outcome = Refusal | null;

/** The outcome when a header should reach to `neededEnd` but does not: was it cut, or never that long? */
export const short = (neededEnd: number, wireEnd: number): Outcome =>
  neededEnd > wireEnd ? "malformed" : "truncated";

export interface Dissection {
  /** A frame of the link layer with this LINKTYPE_ number, as in the table of `link`. */
  link(linkType: number, buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome;
  /** What an EtherType announces; a value of at most 1,500 is an IEEE 802.3 length. */
  etherType(type: number, buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome;
  /** A packet of either version of IP: the first four bits say which. */
  ip(buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome;
  ipv6(buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome;
  /** What an IP packet between these addresses carries. */
  protocol(
    protocol: number,
    buffer: Uint8Array,
    at: number,
    end: number,
    wireEnd: number,
    addressBytes: 4 | 16,
    sourceAt: number,
    destinationAt: number,
  ): Outcome;
  /**
   * A fragment: `buffer[at, end)` captured of the datagram's bytes from `offset` on.
   * @param key what besides the addresses tells datagrams apart: identification and protocol
   */
  fragment(
    key: number,
    protocol: number,
    offset: number,
    more: boolean,
    buffer: Uint8Array,
    at: number,
    end: number,
    wireEnd: number,
    addressBytes: 4 | 16,
    sourceAt: number,
    destinationAt: number,
  ): Outcome;
  /** A DNS message in a datagram between these addresses. It counts as a packet without a segment. */
  dns(
    buffer: Uint8Array,
    at: number,
    end: number,
    addressBytes: 4 | 16,
    sourceAt: number,
    destinationAt: number,
  ): Outcome;
  /** Here starts the packet that an ICMP error quotes: a segment in it was not sent now. */
  quote(buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome;
}
