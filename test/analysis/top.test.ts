/** The longest of many, against sorting all of them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Top } from "../../src/analysis/top.ts";
import type { SlowReply } from "../../src/spine/report.ts";

const entry = (waitedUs: number, tcpStream: number) => ({ waitedUs, tcpStream }) as SlowReply;

function offer(top: Top, entries: readonly SlowReply[]): void {
  for (const one of entries) if (top.wants(one.waitedUs)) top.add(one);
}

describe("Top", () => {
  test("keeps the longest, longest first, of equal ones the earlier", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 60 }),
        fc.nat(12),
        (times, limit) => {
          const entries = times.map(entry);
          const top = new Top(limit);
          offer(top, entries);
          const want = entries.toSorted((a, b) => b.waitedUs - a.waitedUs || a.tcpStream - b.tcpStream);
          expect(top.entries).toEqual(want.slice(0, limit));
        },
      ),
    );
  });

  test("does not ask for entries that it would not keep", () => {
    const top = new Top(2);
    expect(top.wants(0)).toBe(true);
    offer(top, [entry(5, 0), entry(9, 1)]);
    expect([4, 5, 6].map((us) => top.wants(us))).toEqual([false, false, true]);
  });

  test("of none asks for none", () => {
    const top = new Top(0);
    expect(top.wants(1_000)).toBe(false);
    expect(top.entries).toEqual([]);
  });

  test("the tops of parts make the top of the whole", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(1_000), { maxLength: 20 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 10 }),
        (parts, limit) => {
          const whole = new Top(limit);
          for (const part of parts) {
            const top = new Top(limit);
            offer(top, part.map(entry));
            offer(whole, top.entries);
          }
          const want = parts
            .flat()
            .sort((a, b) => b - a)
            .slice(0, limit);
          expect(whole.entries.map(({ waitedUs }) => waitedUs)).toEqual(want);
        },
      ),
    );
  });
});
