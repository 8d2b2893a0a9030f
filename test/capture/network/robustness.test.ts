import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dissector } from "../../../src/capture/network/dissector.ts";
import type { Segment } from "../../../src/capture/packet.ts";
import { ETHER_TYPE_CASES, LINK_CASES } from "../link/cases.ts";
import { ICMP_CASES, IP_CASES, TCP_CASES, TUNNEL_CASES } from "./cases.ts";
import { dissect } from "./dissect.ts";
import { join } from "./packets.ts";

const ALL = [...LINK_CASES, ...ETHER_TYPE_CASES, ...IP_CASES, ...TCP_CASES, ...ICMP_CASES, ...TUNNEL_CASES];
const LINK_TYPES = [...new Set(ALL.map((row) => row.linkType))];

/** A buffer that remembers when it is read outside of a record. */
function guard(target: Uint8Array, start: number, end: number): { guarded: Uint8Array; outside: string[] } {
  const outside: string[] = [];
  const guarded = new Proxy(target, {
    get(bytes, key) {
      if (typeof key === "string" && /^-?\d+$/.test(key)) {
        const at = Number(key);
        if (at < start || at >= end) outside.push(key);
        return bytes[at];
      }
      if (key === "subarray") {
        return (from: number, to: number) => {
          if (from < start || to > end || from > to) outside.push(`${from}..${to}`);
          return bytes.subarray(from, to);
        };
      }
      return Reflect.get(bytes, key, bytes);
    },
  });
  return { guarded, outside };
}

/** Packets that are nearly right: a good one with bytes changed, cut, and under any link layer. */
const damaged = fc
  .record({
    row: fc.constantFrom(...ALL),
    linkType: fc.option(fc.constantFrom(...LINK_TYPES), { nil: null }),
    changes: fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }),
    cutAt: fc.option(fc.nat(150), { nil: null }),
    wireLength: fc.option(fc.nat(70_000), { nil: null }),
  })
  .map(({ row, linkType, changes, cutAt, wireLength }) => {
    const bytes = Uint8Array.from(row.bytes);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return {
      linkType: linkType ?? row.linkType,
      bytes: bytes.subarray(0, cutAt ?? bytes.length),
      wireLength: wireLength ?? row.wireLength ?? bytes.length,
    };
  });
const noise = fc.record({
  linkType: fc.constantFrom(...LINK_TYPES),
  bytes: fc.uint8Array({ maxLength: 200 }),
  wireLength: fc.nat(70_000),
});
const anything = fc.array(fc.oneof({ weight: 5, arbitrary: damaged }, noise), { maxLength: 20 });

const isInOrder = (segment: Segment): boolean =>
  segment.sourceAt + segment.addressBytes <= segment.buffer.length &&
  segment.destinationAt + segment.addressBytes <= segment.buffer.length &&
  segment.optionsAt <= segment.payloadAt &&
  segment.payloadAt <= segment.capturedEnd &&
  segment.capturedEnd <= segment.buffer.length &&
  segment.payloadLength >= 0;

describe("any bytes, cut anywhere", () => {
  test("have one outcome each, and are not read beyond their record", () => {
    fc.assert(
      fc.property(anything, (packets) => {
        let segments = 0;
        const count = (segment: Segment) => {
          segments++;
          expect(isInOrder(segment)).toBe(true);
          const isQuote = segment.payloadLength === 0;
          if (!isQuote) {
            expect(segment.capturedEnd).toBeLessThanOrEqual(segment.payloadAt + segment.payloadLength);
          }
        };
        const dissector = new Dissector({ segment: count, unreachable: count, dns: () => {} });
        for (const { linkType, bytes, wireLength } of packets) {
          const end = 50 + bytes.length;
          const { guarded, outside } = guard(join(new Uint8Array(50), bytes, new Uint8Array(50)), 50, end);
          dissector.packet(linkType, guarded, 50, end, wireLength, 0);
          expect(outside).toEqual([]);
        }
        const { unknownLinkType, unsupported, truncated, malformed, fragments } = dissector.counts;
        expect(segments + unknownLinkType + unsupported + truncated + malformed + fragments).toBe(
          packets.length,
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("at every cut of every good packet", () => {
    for (const row of ALL) {
      const bytes = Uint8Array.from(row.bytes);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const packet = { linkType: row.linkType, bytes: bytes.subarray(0, cut), wireLength: bytes.length };
        expect(() => dissect([packet])).not.toThrow();
      }
    }
  });

  test("a record said to be longer on disk than on the wire is taken as captured", () => {
    const row = TCP_CASES[0]!;
    expect(dissect([{ ...row, wireLength: 5 }])).toEqual(dissect([row]));
  });
});
