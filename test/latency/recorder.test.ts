/** Phases: what is counted, what is recorded. */
import { describe, expect, test } from "vitest";
import { Recorder } from "../../src/latency/recorder.ts";
import { BODY, CONNECT, RCPT } from "../../src/spine/phase.ts";

describe("a recorder", () => {
  test("counts what is tainted, records what is not", () => {
    const recorder = new Recorder();
    expect(recorder.reply(RCPT, 100, 150, 160, null, 250)).toBe(true);
    expect(recorder.reply(RCPT, 200, null, 200, null, 250)).toBe(true);
    expect(recorder.reply(RCPT, 300, 300, 300, "gap", 250)).toBe(false);
    expect(recorder.reply(RCPT, null, null, 5_000, "unanswered", null)).toBe(false);
    expect(recorder.reply(RCPT, null, null, 0, null, 250)).toBe(false);
    const { seen, unanswered, waitedUs, service, think } = recorder.phases[RCPT]!;
    expect({ seen, unanswered, waitedUs }).toEqual({ seen: 5, unanswered: 1, waitedUs: 5_660 });
    expect({ n: service.n, sumUs: service.sumUs }).toEqual({ n: 2, sumUs: 300 });
    expect({ n: think.n, sumUs: think.sumUs }).toEqual({ n: 1, sumUs: 150 });
  });

  test("a stage that did not end is one without an answer", () => {
    const recorder = new Recorder();
    recorder.stage(CONNECT, 50, 50);
    recorder.stage(CONNECT, null, 9_000);
    recorder.stage(BODY, 70, 0);
    expect(recorder.phases[CONNECT]).toMatchObject({ seen: 2, unanswered: 1, waitedUs: 9_050 });
    expect(recorder.phases[CONNECT]!.service.n).toBe(1);
    expect(recorder.phases[BODY]).toMatchObject({ seen: 1, unanswered: 0, waitedUs: 0 });
  });

  test("4xx and 5xx are refusals", () => {
    const recorder = new Recorder();
    for (const code of [250, 354, 399, 400, 450, 550, 599, null]) recorder.reply(RCPT, 1, 1, 1, null, code);
    expect(recorder.phases[RCPT]).toMatchObject({ seen: 8, refused: 4 });
  });

  test("parts add up to the whole", () => {
    const [a, b, whole, sum] = [new Recorder(), new Recorder(), new Recorder(), new Recorder()];
    for (let i = 0; i < 2_000; i++) {
      for (const recorder of [i % 3 === 0 ? a : b, whole]) {
        if (i % 10 === 0) recorder.stage(CONNECT, i % 50 === 0 ? null : i * 7, i);
        else
          recorder.reply(i % 18, i * 13, i * 17, i, i % 11 === 0 ? "clock" : null, i % 7 === 0 ? 450 : 250);
      }
    }
    sum.add(structuredClone(a.part()));
    sum.add(structuredClone(b.part()));
    whole.phases.forEach((phase, index) => {
      const { service, think, ...counts } = sum.phases[index]!;
      const { seen, unanswered, refused, waitedUs } = phase;
      expect(counts).toEqual({ seen, unanswered, refused, waitedUs });
      expect(service.distribution([50, 99])).toEqual(phase.service.distribution([50, 99]));
      expect(think.distribution([50, 99])).toEqual(phase.think.distribution([50, 99]));
    });
  });
});
