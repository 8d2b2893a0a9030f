/**
 * What passes between the parts of `capture`: a file format hands on records, a link layer finds
 * the IP packet in them, the network layer the TCP segment. Nothing downstream of `capture` sees these.
 *
 * All of them lend buffers: what is passed is valid for the call only.
 */

/** Takes the records of a capture file, in file order. */
export interface RecordSink {
  /**
   * One packet: captured bytes `buffer[start, end)`.
   * @param atUs floored µs since 1970, or NO_TIME
   * @param wireLength length on the wire in bytes (≥ end − start unless the file lies)
   * @param linkType LINKTYPE_ value of its interface
   */
  record(
    atUs: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    linkType: number,
  ): void;
  /** A block without a packet that tshark nevertheless numbers as a frame (custom, journal, sysdig …). */
  blank(): void;
  /** Packets that the kernel or the interface is said to have dropped, as the file reports it (a running total an interface). */
  dropped(interfaceNumber: number, count: number): void;
}

/** Where and why a file stops making sense. */
export interface Damage {
  /** Byte offset in the (decompressed) file of the record that cannot be read. */
  offsetBytes: number;
  /** `cut` short: the file ends inside a record. Otherwise its contents are wrong. */
  kind: "cut" | "damaged";
  /** One clause, e.g. "record length 4294967295 is more than any packet has". */
  what: string;
}

/** TCP flag bits as on the wire (RFC 9293 §3.1). */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const ACK = 0x10;

/** One TCP segment, decoded. A single object is filled again and again. */
export interface Segment {
  /** When and in which packet it was captured; set by whoever knows. */
  atUs: number;
  frame: number;
  buffer: Uint8Array;
  /** 4 or 16: bytes in an address; the addresses are at these offsets of `buffer`. */
  addressBytes: 4 | 16;
  sourceAt: number;
  destinationAt: number;
  sourcePort: number;
  destinationPort: number;
  /** Sequence and acknowledgement numbers as signed 32-bit integers: differences are `(a - b) | 0`. */
  sequence: number;
  acknowledgement: number;
  flags: number;
  window: number;
  /** TCP options: `buffer[optionsAt, payloadAt)`, cut at `capturedEnd`. */
  optionsAt: number;
  payloadAt: number;
  /** The header was not captured to its end. */
  isCut: boolean;
  /** Payload length by the IP header; trailing link padding is not in it. */
  payloadLength: number;
  /** End of what was captured of the payload: payloadAt ≤ capturedEnd ≤ payloadAt + payloadLength. */
  capturedEnd: number;
}

/** Takes what the network layer finds in a packet: at most one call a packet. */
export interface SegmentSink {
  segment(segment: Segment): void;
  /** An ICMP or ICMPv6 error that quotes the start of this segment. `flags` is 0 where the quote ends before them. */
  unreachable(quoted: Segment): void;
  /** A DNS message in a datagram, `buffer[at, end)` captured of it; the addresses are at these offsets. */
  dns(
    buffer: Uint8Array,
    at: number,
    end: number,
    addressBytes: 4 | 16,
    sourceAt: number,
    destinationAt: number,
  ): void;
}
