/**
 * Finds the innermost TCP segment in each captured record.
 *
 * One record enters at `packet`; decoders of single headers pass it on to one another through the
 * methods of Dissection; it leaves as exactly one of: a call of `segment`, a call of `unreachable`,
 * or one more in `counts`. The one way that matters for speed, Ethernet to IPv4 to TCP, allocates
 * nothing and calls nothing that is not needed.
 *
 * Traffic is never an exception: any bytes at all are input, cut anywhere.
 *
 * Deliberately absent: checksums, connections, and anything above TCP.
 */

import { openEtherType } from "../link/ether-types.ts";
import { ETHERNET, openEthernet } from "../link/ethernet.ts";
import { LINK_LAYERS } from "../link/index.ts";
import type { LinkLayer } from "../link/layer.ts";
import type { SegmentSink } from "../packet.ts";
import { type Dissection, type Outcome, type Refusal, short } from "./dissection.ts";
import { FRAGMENT_LIMITS, type FragmentLimits, Fragments } from "./fragments.ts";
import { openIpv4 } from "./ipv4.ts";
import { openExtensions, openIpv6 } from "./ipv6.ts";
import { openProtocol } from "./protocols.ts";
import { decodeQuotedTcp, decodeTcp, emptySegment } from "./tcp.ts";

/**
 * Headers that may hold one another in a packet, tags and tunnels together. Real ones stay below
 * eight (a tagged, VXLAN-tunnelled, tagged frame in an ERSPAN mirror); without a bound, a made-up
 * packet of 64 KiB of tags would use up the stack.
 */
const MAX_NESTING = 16;

const TCP = 6;

/** Records that led to no segment, by reason, and what became of fragments. */
export interface DissectorCounts extends Readonly<Record<Refusal, number>> {
  /** Of `fragments`: still waiting for the rest of their datagram. */
  readonly fragmentsPending: number;
  /** Of `fragments`: given up, for their age or for lack of room. */
  readonly fragmentsDropped: number;
}

export interface DissectorOptions {
  fragmentLimits?: FragmentLimits;
}

export class Dissector implements Dissection {
  readonly #sink: SegmentSink;
  readonly #fragments: Fragments;
  readonly #segment = emptySegment();
  readonly #refused: Record<Refusal, number> = {
    unknownLinkType: 0,
    unsupported: 0,
    truncated: 0,
    malformed: 0,
    fragments: 0,
  };
  #atUs = 0;
  #nesting = 0;
  #isQuoted = false;

  constructor(sink: SegmentSink, options: DissectorOptions = {}) {
    this.#sink = sink;
    this.#fragments = new Fragments(options.fragmentLimits ?? FRAGMENT_LIMITS);
  }

  /**
   * Dissects one record. The arguments are those of RecordSink.record.
   * @param atUs ages fragments; nothing else here depends on time
   */
  packet(
    linkType: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    atUs: number,
  ): void {
    this.#atUs = atUs;
    this.#nesting = 0;
    this.#isQuoted = false;
    const wireEnd = start + wireLength;
    const outcome = this.link(linkType, buffer, start, end, Math.max(wireEnd, end));
    if (outcome !== null) this.#refused[outcome]++;
  }

  get counts(): DissectorCounts {
    const { pending, dropped } = this.#fragments;
    return { ...this.#refused, fragmentsPending: pending, fragmentsDropped: dropped };
  }

  link(linkType: number, buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome {
    if (linkType === ETHERNET) return openEthernet(this, buffer, at, end, wireEnd);
    const layer = LAYER_OF.get(linkType);
    if (layer === undefined) return "unknownLinkType";
    return layer.open(this, buffer, at, end, wireEnd);
  }

  etherType(type: number, buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome {
    if (++this.#nesting > MAX_NESTING) return "unsupported";
    return openEtherType(this, type, buffer, at, end, wireEnd);
  }

  ip(buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome {
    if (at >= end) return short(at + 1, wireEnd);
    const version = buffer[at]! >> 4;
    if (version === 6) return this.ipv6(buffer, at, end, wireEnd);
    if (version !== 4) return "malformed";
    if (++this.#nesting > MAX_NESTING) return "unsupported";
    return openIpv4(this, buffer, at, end, wireEnd);
  }

  ipv6(buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome {
    if (++this.#nesting > MAX_NESTING) return "unsupported";
    return openIpv6(this, buffer, at, end, wireEnd);
  }

  protocol(
    protocol: number,
    buffer: Uint8Array,
    at: number,
    end: number,
    wireEnd: number,
    addressBytes: 4 | 16,
    sourceAt: number,
    destinationAt: number,
  ): Outcome {
    if (protocol !== TCP) {
      if (++this.#nesting > MAX_NESTING) return "unsupported";
      return openProtocol(this, protocol, buffer, at, end, wireEnd, addressBytes, sourceAt, destinationAt);
    }
    const segment = this.#segment;
    segment.addressBytes = addressBytes;
    segment.sourceAt = sourceAt;
    segment.destinationAt = destinationAt;
    const refusal = this.#isQuoted
      ? decodeQuotedTcp(segment, buffer, at, end, wireEnd)
      : decodeTcp(segment, buffer, at, end, wireEnd);
    if (refusal !== null) return refusal;
    if (this.#isQuoted) this.#sink.unreachable(segment);
    else this.#sink.segment(segment);
    return null;
  }

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
  ): Outcome {
    // The rest of a quoted fragment will never come.
    if (this.#isQuoted) return "unsupported";
    const datagram = this.#fragments.add(
      { key, protocol, offset, more, buffer, at, end, wireEnd, addressBytes, sourceAt, destinationAt },
      this.#atUs,
    );
    if (datagram === null) return "fragments";
    const whole = datagram.buffer;
    const payloadAt = datagram.payloadAt;
    const wholeEnd = payloadAt + datagram.lengthBytes;
    const capturedEnd = Math.min(wholeEnd, payloadAt + datagram.cutAt);
    const next = datagram.protocol;
    if (addressBytes === 4) {
      return this.protocol(next, whole, payloadAt, capturedEnd, wholeEnd, 4, 0, 4);
    }
    return openExtensions(this, next, whole, payloadAt, capturedEnd, wholeEnd, wholeEnd, 0, 16);
  }

  dns(
    buffer: Uint8Array,
    at: number,
    end: number,
    addressBytes: 4 | 16,
    sourceAt: number,
    destinationAt: number,
  ): Outcome {
    if (!this.#isQuoted) this.#sink.dns(buffer, at, end, addressBytes, sourceAt, destinationAt);
    return "unsupported";
  }

  quote(buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome {
    this.#isQuoted = true;
    return this.ip(buffer, at, end, wireEnd);
  }
}

const LAYER_OF: ReadonlyMap<number, LinkLayer> = new Map(
  LINK_LAYERS.flatMap((layer) => layer.linkTypes.map((linkType) => [linkType, layer])),
);
