import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_TIME } from "../../src/spine/wire.ts";
import { comparable, play, type Run, resplit, type Script, START_US, type Step } from "./playbook.ts";
import { type Pair, pairsOf, unionUs } from "./reference.ts";
import { tameScript, wildScript } from "./sessions.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 400);

const cuts = fc.oneof(
  fc.constant(() => true),
  fc.integer({ min: 1, max: 50 }).map((every) => (_: number, at: number) => at % every === 0),
  fc.func(fc.boolean()).map((f) => (step: number, at: number) => f(step, at)),
);

function bytesOfSide(script: Script, side: string): Buffer {
  return Buffer.concat(
    script.steps.flatMap((step) => (step.kind === "bytes" && step.from === side ? [step.bytes] : [])),
  );
}

function accountSum(run: Run): number {
  return Object.values(run.conversation!.accountUs).reduce((sum, part) => sum + part, 0);
}

describe("re-splitting of chunks changes nothing", () => {
  for (const [name, scripts] of [
    ["sessions that behave", tameScript],
    ["anything", wildScript],
  ] as const) {
    test(name, () => {
      fc.assert(
        fc.property(scripts, cuts, fc.boolean(), (script, cut, copiesPossible) => {
          const pieces = resplit(script, cut);
          for (const side of ["client", "server"]) {
            expect(bytesOfSide(pieces, side).equals(bytesOfSide(script, side))).toBe(true);
          }
          expect(comparable(play(pieces, { copiesPossible }))).toEqual(
            comparable(play(script, { copiesPossible })),
          );
        }),
        { numRuns: RUNS },
      );
    });
  }

  test("long messages, around the places where something changes", () => {
    const lengths = fc.oneof(
      fc.integer({ min: 65_400, max: 65_700 }),
      fc.integer({ min: 131_000, max: 131_200 }),
      fc.integer({ min: 60_000, max: 300_000 }),
    );
    const loose = fc.constantFrom("\n.\n", "\n.\r\n", "\r\n.\n", "\r\n.\r\n", "x");
    fc.assert(
      fc.property(
        lengths,
        fc.array(fc.tuple(fc.nat(10_000), loose), { maxLength: 4 }),
        loose,
        fc.boolean(),
        fc.integer({ min: 1, max: 5_000 }),
        (lengthBytes, inserts, end, early, every) => {
          let body = "x".repeat(lengthBytes);
          for (const [back, text] of inserts) {
            const at = Math.max(0, body.length - back);
            body = body.slice(0, at) + text + body.slice(at);
          }
          const texts: [Step & { kind: "bytes" }, string][] = [];
          const say = (from: "client" | "server", text: string) =>
            texts.push([
              {
                kind: "bytes",
                from,
                atUs: START_US + 100 * texts.length,
                frame: 10 + texts.length,
                bytes: new Uint8Array(),
              },
              text,
            ]);
          say("server", "220 mx ESMTP\r\n");
          say("client", "DATA\r\n");
          if (!early) say("server", "354 go\r\n");
          for (const [packet] of `${body}${end}`.matchAll(/[\s\S]{1,16384}/g)) say("client", packet);
          if (early) say("server", "354 go\r\n");
          say("server", "250 queued\r\n");
          say("client", "QUIT\r\n");
          say("server", "221 bye\r\n");
          const script: Script = {
            facts: {
              port: 25,
              synAtUs: START_US,
              synFrame: 1,
              synCount: 1,
              synAckAtUs: START_US,
              synAckFrame: 2,
              handshakeAtUs: START_US,
              handshakeFrame: 3,
              refused: false,
              oneWay: false,
            },
            steps: texts.map(([step, text]) => ({ ...step, bytes: Buffer.from(text) })),
          };
          const whole = comparable(play(script));
          expect(comparable(play(resplit(script, (_, at) => at % every === 0)))).toEqual(whole);
        },
      ),
      { numRuns: 60 },
    );
  });
});

