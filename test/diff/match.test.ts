import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { estimateClock } from "../../src/diff/clock.ts";
import { diffCaptures } from "../../src/diff/diff.ts";
import type { DiffReport } from "../../src/spine/diff-report.ts";
import { EPOCH_US, scrambled } from "../support/raw-ip.ts";
import { captured, diffOver, mail, OPTIONS, type Path, PLAIN, type Session, travel } from "./path.ts";

/** A number in [0, below) that looks like chance and is the same every time. */
function chance(seed: number, below: number): number {
  return scrambled(seed) % below;
}

/** Senders with the same HELO, sender, recipient and message, all within a few seconds. */
function identical(count: number, rhythm: "own" | "same", seed = 0): Session[] {
  return Array.from({ length: count }, (_, i) => ({
    startUs: EPOCH_US + chance(seed + i * 7, 5_000_000),
    client: "198.51.100.7",
    clientPort: 20_000 + i,
    said: mail(
      rhythm === "same"
        ? {}
        : {
            serverUs: (n) => 500 + chance(seed + i * 100 + n, 40_000),
            clientUs: (n) => 100 + chance(seed + i * 100 + 50 + n, 5_000),
          },
    ),
  }));
}

/** No pair is of two sessions: its replies would take longer, or its stamps be further apart, than the path allows. */
function isNothingWrong(report: DiffReport): void {
  expect(report.changes).toEqual([]);
  expect(report.matched.unchanged).toBe(report.matched.dialogues);
  for (const { added, command, reply } of report.delays) {
    expect(added.minUs).toBeGreaterThanOrEqual(0);
    expect(added.maxUs).toBeLessThan(2 * MOST_ON_THE_WAY_US);
    for (const way of [command, reply]) {
      if (way === null) continue;
      expect(way.minUs).toBeGreaterThanOrEqual(-way.uncertaintyUs);
      expect(way.maxUs).toBeLessThan(MOST_ON_THE_WAY_US + way.uncertaintyUs);
    }
  }
}

const MOST_ON_THE_WAY_US = 100;

const missing5: Pick<Path, "missingInside" | "missingOutside"> = {
  missingInside: (i) => chance(i * 3 + 1, 20) === 0,
  missingOutside: (i) => chance(i * 3 + 2, 20) === 0,
};
const both = (i: number) => !missing5.missingInside(i) && !missing5.missingOutside(i);
const count = (n: number, is: (i: number) => boolean) =>
  Array.from({ length: n }, (_, i) => i).filter(is).length;

test("200 through a proxy that takes its time, with nothing to tell them by but when they spoke", () => {
  const delayUs = (n: number) => 300 + chance(n, 4_000);
  const path = { ...missing5, delayUs, offsetUs: 21_000_000, nat: "203.0.113.1", newSequences: true };
  const { changes, matched, delays, inside, clock } = diffOver(identical(200, "own"), path);
  expect(changes).toEqual([]);
  expect(matched.dialogues + inside.ambiguous.dialogues + inside.only.dialogues).toBe(inside.dialogues);
  expect(matched.dialogues).toBeGreaterThan(150);
  expect(Math.abs(clock!.offsetUs - 21_000_000)).toBeLessThanOrEqual(clock!.uncertaintyUs);
  // Of two sessions the times between what was said would differ by up to 45 ms.
  for (const { added } of delays) {
    expect(added.minUs).toBeGreaterThanOrEqual(600);
    expect(added.maxUs).toBeLessThan(2 * 4_300);
  }
});

describe("500 senders that say the same at the same time, clocks half a minute apart, 5 % missing on either side", () => {
  const N = 500;
  const here = count(N, both);
  const jitter = { delayUs: (n: number) => 30 + chance(n, 60) };

  test.each([-30_000_000, 2_500_031])("by sequence numbers, %i µs", (offsetUs) => {
    const report = diffOver(identical(N, "own"), { ...missing5, ...jitter, offsetUs, nat: "203.0.113.1" });
    isNothingWrong(report);
    expect(report.matched).toMatchObject({ dialogues: here, by: { sequence: here } });
    expect(Math.abs(report.clock!.offsetUs - offsetUs)).toBeLessThanOrEqual(report.clock!.uncertaintyUs);
    expect(report.clock!.uncertaintyUs).toBeLessThan(100);
    expect(report.inside.only.dialogues).toBe(count(N, (i) => !missing5.missingInside(i)) - here);
    expect(report.outside.only.dialogues).toBe(count(N, (i) => !missing5.missingOutside(i)) - here);
  });

  test.each([29_999_999])("by their rhythm alone, %i µs", (offsetUs) => {
    const path = { ...missing5, ...jitter, offsetUs, nat: "203.0.113.1", newSequences: true };
    const report = diffOver(identical(N, "own"), path);
    isNothingWrong(report);
    expect(report.matched.by).toEqual({ sequence: 0, timestamps: 0, contents: 0, time: here });
    expect(Math.abs(report.clock!.offsetUs - offsetUs)).toBeLessThanOrEqual(report.clock!.uncertaintyUs);
    expect(report.inside.ambiguous.dialogues).toBe(0);
  });

  test("by their starts alone: what is too close together is said to be ambiguous, and never guessed", () => {
    const sessions = identical(N, "same");
    const path = { ...missing5, ...jitter, offsetUs: -12_345_678, nat: "203.0.113.1", newSequences: true };
    const report = diffOver(sessions, path);
    isNothingWrong(report);
    const { matched, inside, outside } = report;
    expect(matched.dialogues + inside.ambiguous.dialogues + inside.only.dialogues).toBe(inside.dialogues);
    expect(matched.dialogues).toBeGreaterThan(here * 0.7);
    expect(outside.ambiguous.dialogues).toBeGreaterThan(0);
    expect(report.clock!.offsetUs).toBeCloseTo(-12_345_678, -3);
  });

  test("by queue ids in the replies, where neither numbers nor times tell", () => {
    const sessions = identical(N, "same").map((session, i) => ({
      ...session,
      startUs: EPOCH_US + Math.floor(i / 10) * 100_000,
      said: mail({ queueId: `4F${i.toString(16).padStart(4, "0")}`.toUpperCase() }),
    }));
    const report = diffOver(sessions, {
      ...missing5,
      offsetUs: 30_000_000,
      nat: "203.0.113.1",
      newSequences: true,
    });
    isNothingWrong(report);
    expect(report.matched).toMatchObject({ dialogues: here, by: { sequence: 0 } });
  });
});

