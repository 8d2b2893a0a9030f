import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_TIME, type Side } from "../../src/spine/wire.ts";
import { resplit, type Script, type Step, tell } from "../dialogue/playbook.ts";
import { HANDSHAKE, tameScript, wildScript } from "../dialogue/sessions.ts";
import { comparable, inFolder, type Recorded, record, replay } from "./support.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 300);

async function recordScript(folder: string, script: Script): Promise<Recorded> {
  return record(folder, (sink) => tell(script, sink));
}

/** What a relay can say: no copies, time that goes on, an end that is one. */
function relayed({ facts, steps }: Script): Script {
  let atUs = 0;
  const ends: Step[] = [];
  const rest: Step[] = [];
  const missed = new Set<Side>();
  for (const step of steps) {
    if (step.kind === "copy") continue;
    atUs = Math.max(atUs, step.atUs, HANDSHAKE.handshakeAtUs!);
    // What is missed is told with the next that is not.
    if (step.kind === "gap" && missed.has(step.from)) continue;
    if (step.kind === "gap") missed.add(step.from);
    if (step.kind === "bytes") missed.delete(step.from);
    if (step.kind !== "end") rest.push({ ...step, atUs });
    else if (!ends.some((other) => other.kind === "end" && (other.how === "rst" || other.from === step.from)))
      ends.push(step);
  }
  return {
    facts: { ...HANDSHAKE, port: facts.port },
    steps: [...rest, ...ends.map((step) => ({ ...step, atUs: atUs + 1 }) as Step)],
  };
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
      { numRuns: RUNS },
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
          const { collector } = await replay(files);
          const hasGap = script.steps.some(({ kind }) => kind === "gap");
          expect(exchangesOf(collector)).toEqual(exchangesOf(live));
          if (!hasGap) expect(comparable(collector)).toEqual(comparable(live));
        });
      }),
      { numRuns: RUNS },
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
      { numRuns: RUNS },
    );
  });
});

function exchangesOf(collector: Recorded["live"]): unknown {
  return (comparable(collector) as { exchanges: unknown }).exchanges;
}
