/**
 * Every capture there is, cut at random places and with random bytes changed: nothing is thrown but the
 * operator's errors, nothing hangs, memory stays, and what was said before a cut is said all the same.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Capture } from "../../src/capture/capture.ts";
import { Dialogues } from "../../src/dialogue/dialogues.ts";
import type { Conversation } from "../../src/spine/conversation.ts";
import { SmtpscopeError } from "../../src/spine/errors.ts";
import type { Exchange } from "../../src/spine/exchange.ts";
import { Collector, PORTS } from "../support/collect.ts";
import { heapBytes } from "./stream/heap.ts";
import { Chance } from "./stream/random-mix.ts";
import { inFolder } from "./stream/tshark.ts";

const VARIANTS = 30;
/** Generous: the largest file takes a twentieth of it. */
const MAX_MS = 5_000;

const FOLDERS = ["../../captures/", "../../../shared/captures/"].map(
  (path) => new URL(path, import.meta.url).pathname,
);
const FILES = FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => /\.(pcap|pcapng|cap|trace|gz|snoop)$/.test(name))
    .map((name) => join(folder, name)),
);

interface Log {
  /** What was said, and how many frames had been read by then. */
  entries: { said: string; frames: number }[];
  frames: number;
  error: unknown;
}

async function read(path: string): Promise<Log> {
  const log: Log = { entries: [], frames: 0, error: null };
  class Logging extends Collector {
    override exchange(e: Exchange, conversation: Conversation): void {
      super.exchange(e, conversation);
      log.entries.push({ said: JSON.stringify(this.exchanges.pop()), frames: capture.counts.frames });
    }
    override conversation(c: Conversation): void {
      super.conversation(c);
      log.entries.push({ said: JSON.stringify(this.conversations.pop()), frames: capture.counts.frames });
    }
  }
  const capture = new Capture(new Dialogues(new Logging(), { ports: PORTS, copiesPossible: true }), PORTS);
  const started = performance.now();
  try {
    await capture.readFile(path, {});
    log.frames = capture.counts.frames;
    capture.end();
  } catch (error) {
    log.error = error;
    log.frames = capture.counts.frames;
  }
  expect(performance.now() - started).toBeLessThan(MAX_MS);
  if (log.error !== null && !(log.error instanceof SmtpscopeError)) throw log.error;
  return log;
}

const seedOf = (path: string): number =>
  [...path.slice(path.lastIndexOf("/"))].reduce((sum, c) => Math.imul(sum, 31) + c.charCodeAt(0), 7);

describe.each(FILES.map((path) => [path.slice(path.lastIndexOf("/") + 1), path] as const))(
  "%s",
  (_, path) => {
    const content = readFileSync(path);

    test("cut at random places: what had settled before the cut is the same, in the same order", () =>
      inFolder(async (folder) => {
        const chance = new Chance(seedOf(path));
        const whole = await read(path);
        for (let n = 0; n < VARIANTS; n++) {
          const length = n === 0 ? 0 : n === 1 ? content.length - 1 : chance.below(content.length);
          const cut = join(folder, "cut");
          writeFileSync(cut, content.subarray(0, length));
          const part = await read(cut);
          // Packets are looked at one by one, so what was said by the last of them cannot depend on later ones.
          const before = whole.entries.filter(({ frames }) => frames <= part.frames && frames < whole.frames);
          expect(part.frames).toBeLessThanOrEqual(whole.frames);
          expect(part.entries.slice(0, before.length)).toEqual(before);
        }
      }));

    test("with random bytes changed", () =>
      inFolder(async (folder) => {
        const chance = new Chance(seedOf(path) + 1);
        const changed = join(folder, "changed");
        for (let n = 0; n < VARIANTS; n++) {
          const bytes = Buffer.from(content);
          // Few, so that most of the file still makes sense; or many; or a run of them.
          const changes = chance.of([1, 3, 20, 200]);
          const run = chance.of([1, 1, 4, 40]);
          for (let i = 0; i < changes && bytes.length > 0; i++) {
            const at = chance.below(bytes.length);
            for (let j = at; j < Math.min(at + run, bytes.length); j++)
              bytes[j] = chance.of([0, 255, chance.below(256)]);
          }
          writeFileSync(changed, bytes);
          await read(changed);
        }
      }));
  },
);

test("memory stays: the same damaged files again and again", { timeout: 60_000 }, () =>
  inFolder(async (folder) => {
    const path = FILES.find((file) => file.endsWith("lossy.pcap"))!;
    const content = readFileSync(path);
    const chance = new Chance(99);
    const changed = join(folder, "changed");
    const round = async () => {
      for (let n = 0; n < 40; n++) {
        const bytes = Buffer.from(content);
        for (let i = 0; i < 40; i++) bytes[chance.below(bytes.length)] = chance.below(256);
        writeFileSync(changed, bytes);
        await read(changed);
      }
    };
    const settled = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return heapBytes();
    };
    await round();
    const before = await settled();
    await round();
    expect((await settled()) - before).toBeLessThan(8 << 20);
  }),
);
