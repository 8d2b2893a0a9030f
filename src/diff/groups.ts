import { showDifference, shownBytes } from "../rewriting/compare/show.ts";
import type { ChangeVariant, ChangeView, Place, SideName } from "../spine/diff-report.ts";
import type { Unkept } from "../spine/exchange.ts";
import { countText } from "../spine/format.ts";
import type { Change } from "./changes.ts";
import type { PlaceOf } from "./places.ts";
import type { RecordedDialogue, RecordedTurn } from "./recorded.ts";

/** Adds up changes of the same kind at the same place of a dialogue; each remembers the commonest texts. */

/** Kinds of change at places of the dialogue: a device has a handful. */
const MAX_GROUPS = 1_024;
/** Texts of one that are told apart, and those that are shown. */
const MAX_VARIANTS = 256;
const MAX_SHOWN = 4;

interface Variant {
  readonly change: Change;
  readonly server: RecordedDialogue;
  readonly client: RecordedDialogue;
  times: number;
}

interface Group {
  readonly change: Change;
  readonly dialogues: Set<RecordedDialogue>;
  times: number;
  readonly variants: Map<string, Variant>;
}

export class ChangeGroups {
  /** Changes for which there was no room. */
  leftOut = 0;
  readonly #groups = new Map<string, Group>();
  readonly #viewed = new Map<ChangeView, Group>();
  readonly #redact: (text: string) => string;

  /** @param redact applied to text from the wire before it is shown */
  constructor(redact: (text: string) => string) {
    this.#redact = redact;
  }

  add(server: RecordedDialogue, client: RecordedDialogue, changes: readonly Change[]): void {
    for (const change of changes) {
      const { part, phase, verb, kinds, keyword } = change;
      const key = [part, phase, verb, kinds.join("+"), keyword ?? ""].join(" ");
      let group = this.#groups.get(key);
      if (group === undefined) {
        if (this.#groups.size >= MAX_GROUPS) {
          this.leftOut++;
          continue;
        }
        group = { change, dialogues: new Set(), times: 0, variants: new Map() };
        this.#groups.set(key, group);
      }
      group.times++;
      group.dialogues.add(server);
      const text = JSON.stringify([change.before, change.after]);
      const variant = group.variants.get(text);
      if (variant !== undefined) variant.times++;
      else if (group.variants.size < MAX_VARIANTS)
        group.variants.set(text, { change, server, client, times: 1 });
    }
  }

  views(placeAtClient: PlaceOf, placeAtServer: PlaceOf, serverSide: SideName): ChangeView[] {
    return [...this.#groups.values()]
      .sort((a, b) => b.dialogues.size - a.dialogues.size || b.times - a.times)
      .map((group) => {
        const { change, dialogues, times, variants } = group;
        const { part, phase, verb, kinds, keyword } = change;
        const shown = [...variants.values()].sort((a, b) => b.times - a.times).slice(0, MAX_SHOWN);
        const view: ChangeView = {
          serverSide,
          part,
          phase,
          verb,
          kinds,
          keyword: keyword === null ? null : shownBytes(this.#redact(keyword)),
          dialogues: dialogues.size,
          times,
          variants: shown.map((each) => this.#shown(each, placeAtClient, placeAtServer, serverSide)),
        };
        this.#viewed.set(view, group);
        return view;
      });
  }

  /** Dialogues in which any of these was seen. */
  dialoguesOf(views: readonly ChangeView[]): number {
    const all = views.map((view) => this.#viewed.get(view)?.dialogues ?? new Set<RecordedDialogue>());
    if (all.length === 1) return all[0]!.size;
    return new Set(all.flatMap((dialogues) => [...dialogues])).size;
  }

  #shown(
    variant: Variant,
    placeAtClient: PlaceOf,
    placeAtServer: PlaceOf,
    serverSide: SideName,
  ): ChangeVariant {
    const { change, server, client, times } = variant;
    const { onServerSide, onClientSide } = change;
    const atServer = place(placeAtServer, server, onServerSide, change);
    const atClient = place(placeAtClient, client, onClientSide, change);
    const places = {
      times,
      inside: serverSide === "inside" ? atServer : atClient,
      outside: serverSide === "inside" ? atClient : atServer,
    };
    const { before, after } = change;
    if (isUnkept(before) || isUnkept(after)) {
      const none = { beforeMarks: "", beforeHex: "", afterMarks: "", afterHex: "" };
      return { before: unkeptText(before), after: unkeptText(after), ...none, ...places };
    }
    const texts = [before, after].map((text) => (text === null ? null : this.#redact(text)));
    const shown = showDifference(texts[0]!, texts[1]!);
    return {
      ...shown,
      before: before === null ? null : shown.before,
      after: after === null ? null : shown.after,
      ...places,
    };
  }
}

function place(
  placeOf: PlaceOf,
  dialogue: RecordedDialogue,
  turn: RecordedTurn | null,
  { part }: Change,
): Place | null {
  if (turn === null) return null;
  return placeOf(dialogue, part === "reply" ? turn.answeredFrame : turn.askedFrame);
}

function isUnkept(value: Change["before"]): value is Unkept {
  return typeof value === "object" && value !== null;
}

function unkeptText(value: Change["before"]): string | null {
  if (!isUnkept(value)) return value;
  return `${countText(value.lengthBytes)} bytes, digest ${value.digest?.slice(0, 16)}`;
}