test("with nothing that tells, nothing is matched", () => {
  // Every 100 ms one like the other: any multiple of 100 ms could be the offset.
  const sessions = identical(100, "same").map((session, i) => ({
    ...session,
    startUs: EPOCH_US + i * 100_000,
  }));
  const report = diffOver(sessions, {
    ...missing5,
    offsetUs: 1_234_567,
    nat: "203.0.113.1",
    newSequences: true,
  });
  expect(report.matched.dialogues).toBe(0);
});

test("two captures that have nothing to do with each other have no dialogue in common", () => {
  const one = identical(3, "own", 1);
  const other = identical(3, "own", 1_000).map((session) => ({
    ...session,
    startUs: session.startUs + 1_000_000,
  }));
  const path = {
    newSequences: true,
    missingInside: (i: number) => i >= 3,
    missingOutside: (i: number) => i < 3,
  };
  expect(diffOver([...one, ...other], path).matched.dialogues).toBe(0);
});

test("clocks that run apart", () => {
  // 100 ppm over ten minutes are 60 ms: each session is shifted by its own time.
  const sessions = identical(300, "own").map((session, i) => ({
    ...session,
    startUs: EPOCH_US + i * 2_000_000,
  }));
  const report = diffOver(sessions, {
    ...missing5,
    offsetUs: (atUs) => 5_000_000 + (atUs - EPOCH_US) * 100e-6,
  });
  isNothingWrong(report);
  const { clock } = report;
  expect(clock!.driftPpm).toBeGreaterThan(99);
  expect(clock!.driftPpm).toBeLessThan(101);
  expect(clock!.uncertaintyUs).toBeLessThan(500);
  expect(clock!.offsetUs).toBeGreaterThan(5_000_000);
  expect(clock!.offsetUs).toBeLessThan(5_060_000);
});

test("whichever capture is named first, the server's side is found", () => {
  const { inside, outside } = travel(identical(5, "own"), { ...PLAIN, offsetUs: 3_000_000 });
  const [a, b] = [captured(inside, "inside"), captured(outside, "outside")];
  const there = diffCaptures(a, b, OPTIONS);
  const back = diffCaptures(b, a, OPTIONS);
  expect([there.servers, there.clock!.offsetUs]).toEqual([{ inside: 5, outside: 0 }, 3_000_000]);
  expect([back.servers, back.clock!.offsetUs]).toEqual([{ inside: 0, outside: 5 }, -3_000_000]);
  expect(back.delays.map((each) => each.added)).toEqual(there.delays.map((each) => each.added));
  expect(back.delays.map((each) => each.reply)).toEqual(there.delays.map((each) => each.reply));
});

test.each([false, true])(
  "mail in and out through the same firewall, new sequence numbers: %s",
  (newSequences) => {
    const path = { ...PLAIN, newSequences, delayUs: () => 200 };
    const there = travel(identical(40, "own"), { ...path, offsetUs: 3_000_000 });
    // The other way round: what is inside for these clients is outside of the firewall.
    const rewrite: Path["rewrite"] = (text) => text.replace("ESMTP Postfix", "*************");
    const out = { client: "192.0.2.99", server: "198.51.100.200" };
    const sessions = identical(30, "own", 77_777).map((each, i) => ({ ...each, ...out, number: 1_000 + i }));
    const back = travel(sessions, { ...path, offsetUs: 0, rewrite });
    const shifted = back.inside.map(({ atUs, bytes }) => ({ atUs: atUs + 3_000_000, bytes }));
    const report = diffCaptures(
      captured(byTime([...there.inside, ...back.outside]), "inside"),
      captured(byTime([...there.outside, ...shifted]), "outside"),
      OPTIONS,
    );
    expect(report.servers).toEqual({ inside: 40, outside: 30 });
    expect(report.changes).toMatchObject([
      { serverSide: "outside", phase: "banner", kinds: ["masked"], times: 30 },
    ]);
    expect(report.changes[0]!.variants[0]!.before).toContain("Postfix");
    expect(report.matched).toMatchObject({ dialogues: 70, unchanged: 40 });
    expect(report.clock).toMatchObject({ offsetUs: 3_000_000, agreeing: 70 });
    for (const { added, reply } of report.delays) {
      expect([added.minUs, added.maxUs]).toEqual([400, 400]);
      expect(reply === null || Math.abs(reply.p50Us - 200) <= reply.uncertaintyUs).toBe(true);
    }
  },
);

