import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FRAGMENT_LIMITS } from "../../../src/capture/network/fragments.ts";
import { NO_TIME } from "../../../src/spine/wire.ts";
import { dissect, OVER_IPV6, type Packet, PLAIN, type Seen } from "./dissect.ts";
import { ethernet, gre, hex, ipv4, ipv6, ipv6Fragment, join, tcp, text } from "./packets.ts";

const letters = text("abcdefghijklmnopqrstuvwxyz0123456789ABCD");
const datagram = tcp(letters);
const whole: Partial<Seen> = { payload: new TextDecoder().decode(letters), length: letters.length };

interface Cut {
  from: number;
  to: number;
  id?: number;
  atUs?: number;
  of?: Uint8Array;
}

const v4 = ({ from, to, id = 1, atUs = 0, of = datagram }: Cut): Packet => {
  const fragment = (from >> 3) | (to < of.length ? 0x2000 : 0);
  return { linkType: 1, atUs, bytes: ethernet(0x0800, ipv4(6, of.subarray(from, to), { id, fragment })) };
};
const v6 = ({ from, to, id = 1, atUs = 0, of = datagram }: Cut): Packet => {
  const piece = ipv6Fragment(6, from, to < of.length, id, of.subarray(from, to));
  return { linkType: 1, atUs, bytes: ethernet(0x86dd, ipv6(44, piece)) };
};
const snap = (packet: Packet, lengthBytes: number): Packet => ({
  ...packet,
  wireLength: packet.bytes.length,
  bytes: Uint8Array.from(packet.bytes).subarray(0, lengthBytes),
});

const A = { from: 0, to: 24 };
const B = { from: 24, to: 48 };
const C = { from: 48, to: 60 };
const HELD = "fragments";

/** Name, packets, and what comes of each: "whole" for the datagram. */
const TABLE: readonly [string, readonly Cut[], readonly string[]][] = [
  ["in order", [A, B, C], [HELD, HELD, "whole"]],
  ["backwards", [C, B, A], [HELD, HELD, "whole"]],
  ["the first in the middle", [B, A, C], [HELD, HELD, "whole"]],
  ["each twice", [A, A, B, B, C], [HELD, HELD, HELD, HELD, "whole"]],
  ["all of it twice", [A, B, C, A, B, C], [HELD, HELD, "whole", HELD, HELD, "whole"]],
  ["overlapping", [A, { from: 16, to: 40 }, { from: 32, to: 60 }], [HELD, HELD, "whole"]],
  ["one within another", [{ from: 0, to: 48 }, B, C], [HELD, HELD, "whole"]],
  [
    "two datagrams in turns",
    [A, { ...A, id: 2 }, { ...B, id: 2 }, B, { ...C, id: 2 }, C],
    [HELD, HELD, HELD, HELD, "whole", "whole"],
  ],
  ["the first missing", [B, C], [HELD, HELD]],
  ["the middle missing", [A, C], [HELD, HELD]],
  ["the last missing", [A, B], [HELD, HELD]],
  ["too late", [A, B, { ...C, atUs: 31_000_000 }], [HELD, HELD, HELD]],
  ["just in time", [A, B, { ...C, atUs: 30_000_000 }], [HELD, HELD, "whole"]],
  ["without times", [A, B, C].map((piece) => ({ ...piece, atUs: NO_TIME })), [HELD, HELD, "whole"]],
];

