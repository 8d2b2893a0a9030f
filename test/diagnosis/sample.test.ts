/** Parts of an input add up to what one reading would have kept. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DialogueFacts } from "../../src/diagnosis/facts.ts";
import { Sample } from "../../src/diagnosis/sample.ts";

function facts(k: number, waitedUs: number): DialogueFacts {
  const fromUs = 1_700_000_000_000_000 + k * 1_000;
  return {
    file: "a.pcap",
    tcpStream: k,
    client: `10.0.${k >> 8}.${k & 255}`,
    server: "192.0.2.25:25",
    fromUs,
    toUs: fromUs + waitedUs,
    frame: k,
    replies: [],
    unlistedUs: waitedUs,
    clientTurns: [],
    clientUs: 0,
    roundTripUs: null,
    hopsToServer: null,
    hopsToClient: null,
    lookups: 0,
    tls: "none",
    earlyTalker: false,
    closedBy: null,
    rewriting: [],
    delivered: true,
  };
}

test("however the input is divided, and more dialogues than are kept", () => {
  const COUNT = 6_000;
  const all = Array.from({ length: COUNT }, (_, k) => facts(k, 20_000 + ((k * 7_919) % 1_000_000)));
  const whole = new Sample();
  for (const each of all) whole.add(each);
  const kept = (sample: Sample) => sample.late.map(({ tcpStream }) => tcpStream).sort((a, b) => a - b);
  expect(kept(whole).length).toBeLessThan(COUNT);
  expect(kept(whole).length).toBeGreaterThan(1_000);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 50, maxLength: 50 }), (division) => {
      const parts = [0, 1, 2, 3].map(() => new Sample());
      all.forEach((each, k) => {
        parts[division[k % division.length]!]!.add(each);
      });
      const sum = new Sample();
      for (const part of parts) sum.addPart(structuredClone(part.part()));
      expect(sum.lateCount).toBe(COUNT);
      expect(sum.lateWaitedUs).toBe(whole.lateWaitedUs);
      expect(kept(sum)).toEqual(kept(whole));
    }),
    { numRuns: 5 },
  );
});
