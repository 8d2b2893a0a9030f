/** All connections of a source: numbering, what is let go of, and what is bounded. */
import { describe, expect, test } from "vitest";
import type { Segment } from "../../../src/capture/packet.ts";
import { Direction } from "../../../src/capture/stream/direction.ts";
import { Endpoint } from "../../../src/capture/stream/endpoint.ts";
import { FlowTable } from "../../../src/capture/stream/flow-table.ts";
import type { Transport } from "../../../src/spine/wire.ts";
import { heapBytes } from "./heap.ts";
import { ip4, ip6, type Packet, recordsOf, Talk } from "./packets.ts";
import { Feeder, linesOf, record } from "./recording.ts";
import { ended, first, noData, REUSES, running, second } from "./reuses.ts";

describe("a SYN on known addresses and ports", () => {
  const streamsOf = (packets: readonly Packet[]): number[] => [
    ...new Set(record(packets).map(({ tcpStream }) => tcpStream)),
  ];

  test.each(REUSES)("$name", ({ in: packets, streams }) => {
    expect(streamsOf(packets)).toEqual(Array.from({ length: streams }, (_, number) => number));
  });

  test("refused, tried again with the same number, and accepted", () => {
    const recordings = record([
      first.syn(),
      first.server(-1, noData, { ack: 0, flags: "R" }),
      ...running(first),
    ]);
    expect(recordings.at(-1)!.lines).toContain("S0 #6 220 a|");
    expect(recordings.at(-1)!.transport.refused).toBe(false);
    expect(recordings.at(-1)!.tcpStream).toBe(0);
  });

  test("the older conversation is closed before the newer one speaks", () => {
    expect(linesOf([...running(first), ...running(second), second.client(0, "QUIT|", { ack: 6 })])).toEqual([
      "0: S0 #4 220 a|",
      "0: close",
      "1: S0 #8 220 a|",
      "1: C0 #9 QUIT|",
      "1: close",
    ]);
  });

  test("late packets of the older conversation are not the newer one's", () => {
    const [, newer] = record([...ended(first), ...running(second), first.client(0, "QUIT|", { flags: "F" })]);
    expect(newer!.lines.filter((line) => line.includes("QUIT"))).toEqual([]);
  });

  test("a new conversation whose SYN was not captured is not lost", () => {
    const packets = [
      ...ended(first),
      second.synAck({ atUs: 9_000_000 }),
      second.client(0, noData, { atUs: 9_000_001 }),
      second.server(0, "220 b|", { atUs: 9_000_002 }),
      second.client(0, "QUIT|", { ack: 6, atUs: 9_000_003 }),
    ];
    const recordings = record(packets);
    expect(recordings.map(({ tcpStream }) => tcpStream)).toEqual([0, 0]);
    expect(recordings[1]!.lines).toEqual(["S0 #9 220 b|", "C0 #10 QUIT|", "close"]);
  });
});