describe("fragments", () => {
  test.each(TABLE)("%s", (_name, pieces, want) => {
    const expected = (more: Partial<Seen>) =>
      want.map((outcome) => (outcome === "whole" ? { ...PLAIN, ...whole, ...more } : outcome));
    expect(dissect(pieces.map(v4))).toEqual(expected({}));
    expect(dissect(pieces.map(v6))).toEqual(expected(OVER_IPV6));
  });

  test("the first copy of a byte wins", () => {
    const other = tcp(text("_".repeat(40)));
    const seen = dissect([v4(A), v4({ from: 16, to: 48, of: other }), v4(C)]);
    expect(seen[2]).toEqual({ ...PLAIN, length: 40, payload: `abcd${"_".repeat(24)}23456789ABCD` });
  });

  test("the protocol is part of the key", () => {
    const other: Packet = {
      linkType: 1,
      bytes: ethernet(0x0800, ipv4(17, datagram.subarray(24), { fragment: 3 })),
    };
    expect(dissect([v4(A), other])).toEqual([HELD, HELD]);
  });

  test("the VLAN is not", () => {
    const pieces = [A, { from: 24, to: 60 }].map((piece, tag) => {
      const { bytes, ...rest } = v4(piece);
      const plain = Uint8Array.from(bytes);
      return { ...rest, bytes: join(plain.subarray(0, 12), [0x81, 0, 0, tag], plain.subarray(12)) };
    });
    expect(dissect(pieces)[1]).toEqual({ ...PLAIN, ...whole });
  });

  test("cut by the snap length, bytes end where the first are missing", () => {
    // 34 bytes of headers, and 24 of each piece: 20 of TCP and "abcd", then "efgh…".
    const seen = dissect([snap(v4(A), 34 + 22), snap(v4(B), 34 + 10), v4(C)]);
    expect(seen).toEqual([HELD, HELD, { ...PLAIN, payload: "ab", length: 40 }]);
  });

  test("a copy that was cut later takes nothing away", () => {
    const seen = dissect([v4(A), snap(v4(A), 40), v4(B), v4(C)]);
    expect(seen[3]).toEqual({ ...PLAIN, ...whole });
  });

  test("link padding is not part of a fragment", () => {
    const padded = [A, B, C]
      .map(v4)
      .map((packet) => ({ ...packet, bytes: join(packet.bytes, hex("ffffffff")) }));
    expect(dissect(padded)[2]).toEqual({ ...PLAIN, ...whole });
  });

  test("of a tunnel, and of extensions within them", () => {
    const tunnel = gre(0x0800, ipv4(6, datagram));
    const part = (from: number, to: number, more: boolean): Packet => ({
      linkType: 1,
      bytes: ethernet(
        0x0800,
        ipv4(47, tunnel.subarray(from, to), { fragment: (from >> 3) | (more ? 0x2000 : 0) }),
      ),
    });
    expect(dissect([part(40, 84, false), part(0, 40, true)])[1]).toEqual({ ...PLAIN, ...whole });

    const extended = join([6, 0, 1, 4, 0, 0, 0, 0], datagram);
    const pieces = [
      ipv6Fragment(60, 0, true, 5, extended.subarray(0, 32)),
      ipv6Fragment(60, 32, false, 5, extended.subarray(32)),
    ];
    const seen = dissect(pieces.map((piece) => ({ linkType: 1, bytes: ethernet(0x86dd, ipv6(44, piece)) })));
    expect(seen[1]).toEqual({ ...PLAIN, ...OVER_IPV6, ...whole });
  });

  test("larger than any datagram, it is given up", () => {
    const beyond = ethernet(0x0800, ipv4(6, new Uint8Array(800), { fragment: 0x1fff }));
    expect(dissect([{ linkType: 1, bytes: beyond }, v4(A)])).toEqual([HELD, HELD]);
  });
});

describe("bounds on fragments", () => {
  const finish = (id: number) => v4({ from: 24, to: 60, id });

  test("the oldest datagram makes way for one too many", () => {
    const fragmentLimits = { ...FRAGMENT_LIMITS, maxDatagrams: 2 };
    const seen = dissect(
      [v4({ ...A, id: 1 }), v4({ ...A, id: 2 }), v4({ ...A, id: 3 }), finish(2), finish(1)],
      { fragmentLimits },
    );
    expect(seen.map((outcome) => typeof outcome)).toEqual(["string", "string", "string", "object", "string"]);
  });

  test("and for too many bytes", () => {
    const fragmentLimits = { ...FRAGMENT_LIMITS, maxHeldBytes: 65_000 };
    const far = v4({ from: 60_000, to: 60_008, id: 2, of: new Uint8Array(60_100) });
    const seen = dissect([v4({ ...A, id: 1 }), far, v4({ ...A, id: 3 }), finish(1), finish(3)], {
      fragmentLimits,
    });
    expect(seen.map((outcome) => typeof outcome)).toEqual(["string", "string", "string", "string", "object"]);
  });
});

test("in any order, duplicated and overlapping, fragments give the same bytes", () => {
  const split = fc.uint8Array({ minLength: 8, maxLength: 3000 }).chain((payload) => {
    const of = tcp(payload);
    const units = Math.floor((of.length - 1) / 8);
    return fc.record({
      of: fc.constant(of),
      payload: fc.constant(payload),
      bounds: fc.uniqueArray(fc.integer({ min: 1, max: units }), { minLength: 1, maxLength: 12 }),
      overlaps: fc.array(fc.tuple(fc.nat(units), fc.nat(units)), { maxLength: 5 }),
      order: fc.array(fc.nat(1000), { minLength: 40, maxLength: 40 }),
      isV6: fc.boolean(),
    });
  });
  fc.assert(
    fc.property(split, ({ of, payload, bounds, overlaps, order, isV6 }) => {
      const edges = [0, ...bounds.sort((a, b) => a - b).map((unit) => unit * 8), of.length];
      const cuts: Cut[] = edges.slice(1).map((to, i) => ({ from: edges[i]!, to, of }));
      for (const [a, b] of overlaps) {
        if (a !== b) cuts.push({ from: Math.min(a, b) * 8, to: Math.max(a, b) * 8, of });
      }
      const shuffled = cuts.map((piece, i) => ({ piece, rank: order[i]! })).sort((a, b) => a.rank - b.rank);
      const seen = dissect(shuffled.map(({ piece }) => (isV6 ? v6 : v4)(piece)));
      // What is left over of the overlaps may start a second datagram, but not finish it.
      const segments = seen.filter((outcome): outcome is Seen => typeof outcome !== "string");
      expect(segments).toHaveLength(1);
      expect(Buffer.from(segments[0]!.payload, "latin1")).toEqual(Buffer.from(payload));
    }),
    { numRuns: 300 },
  );
});
