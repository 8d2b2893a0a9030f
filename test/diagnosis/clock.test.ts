/** A peer's clock out of made-up packets: any rate, any start, packets held at will. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clockOf } from "../../src/diagnosis/clock.ts";
import { ACK_FLAG, PacketTable, SYN_FLAG } from "../../src/spine/packets.ts";

interface Sent {
  /** µs after the SYN-ACK by a perfect clock. */
  readonly sentUs: number;
  readonly heldUs: number;
}

/** The server's packets as they arrive; `path` is what each needs at least. */
function tableOf(packets: readonly Sent[], rate: number, start: number, pathUs: number): PacketTable {
  const table = new PacketTable();
  table.first = table.end - packets.length;
  packets.forEach(({ sentUs, heldUs }, k) => {
    const i = table.first + k;
    table.atUs[i] = 1_000_000_000 + sentUs + pathUs + heldUs;
    table.clock[i] = (start + Math.floor((sentUs / 1_000_000) * rate)) | 0;
    table.hasClock[i] = 1;
    table.flags[i] = k === 0 ? SYN_FLAG | ACK_FLAG : ACK_FLAG;
    table.frame[i] = k + 1;
  });
  return table;
}

const RATES = [100, 250, 1_000, 1_000_000];

describe("a server's clock", () => {
  test("tells how long a packet was held, to a tick, whatever its rate and its start", () => {
    const packets = fc.array(
      fc.record({
        gapUs: fc.integer({ min: 20_000, max: 900_000 }),
        heldUs: fc.integer({ min: 0, max: 3_000_000 }),
        isHeld: fc.boolean(),
      }),
      { minLength: 8, maxLength: 20 },
    );
    fc.assert(
      fc.property(
        packets,
        fc.constantFrom(...RATES),
        fc.integer(),
        fc.integer({ min: 0, max: 200_000 }),
        (gaps, rate, start, pathUs) => {
          let sentUs = 0;
          const sent: Sent[] = [{ sentUs: 0, heldUs: 0 }];
          gaps.forEach(({ gapUs, heldUs, isHeld }, k) => {
            sentUs += gapUs;
            // At most every third is held: what most packets agree on is the clock.
            sent.push({ sentUs, heldUs: isHeld && k % 3 === 0 ? heldUs : 0 });
          });
          const table = tableOf(sent, rate, start, pathUs);
          const clock = clockOf(table, false);
          expect(clock).not.toBeNull();
          const toleranceUs = 1_000_000 / rate + 1;
          sent.forEach(({ heldUs }, k) => {
            expect(Math.abs(clock!.excessUs(table.first + k)! - heldUs)).toBeLessThanOrEqual(toleranceUs);
          });
        },
      ),
    );
  });

  test("is not claimed where the stamps have nothing to do with time", () => {
    const packets = Array.from({ length: 14 }, (_, k) => ({ sentUs: k * 700_000, heldUs: 0 }));
    const table = tableOf(packets, 1_000, 5, 100);
    let state = 7;
    for (let i = table.first; i < table.end; i++) {
      state = Math.imul(state, 1_103_515_245) + 12_345;
      table.clock[i] = state;
    }
    expect(clockOf(table, false)).toBeNull();
  });

  test("is not claimed of fewer packets than make a line", () => {
    expect(
      clockOf(
        tableOf(
          [
            { sentUs: 0, heldUs: 0 },
            { sentUs: 13_000, heldUs: 2_000_000 },
          ],
          1_000,
          0,
          50,
        ),
        false,
      ),
    ).toBeNull();
  });

  test("a SYN cookie's bits in the SYN-ACK don't make the rest look held", () => {
    const table = tableOf(
      [0, 0.2, 0.5, 0.9, 1.4, 2].map((s) => ({ sentUs: s * 1_000_000, heldUs: 0 })),
      1_000,
      1_000,
      80,
    );
    table.clock[table.first] = table.clock[table.first]! + 60;
    const clock = clockOf(table, false)!;
    for (let i = table.first + 1; i < table.end; i++) expect(clock.excessUs(i)).toBeLessThanOrEqual(1_001);
  });

  test("another machine's SYN-ACK says nothing of the server's packets", () => {
    const table = tableOf(
      [0, 0.2, 0.5, 0.9, 1.4, 2].map((s) => ({ sentUs: s * 1_000_000, heldUs: 0 })),
      1_000,
      1_000,
      80,
    );
    table.clock[table.first] = -1_900_000_000;
    const clock = clockOf(table, false)!;
    expect(clock.excessUs(table.first)).toBeNull();
    expect(clock.excessUs(table.first + 1)).toBeLessThanOrEqual(1_001);
  });
});