describe("letting go", () => {
  test("copies of the last segments are still counted after both ends", () => {
    const [recording] = record([
      ...ended(first),
      first.server(0, "221 a|", { ack: 6, flags: "F", atUs: 400_000 }),
    ]);
    expect(recording!.lines).toEqual([
      "C0 #4 QUIT|",
      "C end fin",
      "S0 #5 221 a|",
      "S end fin",
      "S0-6 again",
      "close",
    ]);
  });

  test("a finished conversation is closed once time has passed, before the input ends", () => {
    const other = new Talk({ client: ip4(7, 1_000) });
    const feeder = new Feeder().packets([
      ...ended(first),
      other.syn({ atUs: 2_500_000 }),
      other.syn({ atUs: 5_000_000 }),
    ]);
    expect(feeder.recorder.recordings[0]!.closed).toBe(true);
  });

  test("a packet after that neither opens nor numbers anything", () => {
    const other = new Talk({ client: ip4(7, 1_000) });
    const recordings = record([
      ...ended(first),
      other.syn({ atUs: 5_000_000 }),
      first.client(6, noData, { ack: 7, atUs: 9_000_000 }),
      first.client(0, "QUIT|", { flags: "F", atUs: 9_000_001 }),
      new Talk({ client: ip4(8, 1_000) }).syn({ atUs: 9_000_002 }),
    ]);
    expect(recordings.map(({ tcpStream }) => tcpStream)).toEqual([0, 1, 2]);
    expect(recordings.flatMap(({ faults }) => faults)).toEqual([]);
  });

  test("ticks come about once a second of the capture's time, and go on when its clock was once far ahead", () => {
    const talk = new Talk();
    const feeder = new Feeder();
    feeder.packets(Array.from({ length: 10 }, (_, i) => talk.client(0, noData, { atUs: i * 1_000_000 })));
    expect(feeder.recorder.ticks).toBe(10);
    feeder.packets([talk.client(0, noData, { atUs: 40 * 365 * 86_400_000_000 })]);
    feeder.packets(
      Array.from({ length: 10 }, (_, i) => talk.client(0, noData, { atUs: (10 + i) * 1_000_000 })),
    );
    expect(feeder.recorder.ticks).toBeGreaterThanOrEqual(19);
  });

  test("what the sink does not want is not handed on, and numbers go on", () => {
    const feeder = new Feeder();
    feeder.packets(running(first));
    feeder.recorder.recordings[0]!.wanted = false;
    feeder.packets([first.client(0, "GET /|", { ack: 6 }), first.client(6, "more|", { ack: 6 })]);
    feeder.packets(running(new Talk({ client: ip4(9, 9) })));
    const recordings = feeder.end();
    expect(recordings.map(({ tcpStream }) => tcpStream)).toEqual([0, 1]);
    expect(recordings[0]!.lines).toEqual(["S0 #4 220 a|", "C0 #5 GET /|", "close"]);
  });
});

