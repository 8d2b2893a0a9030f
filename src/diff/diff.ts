import type { DiffReport, DiffSide, SideName, UnmatchedView } from "../spine/diff-report.ts";
import type { FileFrames } from "../spine/files.ts";
import { NO_TIME } from "../spine/wire.ts";
import { type Change, changesIn } from "./changes.ts";
import { type Clock, offsetAt } from "./clock.ts";
import { Delays } from "./delays.ts";
import { diffFindings } from "./findings.ts";
import { ChangeGroups } from "./groups.ts";
import { type Matching, match } from "./match.ts";
import { type PlaceOf, placesIn } from "./places.ts";
import type { RecordedDialogue } from "./recorded.ts";
import { Segmentation } from "./segmentation.ts";
import { alignedTurns, type TurnPair } from "./turns.ts";

/** Two captures of the same path, compared. */

export interface CapturedSide {
  readonly dialogues: readonly RecordedDialogue[];
  readonly leftOut: number;
  readonly frames: FileFrames;
  readonly files: DiffSide["files"];
  readonly packets: number;
  readonly firstAtUs: number | null;
  readonly lastAtUs: number | null;
}

export interface DiffOptions {
  readonly version: string;
  /** Applied to text from the wire before it is shown. */
  readonly redact: (text: string) => string;
}

export function diffCaptures(inside: CapturedSide, outside: CapturedSide, options: DiffOptions): DiffReport {
  const matching = match(inside.dialogues, outside.dialogues);
  const clientIsOutside = matching.nearer === "b";
  const [placeInside, placeOutside] = [placesIn(inside.frames), placesIn(outside.frames)];
  const [atClient, atServer] = clientIsOutside ? [placeOutside, placeInside] : [placeInside, placeOutside];
  const clock = serverLessClient(matching.clock);
  const groups = new ChangeGroups(options.redact);
  const delays = new Delays(clock);
  const segmentation = new Segmentation();
  let unchanged = 0;
  let exchanges = 0;
  let doubtful = 0;
  for (const { a, b } of matching.matches) {
    const [server, client] = clientIsOutside ? [a, b] : [b, a];
    const turns = alignedTurns(server, client);
    const changes = [...changesIn(server, client, turns, clock), ...answeredOnPath(turns, clock)];
    const before = doubtful;
    for (const [s, c] of turns) {
      if (s === null || c === null) continue;
      exchanges++;
      if (s.hasGap || c.hasGap) doubtful++;
    }
    if (changes.length === 0 && doubtful === before) unchanged++;
    groups.add(server, client, changes);
    delays.add(server, client, turns);
    segmentation.add(server, client, turns);
  }
  const by = { sequence: 0, timestamps: 0, contents: 0, time: 0 };
  for (const each of matching.matches) by[each.by]++;
  const views = {
    changes: groups.views(atClient, atServer, clientIsOutside),
    delays: delays.views(atClient, atServer, clientIsOutside),
    segments: segmentation.view(atClient, atServer, clientIsOutside),
  };
  const serverSide: SideName = clientIsOutside ? "inside" : "outside";
  return {
    kind: "diff",
    schema: 1,
    tool: { name: "smtpscope", version: options.version },
    inside: sideView(inside, outside, matching, "inside", placeInside),
    outside: sideView(outside, inside, matching, "outside", placeOutside),
    serverSide,
    clock: clockView(matching.clock),
    matched: { dialogues: matching.matches.length, by, unchanged, exchanges, doubtful },
    ...views,
    findings: diffFindings(
      views,
      (changes) => groups.dialoguesOf(changes),
      matching.matches.length,
      serverSide,
    ),
  };
}

/** The matching's clock says inside less outside. */
function serverLessClient(clock: Clock | null): Clock | null {
  if (clock === null || clock.nearer === "b") return clock;
  // By the client's clock then, which differs by too little to matter for a drift.
  return {
    ...clock,
    offsetUs: -clock.offsetUs,
    driftPpm: -clock.driftPpm,
    atUs: clock.atUs - clock.offsetUs,
  };
}

function clockView(clock: Clock | null): DiffReport["clock"] {
  if (clock === null) return null;
  const { offsetUs, uncertaintyUs, driftPpm, agreeing, asked } = clock;
  return {
    offsetUs: -Math.round(offsetUs) + 0,
    uncertaintyUs: Math.ceil(uncertaintyUs),
    driftPpm: Math.round(driftPpm * -10) / 10 + 0,
    agreeing,
    asked,
  };
}

/** A reply that the client had before the server gave it can only come from somebody in between. */
const SURELY_EARLIER_US = 1_000;

function answeredOnPath(turns: readonly TurnPair[], clock: Clock | null): Change[] {
  if (clock === null) return [];
  return turns.flatMap(([s, c]): Change[] => {
    if (s === null || c === null || s.hasGap || c.hasGap || s.phase === "encrypted") return [];
    if (s.answeredFirst === NO_TIME || c.answeredFirst === NO_TIME) return [];
    const given = s.answeredFirst - offsetAt(clock, s.answeredFirst);
    if (c.answeredFirst > given - clock.uncertaintyUs - SURELY_EARLIER_US) return [];
    const { phase, verb } = c;
    const texts = { before: s.reply, after: c.reply, keyword: null };
    return [
      { part: "reply", phase, verb, kinds: ["answered-on-path"], ...texts, onServerSide: s, onClientSide: c },
    ];
  });
}

// ---- What was not found

/** Shown of them. */
const MAX_FIRST = 5;
/** A capture's first and last packets may be this far from when it was switched on and off. */
const EDGE_US = 1e6;

function sideView(
  side: CapturedSide,
  other: CapturedSide,
  matching: Matching,
  name: SideName,
  placeOf: PlaceOf,
): DiffSide {
  const isA = name === "inside";
  const { clock } = matching;
  const here = (at: number) => {
    if (clock === null) return at;
    return isA ? at - offsetAt(clock, at) : at + clock.offsetUs;
  };
  const alone = isA ? matching.onlyA : matching.onlyB;
  const [first, last] = [other.firstAtUs ?? 0, other.lastAtUs ?? 0];
  const isSeen = (d: RecordedDialogue) =>
    here(d.startAt) >= first - EDGE_US && here(d.startAt) <= last + EDGE_US;
  const missing = alone.filter(isSeen);
  const view = (dialogues: readonly RecordedDialogue[]): UnmatchedView => ({
    dialogues: dialogues.length,
    first: dialogues.slice(0, MAX_FIRST).map((dialogue) => placeOf(dialogue, 0)),
  });
  return {
    files: side.files,
    firstAtUs: side.firstAtUs,
    lastAtUs: side.lastAtUs,
    packets: side.packets,
    dialogues: side.dialogues.length,
    leftOut: side.leftOut,
    only: view(missing),
    outsideWindow: alone.length - missing.length,
    ambiguous: view(isA ? matching.ambiguousA : matching.ambiguousB),
  };
}
