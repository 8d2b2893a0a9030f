/** A capture replayed in time: the clock, and that pacing changes nothing but when. */
import { expect, test } from "vitest";
import { MAIL_PORTS } from "../../src/capture/stream/streams.ts";
import { Reading, type ReadRequest } from "../../src/cli/reading.ts";
import { CaptureClock } from "../../src/cli/replay-clock.ts";
import { assemble } from "../../src/cli/report.ts";
import { SHIPPED, TOUR } from "./support/captures.ts";

const SECOND = 1_000_000;

function clockAt(speed: "1x" | "10x" | "max") {
  const time = { ms: 5_000, rewinds: 0 };
  const clock = new CaptureClock(
    speed,
    () => time.rewinds++,
    () => time.ms,
  );
  return { clock, time };
}

test("it goes as fast as it is told to, from where it is", () => {
  const { clock, time } = clockAt("1x");
  expect(clock.atUs).toBeNull();
  expect(clock.nowUs()).toBe(Number.POSITIVE_INFINITY);
  clock.know(100 * SECOND, 200 * SECOND, []);
  time.ms += 3_000;
  expect(clock.atUs).toBe(103 * SECOND);
  clock.setSpeed("10x");
  time.ms += 1_000;
  expect(clock.atUs).toBe(113 * SECOND);
  clock.hold(true);
  time.ms += 60_000;
  expect(clock.atUs).toBe(113 * SECOND);
  clock.hold(false);
  time.ms += 1_000;
  expect(clock.atUs).toBe(123 * SECOND);
  time.ms += 60_000;
  expect(clock.atUs).toBe(200 * SECOND);
});

test("going back begins anew, going on does not; full speed stays where it was set", () => {
  const { clock, time } = clockAt("max");
  clock.know(100 * SECOND, 200 * SECOND, []);
  expect(clock.atUs).toBe(200 * SECOND);
  clock.seek(150 * SECOND);
  expect([clock.atUs, clock.speed, time.rewinds]).toEqual([150 * SECOND, "1x", 1]);
  clock.seek(170 * SECOND);
  expect([clock.atUs, time.rewinds]).toEqual([170 * SECOND, 1]);
});

test("whoever waits for an instant is woken when time jumps", async () => {
  const { clock } = clockAt("1x");
  clock.know(100 * SECOND, 200 * SECOND, []);
  let woken = false;
  const waiting = clock.until(199 * SECOND).then(() => {
    woken = true;
  });
  expect(woken).toBe(false);
  clock.seek(199 * SECOND);
  await waiting;
  expect(clock.nowUs()).toBeGreaterThanOrEqual(199 * SECOND);
});

const REQUEST: ReadRequest = {
  ports: MAIL_PORTS,
  percentiles: [50, 99],
  top: 10,
  by: "client",
  redact: false,
  thresholds: [],
  failOn: { slo: false, severity: null },
  asItGoes: "nothing",
  filter: null,
  sinceAtUs: null,
  untilAtUs: null,
  references: [],
};

/** @param stepMs how far our time goes at each look: the capture's at ten times that */
async function reportOf(path: string, stepMs: number | null) {
  let ms = 0;
  const clock = new CaptureClock(
    "10x",
    () => {},
    () => ms,
  );
  const seen: number[] = [];
  const schedule = {
    nowUs: () => clock.nowUs(),
    until: async () => {
      ms += stepMs!;
    },
  };
  const reading = new Reading(REQUEST, {
    signal: new AbortController().signal,
    onProgress: () => {},
    write: () => {},
    watch: {
      onExchange: ({ exchange }) => {
        const lastUs = exchange.answeredLastAtUs ?? exchange.askedLastAtUs;
        // Nothing is seen before its time.
        if (stepMs !== null && lastUs !== null) expect(lastUs).toBeLessThanOrEqual(clock.nowUs());
        seen.push(clock.nowUs());
      },
      onConversation: () => {},
    },
    ...(stepMs === null ? {} : { schedule }),
  });
  if (stepMs !== null) {
    const plain = await reportOf(path, null);
    clock.know(plain.report.window.firstAtUs!, plain.report.window.lastAtUs!, []);
  }
  await reading.group([path]);
  return { report: assemble([await reading.finish(reading.servers)], REQUEST, [path]), seen };
}

test.each(SHIPPED)("%s: replayed in time it comes to the same report", async (path) => {
  const plain = await reportOf(path, null);
  for (const stepMs of [1, 370]) expect((await reportOf(path, stepMs)).report).toEqual(plain.report);
});

test("it is seen bit by bit", async () => {
  const { seen } = await reportOf(TOUR, 50);
  expect(new Set(seen).size).toBeGreaterThan(20);
});