function byTime<T extends { atUs: number }>(packets: T[]): T[] {
  return packets.sort((a, b) => a.atUs - b.atUs);
}

test("any offset, translation and loss: pairs are right, and the clocks are within their bounds", () => {
  const setting = fc.record({
    count: fc.integer({ min: 2, max: 40 }),
    offsetUs: fc.integer({ min: -30_000_000, max: 30_000_000 }),
    nat: fc.constantFrom(null, "203.0.113.1"),
    newSequences: fc.boolean(),
    seed: fc.nat(1_000_000),
    missing: fc.tuple(fc.nat(39), fc.nat(39)),
  });
  fc.assert(
    fc.property(setting, ({ count: n, seed, missing: [a, b], ...path }) => {
      const sessions = identical(n, "own", seed);
      const named = sessions.map((session, i) => ({
        ...session,
        said: session.said.map((said) => ({
          ...said,
          text: said.text.replace("bob@", `bob${seed % 2 ? i : ""}@`),
        })),
      }));
      const report = diffOver(named, {
        ...path,
        missingInside: (i) => i === a && n > 3,
        missingOutside: (i) => i === b && n > 3,
      });
      isNothingWrong(report);
      if (report.clock === null) return;
      expect(Math.abs(report.clock.offsetUs - path.offsetUs)).toBeLessThanOrEqual(report.clock.uncertaintyUs);
    }),
    { numRuns: 60 },
  );
});

describe("both captures stop while a dialogue has only begun", () => {
  const sessions: Session[] = [0, 1, 2, 3].map((i) => ({
    startUs: EPOCH_US + i * 1_000_000,
    client: "198.51.100.7",
    clientPort: 20_000 + i,
    said: mail(),
  }));
  const path = { ...PLAIN, nat: "203.0.113.9", newSequences: true };
  const { outside } = travel(sessions, path);
  // A proxy that ends connections turns to the server when it likes.
  const turned = sessions.map((each, i) => (i === 3 ? { ...each, startUs: each.startUs + 5_000 } : each));
  const { inside } = travel(turned, path);
  /** The last dialogue's packets begin behind three seconds. */
  const cut = (packets: typeof inside, more: number) => {
    const from = packets.findIndex(({ atUs }) => atUs >= EPOCH_US + 2_900_000);
    return packets.slice(0, from + more);
  };

  test("it is not said that the other side never saw it", () => {
    const report = diffCaptures(captured(cut(inside, 10), "a"), captured(cut(outside, 3), "b"), OPTIONS);
    expect(report.matched.dialogues).toBe(3);
    for (const side of [report.inside, report.outside])
      expect([side.only.dialogues, side.ambiguous.dialogues]).toEqual([0, 1]);
  });

  test("but where the other side has nothing that could be it, it is", () => {
    const other = travel(sessions.slice(0, 3), path).inside;
    const report = diffCaptures(captured(other, "a"), captured(cut(outside, 3), "b"), OPTIONS);
    expect([report.outside.only.dialogues + report.outside.outsideWindow]).toEqual([1]);
    expect(report.outside.ambiguous.dialogues).toBe(0);
  });
});

test("clocks that run apart: what one side alone saw at the end of a long capture is not from after the other's", () => {
  const HOURS_US = 6 * 3_600e6;
  const sessions = identical(30, "own").map((session, i) => ({
    ...session,
    startUs: EPOCH_US + (i < 29 ? Math.round((i * HOURS_US) / 28) : HOURS_US + 100_000),
  }));
  for (const ppm of [400, -400]) {
    const offsetUs = (atUs: number) => ((atUs - EPOCH_US) * ppm) / 1e6;
    const { outside } = diffOver(sessions, { offsetUs, missingInside: (i) => i === 28 });
    expect([outside.only.dialogues, outside.outsideWindow]).toEqual([1, 0]);
  }
});

test("the clocks of more dialogues than a call takes arguments", () => {
  const intervals = Array.from({ length: 200_000 }, (_, i) => ({ low: 90, high: 110, atUs: i * 1_000 }));
  expect(estimateClock(intervals)).toMatchObject({ offsetUs: 100, agreeing: 200_000, driftPpm: 0 });
});
