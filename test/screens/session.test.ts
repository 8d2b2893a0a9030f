/** What keys do, without a terminal: each from the same picture. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Action, KEYS } from "../../src/screens/keys.ts";
import type { ScreenModel } from "../../src/screens/model.ts";
import { Session } from "../../src/screens/session.ts";
import type { KeptDialogue } from "../../src/spine/kept.ts";
import { SHIPPED, TOUR } from "../cli/support/captures.ts";
import { Dialogue, writePcap } from "../cli/support/pcap.ts";
import { workFolder } from "../cli/support/run.ts";
import { modelOf, TestHost } from "./support/host.ts";

const folder = workFolder();
let model: ScreenModel;
beforeAll(async () => {
  model = await modelOf(TOUR);
});

const sessionOn = (host: TestHost) => new Session(host, { palette: "default", isAscii: false });
const press = (session: Session, ...keys: string[]) => {
  for (const key of keys) session.press(key, [...key].length === 1 ? key : key === "space" ? " " : null);
};
const type = (session: Session, text: string) =>
  press(session, ...[...text].map((c) => (c === " " ? "space" : c)));
const textOf = (session: Session, width = 100, height = 30) => session.draw(width, height).lines().join("\n");

/** Seen after the key, from the list of dialogues with the second one chosen. */
const SEEN: Readonly<Record<Action, RegExp>> = {
  help: /this help/,
  open: /SYN-ACK/,
  back: /Phases/,
  filter: /^ \/ *$/m,
  nextPane: /Dialogues 32/,
  previousPane: /Dialogues 32/,
  sort: /length ▼/,
  reverse: /start ▼/,
  pause: /HELD/,
  mark: /1 marked/,
  compare: /mark two dialogues first/,
  baseline: /Baseline \(a capture/,
  capture: /Write the dialogue to: dialogue-1\.pcapng/,
  export: /Export what\?/,
  copy: /copied/,
  zoom: /Dialogues 32/,
  reset: /nothing to begin anew/,
  scale: /Dialogues 32/,
  hex: /Dialogues 32/,
  columns: /Columns \(/,
  colours: /Dialogues 32/,
  next: /Findings \d/,
  previous: /Findings \d/,
  command: /^ : *$/m,
  up: /▶ 20:23:40\.686/,
  down: /▶ 20:23:42\.181/,
  pageUp: /▶ 20:23:40\.686/,
  pageDown: /▶ 20:23:5/,
  first: /▶ 20:23:40\.686/,
  last: /▶ 20:24:1/,
  left: /▶ 20:23:40\.686/,
  right: /▶ 20:23:42\.181/,
  slower: /only a capture in files is replayed in time/,
  faster: /only a capture in files is replayed in time/,
  seekBack: /only a capture in files is replayed in time/,
  seekOn: /only a capture in files is replayed in time/,
  seekFinding: /only a capture in files is replayed in time/,
  view1: /Phases/,
  view2: /Dialogues 32/,
  view3: /SYN-ACK/,
  view4: /Findings/,
  view5: /Waiting by cause/,
  view6: /Heat map/,
  quit: /status 0/,
};
test.each(KEYS.flatMap(({ action, keys }) => keys.map((key) => [key, action] as const)))(
  "%s: %s",
  (key, action) => {
    const session = sessionOn(new TestHost(model));
    press(session, "2", "j");
    expect(textOf(session)).toMatch(/▶ 20:23:41\.381/);
    press(session, key);
    if (action === "quit") expect(session.ended).toBe(true);
    else expect(textOf(session)).toMatch(SEEN[action]);
  },
);

describe("what takes more than one key", () => {
  test("zoom shows one pane of the overview, and gives it back", () => {
    const session = sessionOn(new TestHost(model));
    const before = textOf(session);
    press(session, "z");
    expect(textOf(session)).not.toContain("Dialogues 32");
    press(session, "escape");
    expect(textOf(session)).toBe(before);
  });

  test("the histogram's scale", () => {
    const session = sessionOn(new TestHost(model));
    expect(textOf(session)).toMatch(/1\.00s │/);
    press(session, "h");
    expect(textOf(session)).toMatch(/ 0µs │█+/);
  });

  test("a histogram of two rows goes from left to right, to scale", () => {
    const text = textOf(sessionOn(new TestHost(model)), 80, 24);
    const [bars, scale] = text
      .split("\n")
      .slice(text.split("\n").findIndex((row) => row.includes("timed ──")) + 1);
    expect(scale).toMatch(/^ 14\.1ms +p50 +p90–p99 max 5\.05s$/);
    const phase = model.report.phases.find((view) => view.phase === "banner")!;
    const { minUs, maxUs, percentilesUs } = phase.service;
    const share = (us: number) => Math.log(us / minUs!) / Math.log(maxUs! / minUs!);
    expect(Math.abs(scale!.indexOf("p50") - 1 - share(percentilesUs["50"]!) * 77)).toBeLessThanOrEqual(2);
    // Nothing lies between the quick and the late ones, and the latest has the last cell.
    const from = Math.round(share(300_000) * 77) + 1;
    expect(bars!.slice(from, from + 20).trim()).toBe("");
    expect([...bars!][78]).toMatch(/[▁-█]/);
  });

  test("limits that were asked for: whether they hold, and where they lie", () => {
    const limit = (limitUs: number, verdict: "met" | "violated") => ({
      text: `banner.p95<${limitUs / 1000}ms`,
      phase: "banner" as const,
      measure: "percentile" as const,
      percentile: 95,
      operator: "<" as const,
      limit: limitUs,
      verdict,
      measured: 5_040_000,
      samples: 32,
      needed: 1,
    });
    const withLimits = (...thresholds: ReturnType<typeof limit>[]) =>
      textOf(sessionOn(new TestHost({ ...model, report: { ...model.report, thresholds } })), 110, 60);
    const violated = withLimits(limit(500_000, "violated"), limit(9_000_000, "met"));
    expect(violated).toContain("  slo X banner.p95<500ms  ");
    expect(violated).toMatch(/ 316ms │ +slo 500ms$/m);
    expect(violated).toMatch(/ 3\.16s │.*slo 9\.00s p90–p99 max$/m);
    expect(withLimits(limit(9_000_000, "met"))).toContain("  slo met  ");
    expect(withLimits()).not.toMatch(/\bslo\b/);
  });

  test("hex is the line's bytes", () => {
    const session = sessionOn(new TestHost(model));
    press(session, "2", "j", "enter", "j", "j", "x");
    expect(textOf(session)).toContain(
      "0000  32 32 30 20 6d 61 69 6c 2e 65 78 61 6d 70 6c 65  220 mail.example",
    );
  });

  test("hex shows the bytes that came: escapes, and line ends that are not CRLF", async () => {
    const capture = writePcap(
      join(folder, "bytes.pcap"),
      new Dialogue()
        .handshake()
        .server("220 mx\\x41\r\n")
        .client("EHLO a\n")
        .server(Buffer.from("250 caf\xe9 \x1b\r\n", "latin1"))
        .client("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n")
        .server("235 ok\r\n")
        .close(),
    );
    const session = sessionOn(new TestHost(await modelOf(capture)));
    press(session, "3", "x", "j", "j");
    expect(textOf(session)).toContain("0000  32 32 30 20 6d 78 5c 78 34 31 0d 0a ");
    press(session, "j");
    expect(textOf(session)).toContain("0000  45 48 4c 4f 20 61 0a ");
    press(session, "j");
    expect(textOf(session)).toContain("0000  32 35 30 20 63 61 66 e9 20 1b 0d 0a ");
    press(session, "j");
    expect(textOf(session)).toMatch(/AUTH PLAIN.*\n +its bytes were not kept/);
    expect(textOf(session)).not.toMatch(/AGFs|c2VjcmV0|secret/);
  });

  test("columns that are named are shown, others not", () => {
    const session = sessionOn(new TestHost(model));
    press(session, "2", "t");
    type(session, "client nonsense");
    press(session, "enter");
    expect(textOf(session)).toMatch(/\^.*there are start client|there are start client/);
    press(session, "C-u");
    type(session, "client stream ended");
    press(session, "enter");
    expect(textOf(session)).toMatch(/^ +client +end +stream$/m);
  });

  test("two marked dialogues side by side", () => {
    const session = sessionOn(new TestHost(model));
    press(session, "2", "space", "space", "d");
    const text = textOf(session, 120, 60);
    expect(text).toMatch(/A 20:23:40\.686/);
    expect(text).toMatch(/B 20:23:41\.381/);
    expect(text).toMatch(/\(connect\) → 220 +33\.5ms +5\.04s +\+5\.01s!/);
    expect(text).toMatch(/A EHLO out1\.example\.org\n +\^+\n +B EHLO mta1\.branch\.example\.org\n +\^+/);
  });

  test("a phase opens its dialogues, the slowest first", () => {
    const session = sessionOn(new TestHost(model));
    press(session, "enter");
    const text = textOf(session);
    expect(text).toContain("/ phase==banner");
    expect(text).toMatch(/slowest ▼/);
  });

  test("a held picture stays, and says what it misses", () => {
    const host = new TestHost({ ...model, progress: { kind: "live" } });
    const session = sessionOn(host);
    press(session, "p");
    const held = textOf(session);
    host.model = { ...model, kept: { dialogues: [], open: 0, waiting: [], condensed: 0, forgotten: 0 } };
    host.changes += 12;
    session.refresh();
    const [head, ...rest] = textOf(session).split("\n");
    expect(head).toMatch(/HELD \+12$/);
    expect(rest).toEqual(held.split("\n").slice(1));
    press(session, "p");
    expect(textOf(session)).toContain("Dialogues 0");
  });

  test("who waits now comes first, then the newest, and the head says so at any width", () => {
    const start = Math.max(...model.kept.dialogues.map(({ startAtUs }) => startAtUs!));
    const waits = (id: number, waitedUs: number): KeptDialogue => ({
      ...model.kept.dialogues[0]!,
      id,
      client: `203.0.113.${id % 200}:4000`,
      startAtUs: start + id,
      ended: null,
      slowest: null,
      exchanges: [],
      exchangeCount: 0,
      pending: { what: "banner", sinceUs: start, waitedUs },
    });
    // One under way, as there always is: no news.
    const waiting = [waits(1_001, 61_000_000), waits(1_002, 3_000_000), waits(1_003, 200_000)];
    const kept = {
      ...model.kept,
      open: 3,
      waiting,
      dialogues: [...model.kept.dialogues, ...waiting.toReversed()],
    };
    const session = sessionOn(new TestHost({ ...model, progress: { kind: "live" }, kept }));
    press(session, "2");
    const rows = textOf(session, 120).split("\n");
    expect(rows[1]).toContain("2 waiting, 61.0s for the banner");
    expect(rows[2]).toContain("Dialogues 35 · 2 waiting, 61.0s for the banner");
    expect(rows[4]).toMatch(/^▶ .*203\.0\.113\.1 .*waits banner 61\.0s/);
    expect(rows[5]).toMatch(/203\.0\.113\.2 .*waits banner 3\.00s/);
    expect(rows[6]).toMatch(/203\.0\.113\.3 .*waits banner 200ms/);
    expect(rows[7]).toMatch(/20:24:15\.282/);
    expect(textOf(session, 80, 24).split("\n")[0]).toMatch(/ 35 dialogues \(3 open\) {2}2 waiting /);
    expect(textOf(session, 38, 5)).toContain("2 waiting");
    press(session, "/");
    type(session, "phase==banner && dur>1s && client in 203.0.113.0/24");
    press(session, "enter");
    expect(textOf(session)).toContain("Dialogues 2 of 35 · 2 waiting, 61.0s · /");
    press(session, "3");
    expect(textOf(session)).toMatch(/61\.0s! {2}· {2}waits for the banner, for 61\.0s now/);
  });

  test("the newest is followed until another is chosen", () => {
    const few = (count: number): ScreenModel => ({
      ...model,
      kept: { ...model.kept, dialogues: model.kept.dialogues.slice(0, count) },
    });
    const host = new TestHost(few(10));
    const session = sessionOn(host);
    press(session, "2", "G");
    host.model = few(20);
    host.changes++;
    session.refresh();
    expect(session.state.dialogue).toBe(model.kept.dialogues[19]!.id);
    press(session, "k");
    host.model = few(30);
    host.changes++;
    session.refresh();
    expect(session.state.dialogue).toBe(model.kept.dialogues[18]!.id);
  });
});

test.each(SHIPPED)(
  "%s: every view at every size, nothing that is no number, nothing clipped",
  async (path) => {
    const session = sessionOn(new TestHost(await modelOf(path)));
    for (const view of ["1", "2", "3", "4", "5", "6", "b"]) {
      press(session, "escape", "escape", view);
      for (const [width, height] of [
        [1, 1],
        [39, 9],
        [40, 10],
        [60, 15],
        [79, 50],
        [80, 24],
        [100, 30],
        [120, 40],
        [160, 50],
        [300, 90],
      ] as const) {
        const lines = session.draw(width, height).lines();
        expect(lines.length).toBe(height);
        expect(lines.join("\n")).not.toMatch(/NaN|undefined|Infinity|\[object/);
      }
    }
  },
);
