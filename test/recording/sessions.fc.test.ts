import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_TIME, type Side, type SourceSink } from "../../src/spine/wire.ts";
import { resplit, type Script, type Step, tell, tellStepwise } from "../dialogue/playbook.ts";
import { HANDSHAKE, tameScript, wildScript } from "../dialogue/sessions.ts";
import { comparable, inFolder, type Recorded, record, replay, replayInOrder } from "./support.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 150);

/** The same ones each time, unless more are asked for. */
const SEED = process.env.FUZZ_RUNS === undefined ? { seed: 25 } : {};

async function recordScript(folder: string, script: Script): Promise<Recorded> {
  return record(folder, (sink) => tell(script, sink));
}

/** What a relay can say: no copies, time that goes on, at most one end of each side, nothing of it behind that. */
function relayed({ facts, steps }: Script): Script {
  let atUs = HANDSHAKE.handshakeAtUs!;
  const said: Step[] = [];
  const missed = new Set<Side>();
  const reset = new Set<Side>();
  for (const step of steps) {
    if (step.kind === "copy") continue;
    atUs = Math.max(atUs, step.atUs);
    if (step.kind === "end") {
      // A reset ends a connection at once, but what the other side had sent may still be read.
      if (step.how !== "rst" || reset.size > 0) continue;
      reset.add(step.from);
    } else if (step.kind !== "tick") {
      if (reset.has(step.from)) continue;
      // What is missed is told with the next that is not.
      if (step.kind === "gap" && (missed.has(step.from) || reset.size > 0)) continue;
      if (step.kind === "gap") missed.add(step.from);
      else missed.delete(step.from);
    }
    said.push({ ...step, atUs });
  }
  if (reset.size === 0)
    for (const from of ["client", "server"] as const)
      said.push({ kind: "end", from, atUs: atUs + 1, how: "fin" });
  return { facts: { ...HANDSHAKE, port: facts.port }, steps: said };
}

describe("a recording replays to the run it was made of", () => {
  test("sessions that behave, however they are split", async () => {
    await fc.assert(
      fc.asyncProperty(tameScript, fc.integer({ min: 1, max: 200 }), async (script, every) => {
        const { live, files } = await inFolder(async (folder) => {
          const recorded = await recordScript(
            folder,
            resplit(script, (_, at) => at % every === 0),
          );
          return { ...recorded, files: comparable((await replay(recorded.files)).collector) };
        });
        expect(files).toEqual(comparable(live));
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  test("anything a relay can say", async () => {
    await fc.assert(
      fc.asyncProperty(wildScript, async (wild) => {
        const script = relayed(wild);
        fc.pre(script.steps.some((step) => step.kind === "bytes"));
        await inFolder(async (folder) => {
          const { live, files, recording } = await recordScript(folder, script);
          expect(recording.counts.faults).toBe(0);
          // Of what is not SMTP a recording keeps codes only: what SOCKS said in front of it is not read alike.
          if (live.others > 0 && script.steps.some(beginsSocks)) return;
          const { collector } = await replay(files);
          // Whose time passes around a gap, or when a reset overtakes what was sent before it, only a run knows.
          const hasGap = script.steps.some(({ kind }) => kind === "gap");
          const reset = script.steps.findIndex((step) => step.kind === "end" && step.how === "rst");
          const overtakes = reset >= 0 && script.steps.slice(reset).some(({ kind }) => kind === "bytes");
          expect(exchangesOf(collector)).toEqual(exchangesOf(live));
          if (!hasGap && !overtakes) expect(comparable(collector)).toEqual(comparable(live));
        });
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  test("several at once, of which some begin to speak late, in several files", async () => {
    const sessions = fc.array(
      fc.tuple(fc.oneof(tameScript, wildScript.map(relayed).map(withoutGaps)), fc.nat(6_000_000)),
      {
        minLength: 2,
        maxLength: 6,
      },
    );
    const rotation = fc.record({
      sizeBytes: fc.option(fc.integer({ min: 1_000, max: 20_000 })),
      ageUs: fc.option(fc.integer({ min: 1_000, max: 5_000_000 })),
    });
    await fc.assert(
      fc.asyncProperty(sessions, rotation, async (several, rotate) => {
        const scripts = several
          .map(([script, laterUs]) => later(script, laterUs))
          .filter(({ steps }) => steps.some(({ kind }) => kind === "bytes"));
        fc.pre(scripts.length > 1);
        await inFolder(async (folder) => {
          const { live, files, recording } = await record(folder, (sink) => tellAll(scripts, sink), rotate);
          expect(recording.counts.faults).toBe(0);
          // Files of a few packets in one µs are no ring to anybody who has only their times.
          const { collector } = await replayInOrder(files);
          expect(exchangesOf(collector)).toEqual(exchangesOf(live));
        });
      }),
      { numRuns: RUNS / 2, ...SEED },
    );
  });

  test("whatever comes, nothing is thrown", async () => {
    await fc.assert(
      fc.asyncProperty(wildScript, async (script) => {
        await inFolder(async (folder) => {
          const { recording, files } = await recordScript(folder, script);
          expect(recording.counts.faults).toBe(0);
          if (script.steps.some((step) => "atUs" in step && step.atUs !== NO_TIME)) await replay(files);
        });
      }),
      { numRuns: RUNS, ...SEED },
    );
  });
});

function beginsSocks(step: Step): boolean {
  return step.kind === "bytes" && step.from === "client" && (step.bytes[0] === 4 || step.bytes[0] === 5);
}

/** When a gap is given up depends on what else happens. */
function withoutGaps({ facts, steps }: Script): Script {
  return { facts, steps: steps.filter(({ kind }) => kind !== "gap") };
}

function later({ facts, steps }: Script, us: number): Script {
  const shifted = { ...facts };
  for (const name of ["synAtUs", "synAckAtUs", "handshakeAtUs"] as const)
    shifted[name] = facts[name] === null ? null : facts[name] + us;
  return {
    facts: shifted,
    steps: steps.map((step) => (step.kind === "copy" ? step : { ...step, atUs: step.atUs + us })),
  };
}

/** Says all scripts at once, in order of time: each is heard of with its first step. */
function tellAll(scripts: readonly Script[], sink: SourceSink): void {
  const telling = scripts.map((script, i) => {
    const server = `192.0.2.25:${script.facts.port}`;
    const steps = tellStepwise(script, sink, { client: `192.0.2.${i + 1}:40000`, server });
    return { steps, next: steps.next() };
  });
  for (;;) {
    const open = telling.filter(({ next }) => !next.done);
    if (open.length === 0) return;
    const time = ({ next }: (typeof telling)[number]) => (next.done ? 0 : (next.value.nextAtUs ?? 0));
    const first = open.reduce((a, b) => (time(b) < time(a) ? b : a));
    first.next = first.steps.next();
  }
}

function exchangesOf(collector: Recorded["live"]): unknown {
  return (comparable(collector) as { exchanges: unknown }).exchanges;
}