describe("bounds", () => {
  const nth = (n: number): Talk =>
    new Talk({
      client: { address: [10, (n >> 16) & 255, (n >> 8) & 255, n & 255], port: 1_024 + (n % 60_000) },
    });

  test("70,000 connections left open: the oldest are closed, memory is bounded, numbers go on", {
    timeout: 30_000,
  }, () => {
    const feeder = new Feeder();
    const before = heapBytes();
    let open = 0;
    for (let n = 0; n < 70_000; n++) {
      const talk = nth(n);
      feeder.packets([talk.syn({ atUs: n * 10 }), talk.server(0, "220 a|", { atUs: n * 10 + 1 })]);
      // What is closed needs no more to be remembered here.
      const { recordings } = feeder.recorder;
      if (n % 10_000 === 9_999) {
        const closed = recordings.filter((recording) => recording.closed).length;
        open = Math.max(open, recordings.length - closed);
        feeder.recorder.recordings.splice(
          0,
          recordings.length,
          ...recordings.filter((recording) => !recording.closed),
        );
      }
    }
    expect(open).toBeLessThanOrEqual(20_000);
    expect(feeder.streams.tcpStreams).toBe(70_000);
    const last = feeder.recorder.recordings.at(-1)!;
    expect(last.closed).toBe(false);
    expect(last.tcpStream).toBe(69_999);
    expect(heapBytes() - before).toBeLessThan(120 << 20);
    feeder.packets([nth(69_999).client(0, "QUIT|", { ack: 6, atUs: 700_001 })]);
    expect(last.lines.at(-1)).toMatch(/QUIT/);
    const faults = feeder.end().flatMap((recording) => recording.faults);
    expect(faults).toEqual([]);
    expect(feeder.recorder.recordings.every(({ closed }) => closed)).toBe(true);
  });

  test("70,000 connections one after the other: a busy one among them stays", { timeout: 30_000 }, () => {
    const busy = new Talk();
    const feeder = new Feeder().packets(busy.handshake());
    const recording = feeder.recorder.recordings[0]!;
    for (let n = 0; n < 70_000; n++) {
      const talk = nth(n);
      const atUs = n * 100;
      feeder.packets([
        talk.syn({ atUs }),
        talk.server(-1, noData, { ack: 0, flags: "R", atUs }),
        ...(n % 1_000 === 0 ? [busy.client(n / 1_000, "x", { atUs })] : []),
      ]);
      feeder.recorder.recordings.length = 1;
    }
    feeder.end();
    expect(recording.text("client")).toBe("x".repeat(70));
    expect(recording.faults).toEqual([]);
    expect(feeder.streams.tcpStreams).toBe(70_001);
  });

  test("IPv6 has room of its own", () => {
    const talks = Array.from(
      { length: 300 },
      (_, n) => new Talk({ client: ip6(n & 255, 1_000 + n), server: ip6(0x25, 25) }),
    );
    const recordings = record([...talks.flatMap(running), ...running(first)]);
    expect(recordings.map(({ tcpStream }) => tcpStream)).toEqual(Array.from({ length: 301 }, (_, n) => n));
    expect(recordings[299]!.transport.server).toBe("[2001:db8::25]:25");
  });

  const block = new Uint8Array(60_000).fill(0x78);

  test("one direction's waiting bytes: past the bound its first hole is given up", () => {
    const feeder = new Feeder().packets(first.handshake());
    const count = 200;
    for (let n = 0; n < count; n++)
      feeder.packets([first.client(1 + n * block.length, block, { atUs: n * 10 })]);
    const [recording] = feeder.recorder.recordings;
    expect(recording!.lines[0]).toBe("C0 gap 1 lost");
    expect(recording!.delivered.client.length).toBeGreaterThan(100);
    feeder.end();
    expect(recording!.text("client").length).toBe(1 + count * block.length);
    expect(recording!.faults).toEqual([]);
  });

  test("waiting bytes of all connections together", { timeout: 30_000 }, () => {
    const feeder = new Feeder();
    const before = heapBytes();
    for (let n = 0; n < 20; n++) {
      feeder.packets(nth(n).handshake());
      for (let i = 0; i < 100; i++) feeder.packets([nth(n).client(1 + i * block.length, block, { atUs: n })]);
      for (const recording of feeder.recorder.recordings) recording.delivered.client.length = 0;
      for (const recording of feeder.recorder.recordings) recording.lines.length = 0;
    }
    expect(heapBytes() - before).toBeLessThan(60 << 20);
    for (const recording of feeder.end()) expect(recording.faults).toEqual([]);
  });

  test("the budget is given back: many connections that waited, one after the other", {
    timeout: 30_000,
  }, () => {
    const feeder = new Feeder();
    for (let n = 0; n < 30; n++) {
      const talk = nth(n);
      feeder.packets(talk.handshake());
      for (let i = 0; i < 60; i++) feeder.packets([talk.client(1 + i * block.length, block, { atUs: n })]);
      const end = 1 + 60 * block.length;
      if (n % 3 === 0)
        feeder.packets([talk.client(0, "y", { atUs: n }), talk.client(end, noData, { flags: "F", atUs: n })]);
      if (n % 3 === 1) feeder.packets([talk.client(end, noData, { flags: "R", atUs: n })]);
      if (n % 3 === 2) feeder.packets([talk.syn({ atUs: n }), { ...talk.syn({ atUs: n }), seq: 99 }]);
      for (const recording of feeder.recorder.recordings) recording.lines.length = 0;
      for (const recording of feeder.recorder.recordings) recording.delivered.client.length = 0;
    }
    // Nothing waits any more, so there is room for a hole of one's own.
    const last = nth(100);
    feeder.packets([...last.handshake(), last.client(5, "fg"), last.client(0, "abcde")]);
    expect(feeder.recorder.recordings.at(-1)!.text("client")).toBe("abcdefg");
    for (const recording of feeder.end()) expect(recording.faults).toEqual([]);
  });

  test("many tiny segments in reverse take no time to speak of", { timeout: 30_000 }, () => {
    const count = 40_000;
    const records = recordsOf(
      Array.from({ length: count }, (_, n) => first.client((count - n) * 2, "x", { atUs: n })),
    );
    const feeder = new Feeder().packets(first.handshake());
    const started = performance.now();
    for (const one of records) feeder.record(one);
    feeder.end();
    expect(performance.now() - started).toBeLessThan(4_000);
    expect(feeder.recorder.recordings[0]!.faults).toEqual([]);
  });

  test("a flood of copies of what waits is not remembered", () => {
    const feeder = new Feeder().packets([...first.handshake(), first.client(1, "bcdefg")]);
    for (let n = 0; n < 10_000; n++) feeder.packets([first.client(1, "bcdefg", { atUs: n })]);
    feeder.packets([first.client(0, "a")]);
    const { copies, faults } = feeder.recorder.recordings[0]!;
    expect(copies.client.length).toBeLessThanOrEqual(1_000);
    expect(faults).toEqual([]);
  });
});

