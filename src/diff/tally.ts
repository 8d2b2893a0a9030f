import type { ChangeView, DelayView, SegmentsView, SideName } from "../spine/diff-report.ts";
import { NO_TIME } from "../spine/wire.ts";
import { type Change, changesIn } from "./changes.ts";
import { type Clock, offsetAt } from "./clock.ts";
import { Delays } from "./delays.ts";
import { ChangeGroups } from "./groups.ts";
import type { PlaceOf } from "./places.ts";
import type { RecordedDialogue } from "./recorded.ts";
import { Segmentation } from "./segmentation.ts";
import { alignedTurns, repliesShiftedFrom, type TurnPair, withTornReplies } from "./turns.ts";

/** What became of the dialogues whose servers are on one side. */
export class Tally {
  dialogues = 0;
  unchanged = 0;
  exchanges = 0;
  doubtful = 0;
  readonly #serverSide: SideName;
  readonly #atServer: PlaceOf;
  readonly #atClient: PlaceOf;
  /** Of the server's side less the client's. */
  readonly #clock: Clock | null;
  readonly #groups: ChangeGroups;
  readonly #delays: Delays;
  readonly #segmentation = new Segmentation();

  /** @param clock of inside less outside */
  constructor(
    serverSide: SideName,
    places: Readonly<Record<SideName, PlaceOf>>,
    clock: Clock | null,
    redact: (text: string) => string,
  ) {
    this.#serverSide = serverSide;
    this.#atServer = places[serverSide];
    this.#atClient = places[serverSide === "inside" ? "outside" : "inside"];
    this.#clock = clock === null || serverSide === "inside" ? clock : turned(clock);
    this.#groups = new ChangeGroups(redact);
    this.#delays = new Delays(this.#clock);
  }

  add(inside: RecordedDialogue, outside: RecordedDialogue): void {
    const [server, client] = this.#serverSide === "inside" ? [inside, outside] : [outside, inside];
    const turns = withTornReplies(alignedTurns(server, client));
    const changes = [
      ...changesIn(server, client, turns, this.#clock),
      ...answeredOnPath(turns.slice(0, repliesShiftedFrom(turns)), this.#clock),
    ];
    const before = this.doubtful;
    for (const [s, c] of turns) {
      if (s === null || c === null) continue;
      this.exchanges++;
      if (s.hasGap || c.hasGap) this.doubtful++;
    }
    this.dialogues++;
    if (changes.length === 0 && this.doubtful === before) this.unchanged++;
    this.#groups.add(server, client, changes);
    this.#delays.add(server, client, turns);
    this.#segmentation.add(server, client, turns);
  }

  changes(): ChangeView[] {
    return this.#groups.views(this.#atClient, this.#atServer, this.#serverSide);
  }

  delays(): DelayView[] {
    return this.#delays.views(this.#atClient, this.#atServer, this.#serverSide);
  }

  /** Dialogues in which a command or a reply was held. */
  get heldDialogues(): number {
    return this.#delays.heldDialogues;
  }

  segments(): SegmentsView {
    return this.#segmentation.view(this.#atClient, this.#atServer, this.#serverSide);
  }

  get changesLeftOut(): number {
    return this.#groups.leftOut;
  }

  /** Dialogues in which any of these changes was seen. */
  dialoguesOf(changes: readonly ChangeView[]): number {
    return this.#groups.dialoguesOf(changes);
  }
}

/** The same seen from the other side: its time differs by too little to matter for a drift. */
function turned(clock: Clock): Clock {
  const { offsetUs, driftPpm, atUs } = clock;
  return { ...clock, offsetUs: -offsetUs, driftPpm: -driftPpm, atUs: atUs - offsetUs };
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
