/** Numbers as a reader sees them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesText, countText, durationText, percentText, plural, timeText } from "../../src/spine/format.ts";

describe("durations: three digits, a unit for the size", () => {
  test.each([
    [0, "0 µs"],
    [1, "1 µs"],
    [999, "999 µs"],
    [1_000, "1.00 ms"],
    [1_004, "1.00 ms"],
    [1_230, "1.23 ms"],
    [9_994, "9.99 ms"],
    [9_995, "10.0 ms"],
    [9_999, "10.0 ms"],
    [10_000, "10.0 ms"],
    [99_949, "99.9 ms"],
    [99_950, "100 ms"],
    [100_000, "100 ms"],
    [999_499, "999 ms"],
    [999_500, "1.00 s"],
    [1_000_000, "1.00 s"],
    [5_050_000, "5.05 s"],
    [9_995_000, "10.0 s"],
    [59_990_000, "60.0 s"],
    [60_000_000, "60.0 s"],
    [99_900_000, "99.9 s"],
    [99_949_999, "99.9 s"],
    [99_950_000, "1m40s"],
    [128_000_000, "2m08s"],
    [3_599_499_999, "59m59s"],
    [3_599_500_000, "1h00m"],
    [3_600_000_000, "1h00m"],
    [11_100_000_000, "3h05m"],
    [86_400_000_000, "24h00m"],
  ])("%i µs is %s", (us, text) => {
    expect(durationText(us)).toBe(text);
  });

  test("never longer than seven characters up to a week, and never out of order", () => {
    const size = (text: string) => {
      const [, a, unit, b] = /^([\d.]+) ?(µs|ms|s|m|h)(?:(\d\d)[sm])?$/.exec(text)!;
      const units: Record<string, number> = { µs: 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9 };
      return Number(a) * units[unit!]! + (b === undefined ? 0 : Number(b) * (unit === "m" ? 1e6 : 6e7));
    };
    fc.assert(
      fc.property(fc.oneof(fc.nat(2_000_000), fc.nat(200_000_000), fc.nat(604_800_000_000)), (us) => {
        const text = durationText(us);
        expect(text.length).toBeLessThanOrEqual(7);
        const shown = size(text);
        // Within half of the last digit shown; hours are shown to the minute.
        expect(Math.abs(shown - us)).toBeLessThanOrEqual(
          Math.max(us * 0.0051, us >= 3.59e9 ? 3.01e7 : 0, us >= 9.9e7 ? 5.01e5 : 0),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("the others", () => {
  test.each([
    [0, "0"],
    [999, "999"],
    [1_000, "1,000"],
    [1_234_567, "1,234,567"],
  ])("count %i", (count, text) => expect(countText(count)).toBe(text));

  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.00 kB"],
    [131_072, "131 kB"],
    [999_499, "999 kB"],
    [999_500, "1.00 MB"],
    [1_234_567_890, "1.23 GB"],
  ])("%i bytes", (bytes, text) => expect(bytesText(bytes)).toBe(text));

  test("percents, plurals, times", () => {
    expect([0, 0.0004, 0.0005, 0.5, 1].map(percentText)).toEqual([
      "0.0 %",
      "0.0 %",
      "0.1 %",
      "50.0 %",
      "100.0 %",
    ]);
    expect(plural(1, "reply")).toBe("1 reply");
    expect(plural(2, "reply")).toBe("2 replies");
    expect(plural(0, "gap")).toBe("0 gaps");
    expect(timeText(1_795_551_820_686_776)).toBe("2026-11-24 20:23:40.686776");
    expect(timeText(0)).toBe("1970-01-01 00:00:00.000000");
    expect(timeText(999_999)).toBe("1970-01-01 00:00:00.999999");
  });
});
