import fc from "fast-check";
import { expect, it } from "vitest";
import { InterfaceClock } from "../../../src/capture/file/pcapng-clock.ts";
import { NO_TIME } from "../../../src/spine/wire.ts";

/** The definition, in exact arithmetic. */
function naive(resolution: number, offsetSeconds: bigint, ticks: bigint): number {
  const exponent = BigInt(resolution & 0x7f);
  const perSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
  const us = (ticks * 1_000_000n) / perSecond + offsetSeconds * 1_000_000n;
  return us >= 0n && us <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(us) : NO_TIME;
}

function check(resolution: number, offsetSeconds: bigint, ticks: bigint): void {
  const clock = new InterfaceClock(resolution, offsetSeconds);
  const atUs = clock.atUs(Number(ticks >> 32n), Number(ticks & 0xffff_ffffn));
  expect(atUs, `resolution ${resolution}, offset ${offsetSeconds}, ticks ${ticks}`).toBe(
    naive(resolution, offsetSeconds, ticks),
  );
}

const anyTicks = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const anyOffset = fc.oneof(
  fc.constant(0n),
  fc.bigInt({ min: -4_000_000_000n, max: 4_000_000_000n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);

it("is exact at every resolution", () => {
  fc.assert(fc.property(fc.nat(255), anyOffset, anyTicks, check), { numRuns: 2000 });
});

it("is exact for µs and ns around the present and at word edges", () => {
  const seconds = fc.bigInt({ min: 0n, max: 9_000_000_000n });
  const fraction = fc.bigInt({ min: 0n, max: 999_999_999n });
  fc.assert(
    fc.property(seconds, fraction, fc.constantFrom(3, 6, 7, 9, 12), (second, nano, resolution) => {
      const ticks = (second * 10n ** BigInt(resolution) + nano) % 2n ** 64n;
      check(resolution, 0n, ticks);
      check(resolution, 0n, ticks | 0xffff_ffffn);
      check(resolution, 0n, (ticks >> 32n) << 32n);
    }),
    { numRuns: 2000 },
  );
});

it("knows which clocks are finer than a µs", () => {
  const finer = [0, 3, 6, 7, 9, 0x80 | 19, 0x80 | 20].map((each) => new InterfaceClock(each, 0n).nanoseconds);
  expect(finer).toEqual([false, false, false, true, true, false, true]);
});