describe("a ring of files", () => {
  test("each file numbers anew; what is asked of a packet is its file's number", () => {
    const other = new Talk({ client: ip4(7, 1_000) });
    const feeder = new Feeder().packets([...running(other), ...running(first)]);
    feeder.streams.nextFile();
    feeder.packets([first.client(0, "NOOP|", { ack: 6 }), other.client(0, "QUIT|", { ack: 6 })]);
    feeder.streams.nextFile();
    feeder.packets([other.server(6, "221 b|", { ack: 5 })]);
    const [a, b] = feeder.end().map(({ transport }) => transport) as [Transport, Transport];
    expect([1, 4, 10, 11].map((frame) => a.tcpStreamAt(frame))).toEqual([0, 0, 1, 0]);
    expect([5, 8, 9].map((frame) => b.tcpStreamAt(frame))).toEqual([1, 1, 0]);
  });

  test("a connection in more files than are remembered keeps its latest numbers", () => {
    const other = new Talk({ client: ip4(7, 1_000) });
    const feeder = new Feeder().packets(running(first));
    let frame = 4;
    for (let file = 0; file < 200; file++) {
      feeder.streams.nextFile();
      if (file % 2 === 1) {
        feeder.packets([other.client(0, noData)]);
        frame++;
      }
      feeder.packets([first.client(file, "x", { ack: 6 })]);
      frame++;
    }
    expect(feeder.recorder.recordings[0]!.transport.tcpStreamAt(frame)).toBe(1);
    expect(feeder.recorder.recordings[0]!.transport.tcpStreamAt(frame - 2)).toBe(0);
  });
});

describe("parts", () => {
  test.each([
    [[192, 0, 2, 1], 25, "192.0.2.1:25"],
    [[255, 255, 255, 255], 65_535, "255.255.255.255:65535"],
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 25, "[::]:25"],
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 25, "[::1]:25"],
    [[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1], 465, "[2001:db8:0:1::1]:465"],
    [[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 25, "[2001:db8:0:1:1:1:1:1]:25"],
    [[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0xff, 0xfe, 0, 0, 0], 25, "[fe80::200:ff:fe00:0]:25"],
    [[0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1], 25, "[1:0:0:1::1]:25"],
  ])("an endpoint is written %j", (address, port, want) => {
    const buffer = Uint8Array.from([9, ...address]);
    expect(new Endpoint(buffer, 1, address.length as 4 | 16, port).text).toBe(want);
  });

  test("a flow table tells every tuple from every other, in both directions", () => {
    const table = new FlowTable(4, 4_096);
    const segment = (n: number, swap: boolean): Segment => {
      const client = [10, 0, (n >> 3) & 3, n & 1];
      const server = [10, 0, 9 - ((n >> 5) & 3), 2];
      const ports = [1_000 + (n >> 7), 25 + ((n >> 1) & 3)];
      return {
        buffer: Uint8Array.from(swap ? [...server, ...client] : [...client, ...server]),
        addressBytes: 4,
        sourceAt: 0,
        destinationAt: 4,
        sourcePort: ports[swap ? 1 : 0]!,
        destinationPort: ports[swap ? 0 : 1]!,
      } as Segment;
    };
    for (let n = 0; n < 4_096; n++) {
      const slot = table.find(segment(n, n % 2 === 1));
      expect(table.flowAt(slot)).toBe(-1);
      table.place(slot, n);
    }
    const keptHalf = Int32Array.from({ length: 4_096 }, (_, n) => (n % 2 === 0 ? n / 2 : -1));
    table.rebuild(keptHalf);
    for (let n = 0; n < 4_096; n++) {
      const forward = table.flowAt(table.find(segment(n, false)));
      const swappedForward = table.swapped;
      expect(table.flowAt(table.find(segment(n, true)))).toBe(forward);
      expect(table.swapped).toBe(!swappedForward);
      expect(forward).toBe(keptHalf[n]);
    }
  });

  test("a direction knows what is missing, its FIN aside", () => {
    const direction = new Direction("client");
    expect(direction.missing).toBe(0);
    direction.acknowledge(110);
    expect(direction.missing).toBe(0);
    direction.start(100);
    expect(direction.missing).toBe(10);
    direction.acknowledge(105);
    expect(direction.missing).toBe(10);
    direction.finKnown = true;
    direction.finSequence = 109;
    expect(direction.missing).toBe(9);
    direction.finSequence = 110;
    expect(direction.missing).toBe(10);
  });
});