test("sessions that behave: the same pairs as the simple way finds", () => {
  fc.assert(
    fc.property(tameScript, fc.boolean(), (script, copiesPossible) => {
      const run = play(script, { copiesPossible });
      const got = run.exchanges.map(
        (e): Pair => ({
          verb: e.verb === "(unknown)" ? "QUFBQUFB" : e.verb,
          code: e.code,
          thinkUs: e.thinkUs,
          serviceUs: e.serviceUs,
          waitedUs: e.waitedUs,
          pipelinedBehind: e.pipelinedBehind,
          askedFrames: e.askedFrames,
          answeredFrames: e.answeredFrames,
        }),
      );
      expect(got).toEqual(pairsOf(script));
      expect(run.exchanges.every((e) => e.taint === null)).toBe(true);
    }),
    { numRuns: RUNS },
  );
});

test("sessions that behave: waiting time is the union of what was pending", () => {
  fc.assert(
    fc.property(tameScript, (script) => {
      const run = play(script);
      const intervals = run.exchanges.map((e) => [e.askedLastAtUs!, e.answeredLastAtUs!] as const);
      const waited = run.exchanges.reduce((sum, e) => sum + e.waitedUs, 0);
      expect(waited).toBe(unionUs(intervals));
      // The account adds up, and knows the same waiting time: what was pending is the server's or the path's.
      expect(accountSum(run)).toBe(run.conversation!.lengthUs);
      const { connectUs, serverUs, pathUs, unknownUs } = run.conversation!.accountUs;
      expect(connectUs).toBe(10);
      expect(serverUs! + pathUs! - 10).toBe(waited);
      expect(unknownUs).toBe(0);
    }),
    { numRuns: RUNS },
  );
});

describe("anything at all", () => {
  test("never throws; ordinals are unique, the account adds up, numbers are what they say", () => {
    fc.assert(
      fc.property(wildScript, fc.boolean(), (script, copiesPossible) => {
        const run = play(script, { copiesPossible });
        expect(run.others + run.undecided + (run.conversation === undefined ? 0 : 1)).toBe(1);
        if (run.conversation === undefined) {
          expect(run.exchanges).toEqual([]);
          return;
        }
        const ordinals = run.exchanges.map((e) => e.ordinal).sort((a, b) => a - b);
        expect(new Set(ordinals).size).toBe(ordinals.length);
        for (const part of Object.values(run.conversation.accountUs)) expect(part).toBeGreaterThanOrEqual(0);
        if (run.conversation.lengthUs !== null) expect(accountSum(run)).toBe(run.conversation.lengthUs);
        for (const e of run.exchanges) checkExchange(e);
      }),
      { numRuns: RUNS },
    );
  });

  test("waiting time is never more than the dialogue's length", () => {
    fc.assert(
      fc.property(wildScript, (script) => {
        const timed = script.steps.flatMap((step) =>
          "atUs" in step && step.kind !== "tick" ? [step.atUs] : [],
        );
        fc.pre(timed.every((atUs, i) => atUs !== NO_TIME && (i === 0 || atUs >= timed[i - 1]!)));
        const run = play(script);
        fc.pre(run.conversation !== undefined && run.conversation.lengthUs !== null);
        const waited = run.exchanges.reduce((sum, e) => sum + e.waitedUs, 0);
        expect(waited).toBeLessThanOrEqual(run.conversation!.lengthUs!);
      }),
      { numRuns: RUNS },
    );
  });

  test("cut anywhere, it ends well", () => {
    fc.assert(
      fc.property(wildScript, fc.nat(60), (script, keep) => {
        const run = play({ facts: script.facts, steps: script.steps.slice(0, keep) });
        expect(run.others + run.undecided + (run.conversation === undefined ? 0 : 1)).toBe(1);
      }),
      { numRuns: RUNS },
    );
  });
});

