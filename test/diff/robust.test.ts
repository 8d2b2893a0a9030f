import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diffCaptures } from "../../src/diff/diff.ts";
import { ROOT } from "../cli/support/run.ts";
import { EPOCH_US, type Packet, scrambled } from "../support/raw-ip.ts";
import { captured, mail, OPTIONS, PLAIN, type Session, travel } from "./path.ts";

/** What a capture lacks, or has twice, or in another order, is no change on the path. */

const body = `Subject: long\r\n\r\n${"All work and no play makes a long message. \r\n".repeat(20)}`;

function sessions(count: number, seed: number): Session[] {
  return Array.from({ length: count }, (_, i) => ({
    startUs: EPOCH_US + i * 150_000,
    client: "198.51.100.7",
    clientPort: 20_000 + i,
    said: mail({
      from: `alice${i}@example.org`,
      queueId: `4F${1_000 + i}`,
      body,
      serverUs: (n) => 500 + (scrambled(seed + i * 50 + n) % 30_000),
    }),
  }));
}

type Flaw = (packets: readonly Packet[], seed: number) => Packet[];

const FLAWS: Record<string, Flaw> = {
  "packets that were not captured": (packets, seed) =>
    packets.filter((_, i) => scrambled(seed * 31 + i) % 20 !== 0),
  "a late start": (packets, seed) => packets.slice(scrambled(seed) % packets.length),
  "an early end": (packets, seed) => packets.slice(0, scrambled(seed) % packets.length),
  "an outage in the middle": (packets, seed) => {
    const from = scrambled(seed) % packets.length;
    return packets.filter((_, i) => i < from || i >= from + 15);
  },
  "packets that come twice": (packets, seed) =>
    packets.flatMap((packet, i) => (scrambled(seed * 17 + i) % 6 === 0 ? [packet, packet] : [packet])),
  "packets out of order": (packets, seed) => {
    const mixed = [...packets];
    for (let i = 0; i + 1 < mixed.length; i += 2 + (scrambled(seed + i) % 9)) {
      [mixed[i], mixed[i + 1]] = [mixed[i + 1]!, mixed[i]!];
    }
    return mixed;
  },
  "one direction only": (packets) => packets.filter(({ bytes }) => bytes.readUInt16BE(20) === 25),
};

describe.each(Object.keys(FLAWS))("%s", (name) => {
  test("changes nothing", () => {
    const setting = fc.record({
      count: fc.integer({ min: 1, max: 6 }),
      seed: fc.nat(1_000_000),
      inside: fc.boolean(),
      newSequences: fc.boolean(),
      cutAt: fc.constantFrom(null, 300),
    });
    fc.assert(
      fc.property(setting, ({ count, seed, inside: isInside, ...path }) => {
        const { inside, outside } = travel(sessions(count, seed), {
          ...PLAIN,
          ...path,
          offsetUs: 4_000_000,
          delayUs: (n) => 30 + (scrambled(n) % 100),
        });
        const flawed = (packets: readonly Packet[], is: boolean) =>
          is ? FLAWS[name]!(packets, seed) : packets;
        const report = diffCaptures(
          captured(flawed(inside, isInside), "inside"),
          captured(flawed(outside, !isInside), "outside"),
          OPTIONS,
        );
        expect(report.changes).toEqual([]);
        if (path.cutAt === null) expect(report.segments.resplit).toBe(0);
        expect(report.findings.filter(({ id }) => id !== "rewriting/segments-resplit")).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});

test("any bytes: nothing throws, and what is shown is bounded", () => {
  const [inside, outside] = ["inside", "outside"].map((side) =>
    packetsOf(readFileSync(join(ROOT, `captures/firewall-asa.${side}.pcap`))),
  ) as [Packet[], Packet[]];
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(damage, damage, (a, b) => {
      const report = diffCaptures(
        captured(damaged(inside, a), "inside", ETHERNET),
        captured(damaged(outside, b), "outside", ETHERNET),
        OPTIONS,
      );
      expect(JSON.stringify(report).length).toBeLessThan(1_000_000);
    }),
    { numRuns: 40 },
  );
});

const ETHERNET = 1;

function packetsOf(pcap: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 24; at + 16 <= pcap.length; ) {
    const length = pcap.readUInt32LE(at + 8);
    const atUs = pcap.readUInt32LE(at) * 1_000_000 + pcap.readUInt32LE(at + 4);
    packets.push({ atUs, bytes: pcap.subarray(at + 16, at + 16 + length) });
    at += 16 + length;
  }
  return packets;
}

function damaged(
  packets: readonly Packet[],
  damage: readonly (readonly [number, number, number])[],
): Packet[] {
  const copies = packets.map(({ atUs, bytes }) => ({ atUs, bytes: Buffer.from(bytes) }));
  for (const [packet, at, byte] of damage) {
    const { bytes } = copies[packet % copies.length]!;
    // Behind the headers: else most of it would be no TCP.
    const from = Math.min(bytes.length - 1, 66);
    bytes[from + (at % (bytes.length - from))] = byte;
  }
  return copies;
}
