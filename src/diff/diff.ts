import type { DiffReport, DiffSide, SegmentsView, SideName, UnmatchedView } from "../spine/diff-report.ts";
import type { FileFrames } from "../spine/files.ts";
import { type Clock, offsetAt } from "./clock.ts";
import { diffFindings } from "./findings.ts";
import { type Matching, match } from "./match.ts";
import { near } from "./near.ts";
import { type PlaceOf, placesIn } from "./places.ts";
import type { RecordedDialogue } from "./recorded.ts";
import { Tally } from "./tally.ts";

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
  const places = { inside: placesIn(inside.frames), outside: placesIn(outside.frames) };
  const tallies = {
    inside: new Tally("inside", places, matching.clock, options.redact),
    outside: new Tally("outside", places, matching.clock, options.redact),
  };
  const by = { sequence: 0, timestamps: 0, contents: 0, time: 0 };
  for (const each of matching.matches) {
    by[each.by]++;
    // Who is nearer to the client is not nearer to the server.
    tallies[matching.orientation.nearer(each.a, each.b) === "b" ? "inside" : "outside"].add(each.a, each.b);
  }
  const both = [tallies.inside, tallies.outside].filter(({ dialogues }) => dialogues > 0);
  const sum = (pick: (tally: Tally) => number) => both.reduce((total, tally) => total + pick(tally), 0);
  const changes = both.flatMap((tally) => tally.changes());
  const delays = both.flatMap((tally) => tally.delays());
  const segments = both.map((tally) => tally.segments()).reduce(addSegments, NO_SEGMENTS);
  const dialogues = matching.matches.length;
  return {
    kind: "diff",
    schema: 1,
    tool: { name: "smtpscope", version: options.version },
    inside: sideView(inside, outside, matching, "inside", places.inside),
    outside: sideView(outside, inside, matching, "outside", places.outside),
    servers: { inside: tallies.inside.dialogues, outside: tallies.outside.dialogues },
    clock: clockView(matching.clock),
    matched: {
      dialogues,
      by,
      unchanged: sum((tally) => tally.unchanged),
      exchanges: sum((tally) => tally.exchanges),
      doubtful: sum((tally) => tally.doubtful),
    },
    changes,
    changesLeftOut: sum((tally) => tally.changesLeftOut),
    delays,
    segments,
    findings: diffFindings(
      { changes, delays, segments },
      {
        all: dialogues,
        held: sum((tally) => tally.heldDialogues),
        changed: (views) => sum((tally) => tally.dialoguesOf(views)),
      },
    ),
  };
}

const NO_SEGMENTS: SegmentsView = { compared: 0, resplit: 0, dialogues: 0, example: null };

function addSegments(a: SegmentsView, b: SegmentsView): SegmentsView {
  return {
    compared: a.compared + b.compared,
    resplit: a.resplit + b.resplit,
    dialogues: a.dialogues + b.dialogues,
    example: a.example ?? b.example,
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
    return isA ? at - offsetAt(clock, at) : at + offsetAt(clock, at + clock.offsetUs);
  };
  const alone = isA ? matching.onlyA : matching.onlyB;
  const [first, last] = [other.firstAtUs ?? 0, other.lastAtUs ?? 0];
  const isSeen = (d: RecordedDialogue) =>
    here(d.startAt) >= first - EDGE_US && here(d.startAt) <= last + EDGE_US;
  const mayBeOther = unfinishedAmong(isA ? matching.onlyB : matching.onlyA);
  const seen = alone.filter(isSeen);
  const unsure = seen.filter((d) => mayBeOther(d, here(d.startAt)));
  const missing = seen.filter((d) => !mayBeOther(d, here(d.startAt)));
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
    outsideWindow: alone.length - seen.length,
    ambiguous: view([...(isA ? matching.ambiguousA : matching.ambiguousB), ...unsure]),
  };
}

/**
 * Where a capture ended before much was said, nothing tells whether a dialogue is one that the other side has.
 * @returns whether a dialogue, which began at this time of the other side's, may be one of these
 */
function unfinishedAmong(
  others: readonly RecordedDialogue[],
): (dialogue: RecordedDialogue, at: number) => boolean {
  const all = others.toSorted((a, b) => a.startAt - b.startAt);
  const unfinished = all.filter(({ isOpen }) => isOpen);
  return ({ isOpen }, at) => !near(isOpen ? all : unfinished, at, EDGE_US, 1).next().done;
}