function checkExchange(e: Run["exchanges"][number]): void {
  const known = e.thinkUs !== null;
  if (known) {
    expect(e.thinkUs).toBe(e.answeredFirstAtUs! - e.askedLastAtUs!);
    expect(e.thinkUs).toBeGreaterThanOrEqual(0);
    expect(e.serviceUs).toBeGreaterThanOrEqual(0);
    expect(e.serviceUs).toBeLessThanOrEqual(e.thinkUs!);
  } else expect(e.serviceUs).toBeNull();
  expect(e.waitedUs).toBeGreaterThanOrEqual(0);
  if (e.taint === "early" || e.taint === "clock" || e.taint === "unanswered") expect(known).toBe(false);
  if (e.taint === "unanswered") expect([e.code, e.answeredFirstAtUs]).toEqual([null, null]);
  if (e.verb === "(unsolicited)") expect([e.askedFirstAtUs, e.askedLastAtUs]).toEqual([null, null]);
  if (e.command === null) expect(e.verb).toMatch(/^\(/);
  expect(e.pipelinedBehind).toBeGreaterThanOrEqual(0);
}

describe("bounds", () => {
  /** Bytes that the process holds on to while something runs that could make it hoard. */
  function grownMb(steps: (emit: (from: "client" | "server", text: string) => void) => void): number {
    const before = process.memoryUsage();
    const script: Step[] = [];
    let frame = 10;
    steps((from, text) => {
      script.push({
        kind: "bytes",
        from,
        atUs: START_US + frame,
        frame: frame++,
        bytes: Buffer.from(text, "latin1"),
      });
    });
    let most = 0;
    let count = 0;
    play(
      { facts: parseFacts(), steps: script },
      {
        how: "drop",
        watch: () => {
          if (++count % 500 !== 0) return;
          const now = process.memoryUsage();
          most = Math.max(most, now.heapUsed + now.arrayBuffers - before.heapUsed - before.arrayBuffers);
        },
      },
    );
    return most / (1 << 20);
  }
  const parseFacts = () => ({
    port: 25,
    synAtUs: START_US,
    synFrame: 1,
    synCount: 1,
    synAckAtUs: START_US,
    synAckFrame: 2,
    handshakeAtUs: START_US,
    handshakeFrame: 3,
    refused: false,
    oneWay: false,
  });
  const block = "y".repeat(60_000);

  test.each<[string, (emit: (from: "client" | "server", text: string) => void) => void]>([
    [
      "commands without end, no reply",
      (emit) => {
        for (let i = 0; i < 2_000; i++) emit("client", "NOOP\r\n".repeat(100));
      },
    ],
    [
      "a line without end",
      (emit) => {
        for (let i = 0; i < 2_000; i++) emit("client", block);
      },
    ],
    [
      "a reply without end",
      (emit) => {
        for (let i = 0; i < 2_000; i++) emit("server", `250-${block}\r\n`);
      },
    ],
    [
      "a reply line without end",
      (emit) => {
        emit("server", "250 ");
        for (let i = 0; i < 2_000; i++) emit("server", block);
      },
    ],
    [
      "bytes behind an unanswered DATA",
      (emit) => {
        emit("server", "220 x\r\n");
        emit("client", "DATA\r\n");
        for (let i = 0; i < 2_000; i++) emit("client", block);
      },
    ],
    [
      "bytes behind an unanswered AUTH",
      (emit) => {
        emit("server", "220 x\r\n");
        emit("client", "AUTH LOGIN\r\n");
        for (let i = 0; i < 2_000; i++) emit("client", `${block}\r\n`);
      },
    ],
    [
      "bytes behind an unanswered STARTTLS",
      (emit) => {
        emit("server", "220 x\r\n");
        emit("client", "STARTTLS\r\n");
        for (let i = 0; i < 2_000; i++) emit("client", `${block}\r\n`);
      },
    ],
    [
      "a message with dots between bare line feeds",
      (emit) => {
        emit("server", "220 x\r\n");
        emit("client", "DATA\r\n");
        emit("server", "354 x\r\n");
        for (let i = 0; i < 2_000; i++) emit("client", `x\n.\n${block}`);
      },
    ],
    [
      "a PROXY header without end",
      (emit) => {
        emit("client", "PROXY ");
        for (let i = 0; i < 2_000; i++) emit("client", block);
      },
    ],
    [
      "an HTTP CONNECT without end",
      (emit) => {
        emit("client", "CONNECT ");
        for (let i = 0; i < 300; i++) emit("client", block);
        for (let i = 0; i < 300; i++) emit("server", block);
      },
    ],
    [
      "replies without commands",
      (emit) => {
        for (let i = 0; i < 2_000; i++) emit("server", "250 ok\r\n".repeat(100));
      },
    ],
    [
      "a ClientHello without end",
      (emit) => {
        emit("client", "\x16\x03\x01\x40\x00\x01\xff\xff\xff");
        for (let i = 0; i < 2_000; i++) emit("client", `\x16\x03\x01\x00\x05hello`);
      },
    ],
  ])("%s", (_, steps) => {
    const started = performance.now();
    // The playbook itself holds what was said; twice that is not hoarding.
    expect(grownMb(steps)).toBeLessThan(260);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
