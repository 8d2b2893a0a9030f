import { inClasses } from "../spine/finding.ts";
import { ladderOf } from "./ladder.ts";
import { helpRows } from "./panes/help.ts";
import type { Session } from "./session.ts";
import type { Pane } from "./state.ts";

/** What the arrow keys do, in whatever is looked at. */

export function page({ picture }: Session): number {
  return Math.max(1, Math.floor(picture.height / 2));
}

function panes(session: Session): Pane[] {
  return session.model.report.findings.length > 0
    ? ["phases", "findings", "dialogues"]
    : ["phases", "dialogues"];
}

export function changePane(session: Session, by: number): void {
  const { state } = session;
  if (state.view !== "overview") return;
  const all = panes(session);
  state.pane = all[(all.indexOf(state.pane) + by + all.length) % all.length]!;
}

/** What the arrow keys move in. */
type Target = "help" | "phases" | "findings" | "dialogues" | "ladder" | "waiting" | "compare";

function target({ state }: Session): Target {
  if (state.help !== null) return "help";
  switch (state.view) {
    case "overview":
      return state.pane;
    case "heat map":
      return "phases";
    default:
      return state.view;
  }
}

export const listIsChosen = (session: Session) => target(session) === "dialogues";

export function move(session: Session, by: number): void {
  const { state, model } = session;
  const within = (value: number, length: number) => Math.max(0, Math.min(length - 1, value + by));
  switch (target(session)) {
    case "help":
      state.help = within(state.help ?? 0, helpRows(session.picture.width).length);
      break;
    case "phases": {
      const phases = session.phases();
      const chosen = session.phase(phases);
      state.phase =
        phases[within(chosen === null ? 0 : phases.indexOf(chosen), phases.length)]?.phase ?? null;
      break;
    }
    case "findings":
      state.finding = within(state.finding, inClasses(model.report.findings).length);
      break;
    case "dialogues":
      moveInList(session, by);
      break;
    case "ladder": {
      const { dialogue } = session.scene(session.picture);
      state.ladderLine =
        dialogue === null ? 0 : within(state.ladderLine, ladderOf(dialogue, model.report.findings).length);
      break;
    }
    case "waiting":
      state.cause = within(state.cause, model.report.waiting.parts.length);
      break;
    case "compare":
      // Drawn lines are counted when they are drawn; a bound is enough here.
      state.compareLine = Math.max(0, Math.min(MAX_COMPARE_LINES, state.compareLine + by));
      break;
  }
}

const MAX_COMPARE_LINES = 10_000;

export function moveInList(session: Session, by: number): void {
  const { state } = session;
  const { rows, place } = session.scene(session.picture);
  const row = rows[Math.max(0, Math.min(rows.length - 1, place + by))];
  state.follow = null;
  if (row === undefined) return;
  if (row.id !== state.dialogue) state.ladderLine = 0;
  state.dialogue = row.id;
}
