/** The keeper of dialogues: what it keeps, what it condenses, and that what it hands out never changes. */
import { expect, test } from "vitest";
import { Analysis } from "../../src/analysis/analysis.ts";
import { DialogueKeeper } from "../../src/analysis/dialogue-keeper.ts";
import { Capture } from "../../src/capture/capture.ts";
import { MAIL_PORTS } from "../../src/capture/stream/streams.ts";
import { Dialogues } from "../../src/dialogue/dialogues.ts";
import type { Taint } from "../../src/spine/exchange.ts";
import type { KeptDialogues } from "../../src/spine/kept.ts";
import type { Settled } from "../../src/spine/settled.ts";
import { SHIPPED, TOUR } from "../cli/support/captures.ts";
import { replay } from "../cli/support/run.ts";

async function kept(
  path: string,
  bounds: { maxDialogues?: number; maxDetailBytes?: number } = {},
  meanwhile: (keeper: DialogueKeeper) => void = () => {},
  before: (settled: Settled) => void = () => {},
): Promise<KeptDialogues> {
  const keeper = new DialogueKeeper({ redact: null, ...bounds });
  const analysis = new Analysis(
    {
      percentiles: [50],
      top: 10,
      by: null,
      accepts: null,
      acceptsStage: () => true,
      redact: (text) => text,
      onExchange: (settled) => {
        before(settled);
        keeper.exchange(settled);
        meanwhile(keeper);
      },
      onConversation: (conversation, frames) => keeper.conversation(conversation, frames),
    },
    () => capture.frames,
  );
  const ports = new Set(MAIL_PORTS);
  const capture: Capture = new Capture(new Dialogues(analysis, { ports, copiesPossible: true }), ports);
  await capture.readFile(path, {});
  capture.end();
  analysis.resolveSilent((server) => analysis.silent.servers.has(server));
  return keeper.snapshot();
}

interface Line {
  readonly kind: string;
  readonly [name: string]: unknown;
}

test.each(SHIPPED)("%s: the same as replay writes as NDJSON", async (path) => {
  const lines = (await replay(path, "-o", "ndjson")).stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const { dialogues, condensed, forgotten } = await kept(path);
  expect({ condensed, forgotten }).toEqual({ condensed: 0, forgotten: 0 });
  const said = lines.filter(({ kind }) => kind === "exchange");
  const mine = dialogues.flatMap(({ exchanges, client, server }) =>
    exchanges!.map((exchange) => ({ ...exchange, client, server })),
  );
  const facts = [
    "tcpStream",
    "client",
    "server",
    "phase",
    "verb",
    "command",
    "code",
    "lines",
    "askedFirstAtUs",
    "answeredLastAtUs",
    "serviceUs",
    "thinkUs",
    "answeredFrames",
    "retransmits",
    "taint",
  ] as const;
  const pick = (from: Record<string, unknown>) => JSON.stringify(facts.map((name) => from[name]));
  expect(mine.map((exchange) => pick({ ...exchange })).sort()).toEqual(said.map(pick).sort());
  const ends = lines.filter(({ kind }) => kind === "conversation");
  expect(
    dialogues
      .map(({ tcpStream, ended, messages, flags }) => JSON.stringify([tcpStream, ended, messages, flags]))
      .sort(),
  ).toEqual(
    ends
      .map(({ tcpStream, ended, messages, flags }) => JSON.stringify([tcpStream, ended, messages, flags]))
      .sort(),
  );
});

test("a reply that nobody can time is not the slowest", async () => {
  const whole = (await kept(TOUR)).dialogues;
  const uncertain = await kept(TOUR, {}, undefined, ({ exchange }) => {
    if (exchange.phase === "banner") (exchange as { taint: Taint | null }).taint = "gap";
  });
  expect(whole.some(({ slowest }) => slowest?.phase === "banner")).toBe(true);
  uncertain.dialogues.forEach(({ slowest, exchanges }, i) => {
    const others = exchanges!.filter(({ phase }) => phase !== "banner").map(({ waitedUs }) => waitedUs);
    expect(slowest?.waitedUs ?? null, `dialogue ${i}`).toBe(others.length === 0 ? null : Math.max(...others));
    expect(slowest?.phase).not.toBe("banner");
  });
});

test("without room the ordinary ones are condensed first, each keeping its slowest reply", async () => {
  const all = (await kept(TOUR)).dialogues;
  const some = await kept(TOUR, { maxDetailBytes: 30_000 });
  expect(some.condensed).toBeGreaterThan(0);
  expect(some.condensed).toBe(some.dialogues.filter(({ exchanges }) => exchanges === null).length);
  expect(some.dialogues.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  some.dialogues.forEach(({ exchanges, ...rest }, i) => {
    const { exchanges: whole, ...other } = all[i]!;
    expect(rest).toEqual(other);
    if (exchanges !== null) expect(exchanges).toEqual(whole);
  });
  const bytes = some.dialogues.reduce(
    (sum, { exchanges }) => sum + JSON.stringify(exchanges ?? "").length,
    0,
  );
  expect(bytes).toBeLessThan(60_000);
  // As long as one that is not remarkable has its lines, no remarkable one has lost them.
  const lost = some.dialogues.filter(({ exchanges }) => exchanges === null);
  const isRemarkable = ({ waitedUs, flags }: (typeof all)[number]) =>
    waitedUs >= 1_000_000 || flags.length > 0;
  const ordinaryLeft = some.dialogues.some(
    (dialogue) => !isRemarkable(dialogue) && dialogue.exchanges !== null,
  );
  if (ordinaryLeft) expect(lost.filter(isRemarkable)).toEqual([]);
});

test("beyond the bound the oldest are only counted", async () => {
  const all = (await kept(TOUR)).dialogues;
  const { dialogues, forgotten } = await kept(TOUR, { maxDialogues: 5 });
  expect(dialogues.length).toBe(5);
  expect(forgotten).toBe(all.length - 5);
});

test("a snapshot stays as it was", async () => {
  const taken: { snapshot: KeptDialogues; text: string }[] = [];
  await kept(TOUR, { maxDetailBytes: 20_000, maxDialogues: 10 }, (keeper) => {
    const snapshot = keeper.snapshot();
    taken.push({ snapshot, text: JSON.stringify(snapshot) });
  });
  expect(taken.length).toBeGreaterThan(100);
  for (const { snapshot, text } of taken) expect(JSON.stringify(snapshot)).toBe(text);
});
