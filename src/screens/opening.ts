import { inClasses } from "../spine/finding.ts";
import { applyFilter } from "./answers.ts";
import { ladderOf } from "./ladder.ts";
import type { Session } from "./session.ts";

/** Enter: from what is chosen to what is behind it. */

export function open(session: Session): void {
  const { state, model } = session;
  if (state.help !== null) {
    state.help = null;
    return;
  }
  switch (state.view) {
    case "overview":
      if (state.pane === "phases") openPhase(session);
      else if (state.pane === "findings") session.show("findings");
      else openDialogue(session);
      break;
    case "dialogues":
      openDialogue(session);
      break;
    case "heat map":
      openPhase(session);
      break;
    case "findings":
      openEvidence(session);
      break;
    case "waiting": {
      const part = model.report.waiting.parts[state.cause];
      if (part === undefined) session.fail("no cause is chosen");
      else {
        state.finding = Math.max(
          0,
          inClasses(model.report.findings).findIndex((found) =>
            found.some(({ id }) => part.causes.includes(id)),
          ),
        );
        session.show("findings");
      }
      break;
    }
    case "ladder":
      state.hex = !state.hex;
      break;
    case "compare":
      break;
  }
}

function openPhase(session: Session): void {
  const phase = session.phase();
  if (phase === null) return;
  const { state } = session;
  // Connections and bodies are no exchanges: no filter selects them.
  if (phase.phase !== "connect" && phase.phase !== "body") applyFilter(session, `phase==${phase.phase}`);
  state.sort = "slowest";
  state.descending = true;
  state.dialogue = null;
  session.show("dialogues");
}

function openDialogue(session: Session): void {
  const { dialogue } = session.scene(session.picture);
  if (dialogue === null) return;
  session.state.dialogue = dialogue.id;
  session.state.ladderLine = 0;
  session.show("ladder");
}

/** The dialogue that the finding's evidence is in, at the line it speaks of. */
function openEvidence(session: Session): void {
  const { state, model } = session;
  const classes = inClasses(model.report.findings);
  const finding = classes[Math.min(state.finding, classes.length - 1)]?.[0];
  const { dialogues } = model.kept;
  for (const { file, tcpStream, frame } of finding?.evidence ?? []) {
    const dialogue = dialogues.find(
      (candidate) => candidate.file === file && candidate.tcpStream === tcpStream,
    );
    if (dialogue === undefined) continue;
    state.dialogue = dialogue.id;
    state.ladderLine = Math.max(
      0,
      ladderOf(dialogue, model.report.findings).findIndex((line) => line.frame === frame),
    );
    session.show("ladder");
    return;
  }
  session.fail(
    finding === undefined ? "there are no findings" : "its dialogues are not in the list any more",
  );
}

export function stepFinding(session: Session, by: number) {
  const { length } = inClasses(session.model.report.findings);
  if (length === 0) return session.fail("there are no findings");
  const { state } = session;
  const isShown = state.view === "findings" || (state.view === "overview" && state.pane === "findings");
  if (isShown) state.finding = (Math.min(state.finding, length - 1) + by + length) % length;
  else session.show("findings");
}
