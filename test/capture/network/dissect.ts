/** Runs packets through the dissector and writes down what came of each. */

import { Dissector, type DissectorOptions } from "../../../src/capture/network/dissector.ts";
import type { Segment } from "../../../src/capture/packet.ts";
import type { Bytes } from "./packets.ts";

export interface Packet {
  linkType: number;
  bytes: Bytes;
  wireLength?: number;
  atUs?: number;
}

/** A segment as plain values; `payload` is what was captured of it. */
export interface Seen {
  kind: "segment" | "unreachable";
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgement: number;
  flags: number;
  window: number;
  options: string;
  payload: string;
  length: number;
}

export interface Case extends Packet {
  name: string;
  /** Deviations from PLAIN, or why there is no segment. */
  want: Partial<Seen> | string;
  /** Set where tshark 4.0 sees something else on purpose: why. */
  differs?: string;
}

/** The segment that the builders make when nothing else is asked of them, carrying "hello". */
export const PLAIN: Seen = {
  kind: "segment",
  source: "192.0.2.1",
  destination: "198.51.100.2",
  sourcePort: 40000,
  destinationPort: 25,
  sequence: 0x01020304,
  acknowledgement: 0x8090a0b0,
  flags: 0x18,
  window: 512,
  options: "",
  payload: "hello",
  length: 5,
};
export const OVER_IPV6: Partial<Seen> = { source: "2001:db8::1", destination: "2001:db8::2" };

const address = (buffer: Uint8Array, at: number, lengthBytes: number): string => {
  const bytes = [...buffer.subarray(at, at + lengthBytes)];
  if (lengthBytes === 4) return bytes.join(".");
  const groups = bytes.flatMap((byte, i) =>
    i % 2 === 0 ? [((byte << 8) | bytes[i + 1]!).toString(16)] : [],
  );
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
};

const latin1 = (buffer: Uint8Array, from: number, to: number): string =>
  Buffer.from(buffer.subarray(from, to)).toString("latin1");

function describeSegment(kind: Seen["kind"], segment: Segment): Seen {
  const { buffer, addressBytes, optionsAt, payloadAt, capturedEnd } = segment;
  return {
    kind,
    source: address(buffer, segment.sourceAt, addressBytes),
    destination: address(buffer, segment.destinationAt, addressBytes),
    sourcePort: segment.sourcePort,
    destinationPort: segment.destinationPort,
    sequence: segment.sequence >>> 0,
    acknowledgement: segment.acknowledgement >>> 0,
    flags: segment.flags,
    window: segment.window,
    options: Buffer.from(buffer.subarray(optionsAt, payloadAt)).toString("hex"),
    payload: latin1(buffer, payloadAt, capturedEnd),
    length: segment.payloadLength,
  };
}

const REFUSALS = ["unknownLinkType", "unsupported", "truncated", "malformed", "fragments"] as const;

/** What came of each packet: its segment, or the name of the count that it raised. */
export function dissect(packets: readonly Packet[], options: DissectorOptions = {}): (Seen | string)[] {
  let outcomes: (Seen | string)[] = [];
  const dissector = new Dissector(
    {
      segment: (segment) => void outcomes.push(describeSegment("segment", segment)),
      unreachable: (quoted) => void outcomes.push(describeSegment("unreachable", quoted)),
      dns: () => {},
    },
    options,
  );
  return packets.map(({ linkType, bytes, wireLength, atUs }) => {
    const before = dissector.counts;
    outcomes = [];
    // Surrounded by other bytes, as records in a read buffer are.
    const buffer = new Uint8Array(bytes.length + 200).fill(0xa5);
    buffer.set(bytes, 100);
    dissector.packet(linkType, buffer, 100, 100 + bytes.length, wireLength ?? bytes.length, atUs ?? 0);
    const after = dissector.counts;
    for (const reason of REFUSALS) {
      for (let count = before[reason]; count < after[reason]; count++) outcomes.push(reason);
    }
    if (outcomes.length !== 1) throw new Error(`not one outcome but ${JSON.stringify(outcomes)}`);
    return outcomes[0]!;
  });
}

/** What a case should come to. */
export const wanted = ({ want }: Case): Seen | string =>
  typeof want === "string" ? want : { ...PLAIN, ...want };
