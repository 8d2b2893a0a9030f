/** Whose packets these are: time to live, clocks and round trips, as tables of packets. */
import { describe, expect, test } from "vitest";
import { stackChange, tooSoon } from "../../src/rewriting/stack.ts";
import { ACK_FLAG, FIN_FLAG, RST_FLAG, SYN_FLAG } from "../../src/spine/packets.ts";
import { type Packet, table } from "./packets.ts";

const handshake = (synAck: Partial<Packet> = {}): Packet[] => [
  { at: 0, from: "C", flags: SYN_FLAG, offset: -1, clock: 10 },
  { at: 20, from: "S", flags: SYN_FLAG | ACK_FLAG, offset: -1, clock: 5_000, ...synAck },
  { at: 20, from: "C", clock: 30 },
];
const reply = (at: number, more: Partial<Packet> = {}): Packet => ({
  at,
  from: "S",
  length: 20,
  clock: 5_000 + at,
  ...more,
});

describe("two stacks", () => {
  test.each<readonly [string, readonly Packet[], RegExp]>([
    [
      "counted down from another start",
      [...handshake({ hops: 60 }), reply(60, { hops: 120 })],
      /time to live of 60, the data with 120/,
    ],
    ["nearer by many hops", [...handshake({ hops: 63 }), reply(60)], /time to live of 63/],
    [
      "another clock",
      [...handshake({ clock: 900_000_000 }), reply(60, { clock: 5_000 })],
      /clocks .* ticks apart/,
    ],
    ["a clock in the SYN-ACK only", [...handshake(), { at: 60, from: "S", length: 20 }], /the data has none/],
    [
      "a clock in the data only",
      [...handshake({}).map((p) => (p.from === "S" ? { ...p, clock: undefined } : p) as Packet), reply(60)],
      /the SYN-ACK has none/,
    ],
    ["a SYN-ACK without a window", handshake({ window: 0 }), /window of 0 octets/],
    [
      "a SYN-ACK without a window, and the server's own behind it",
      [
        ...handshake({ window: 0 }),
        { at: 1_020, from: "S", flags: SYN_FLAG | ACK_FLAG, offset: -1, clock: 6_000 },
      ],
      /window of 0 octets/,
    ],
    [
      "one packet put in",
      [...handshake(), reply(60), reply(100), reply(140, { hops: 63 }), reply(200)],
      /this packet with 63/,
    ],
  ])("%s", (_why, packets, what) => {
    expect(stackChange(table(packets))?.what).toMatch(what);
  });

  test.each<readonly [string, readonly Packet[]]>([
    ["one host", [...handshake(), reply(60), reply(100)]],
    ["a route that changed by two hops", [...handshake({ hops: 54 }), reply(60)]],
    ["a SYN cookie's clock", [...handshake({ clock: 5_063 }), reply(21, { clock: 5_021 })]],
    ["a clock of µs", [...handshake({ clock: 5_000 }), reply(6_000, { clock: 5_000 + 6_000_000 })]],
    [
      "a clock that wraps",
      [...handshake({ clock: 0x7fffff00 }), reply(300, { clock: (0x7fffff00 + 280) | 0 })],
    ],
    [
      "a reset from elsewhere",
      [...handshake(), reply(60), { at: 70, from: "S", flags: RST_FLAG, hops: 255 }],
    ],
    [
      "an end without payload from elsewhere",
      [...handshake(), reply(60), { at: 70, from: "S", flags: FIN_FLAG | ACK_FLAG, hops: 63, clock: 6_000 }],
    ],
    [
      "a SYN-ACK of whose header the part with the clock was not captured",
      [...handshake({ clock: undefined, cut: true }), reply(60)],
    ],
    ["a window that is full later", [...handshake(), reply(60, { window: 0 })]],
    ["a time to live that is not known", [...handshake({ hops: 0 }), reply(60, { hops: 0 })]],
    ["nothing said", handshake()],
    ["no handshake", [reply(60), reply(100)]],
  ])("not: %s", (_why, packets) => {
    expect(stackChange(table(packets))).toBeNull();
  });
});

describe("sooner than the round trip", () => {
  /** Commands of ten octets, each answered after so many ms. */
  const talk = (...afterMs: number[]): Packet[] => {
    let at = 20;
    return afterMs.flatMap((after, i) => {
      const asked: Packet = { at, from: "C", length: 10, offset: i * 10 };
      const answered: Packet = { at: at + after, from: "S", length: 20, offset: i * 20, acks: (i + 1) * 10 };
      at += after + 1;
      return [asked, answered];
    });
  };

  test("not where another handshake was as fast", () => {
    expect(tooSoon(table([...handshake(), ...talk(21, 0.4, 22)]), 900)).toBeNull();
  });

  test("one reply among those of the server", () => {
    expect(tooSoon(table([...handshake(), ...talk(21, 0.4, 22)]), 20_000)).toEqual({
      afterUs: 400,
      roundTripUs: 20_000,
      frame: 7,
    });
  });

  test.each<readonly [string, readonly Packet[]]>([
    ["all like the handshake", [...handshake(), ...talk(21, 20, 22)]],
    ["slow ones among them", [...handshake(), ...talk(21, 5_000, 22)]],
    ["a handshake that waited for ARP", [...handshake(), ...talk(0.4, 0.5, 0.4)]],
    [
      "a server that is mostly slow",
      [...handshake().map((p) => ({ ...p, at: p.at / 20 })), ...talk(200, 1, 200, 200)],
    ],
    [
      "captured at the server",
      [...handshake().map((p) => ({ ...p, at: p.at / 1_000 })), ...talk(21, 0.4, 22)],
    ],
    ["too few to tell", [...handshake(), ...talk(0.4)]],
    [
      "an acknowledgement without a reply",
      [
        ...handshake(),
        ...talk(21, 22),
        { at: 80, from: "C", length: 10, offset: 20 },
        { at: 80.2, from: "S", acks: 30 },
      ],
    ],
    [
      "a command sent again just before its reply",
      [
        ...handshake(),
        ...talk(21, 22),
        { at: 80, from: "C", length: 10, offset: 20 },
        { at: 280, from: "C", length: 10, offset: 20 },
        { at: 280.2, from: "S", length: 20, offset: 40, acks: 30 },
      ],
    ],
  ])("not: %s", (_why, packets) => {
    expect(tooSoon(table(packets), 20_000)).toBeNull();
  });
});
