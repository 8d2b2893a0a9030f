import { applyFilter } from "./answers.ts";
import type { Action } from "./keys.ts";
import { ladderOf } from "./ladder.ts";
import { SORTS, type SortKey } from "./listing.ts";
import { type ReplayClock, SPEEDS } from "./model.ts";
import { clockText } from "./numbers.ts";
import { HELP_ROWS } from "./panes/help.ts";
import { promptFor } from "./prompt.ts";
import type { Session } from "./session.ts";
import type { Pane } from "./state.ts";

/** What each key does. */
export const ACTIONS: Readonly<Record<Action, (session: Session) => void>> = {
  help: ({ state }) => {
    state.help = state.help === null ? 0 : null;
  },
  quit,
  open,
  back,
  filter: ({ state }) => {
    state.prompt = promptFor("filter", "/", state.filterText);
  },
  nextPane: (session) => changePane(session, 1),
  previousPane: (session) => changePane(session, -1),
  sort: (session) => {
    const { state } = session;
    if (state.view === "overview" && state.pane === "phases") {
      state.phasesByShare = !state.phasesByShare;
      return;
    }
    const keys = Object.keys(SORTS) as SortKey[];
    state.sort = keys[(keys.indexOf(state.sort) + 1) % keys.length]!;
    // The slowest first, but names and times from the start.
    state.descending = !["start", "client", "server"].includes(state.sort);
  },
  reverse: ({ state }) => {
    state.descending = !state.descending;
  },
  pause: (session) => session.hold(!session.state.paused),
  mark,
  compare: (session) => {
    if (session.state.marked.length < 2) {
      session.fail("mark two dialogues first: Space in the list of dialogues");
      return;
    }
    session.state.compareMarked = true;
    session.state.compareLine = 0;
    session.show("compare");
  },
  baseline: ({ state }) => {
    state.prompt = promptFor(
      "baseline",
      "Baseline (a capture, or a JSON report):",
      state.baseline?.path ?? "",
    );
  },
  capture: (session) => {
    const { dialogue } = session.scene(session.picture);
    if (dialogue === null) session.fail("no dialogue is chosen");
    else
      session.state.prompt = promptFor(
        "capture",
        "Write the dialogue to:",
        `dialogue-${dialogue.tcpStream}.pcapng`,
      );
  },
  export: ({ state }) => {
    const choices: [string, string][] = [
      ["r", "Report"],
      ["j", "JSON report"],
      ["l", "Ladder"],
      ["s", "Screen"],
    ];
    state.prompt = promptFor("choice", "Export what?", "", choices);
  },
  copy: (session) => {
    const { dialogue } = session.scene(session.picture);
    if (dialogue === null) return;
    const { client, server, startAtUs, file, tcpStream } = dialogue;
    session.clipboard = `${clockText(startAtUs)} ${client} ${server} ${file} tcp.stream==${tcpStream}`;
    session.say(`copied, if the terminal lets programs do so: ${session.clipboard}`);
  },
  zoom: ({ state }) => {
    state.zoomed = !state.zoomed;
  },
  reset: (session) => {
    if (session.host.restart === null)
      session.fail("there is nothing to begin anew: all of it has been read");
    else session.state.prompt = promptFor("confirm", "Begin anew?", "", [["y", "Yes"]]);
  },
  scale: ({ state }) => {
    state.linear = !state.linear;
  },
  hex: ({ state }) => {
    state.hex = !state.hex;
  },
  columns: ({ state }) => {
    state.prompt = promptFor("columns", "Columns (those not named are hidden; empty: all):", "");
  },
  colours: ({ state }) => {
    state.palette = state.palette === "mono" ? "default" : "mono";
  },
  next: (session) => stepFinding(session, 1),
  previous: (session) => stepFinding(session, -1),
  command: ({ state }) => {
    state.prompt = promptFor("command", ":");
  },
  up: (session) => move(session, -1),
  down: (session) => move(session, 1),
  pageUp: (session) => move(session, -page(session)),
  pageDown: (session) => move(session, page(session)),
  first: (session) => move(session, Number.NEGATIVE_INFINITY),
  last: (session) => {
    move(session, Number.POSITIVE_INFINITY);
    const { state } = session;
    state.follow = listIsChosen(session) && state.sort === "start" && !state.descending;
  },
  left: (session) => moveInList(session, -1),
  right: (session) => moveInList(session, 1),
  slower: (session) => changeSpeed(session, -1),
  faster: (session) => changeSpeed(session, 1),
  seekBack: (session) => seekBy(session, -SEEK_US),
  seekOn: (session) => seekBy(session, SEEK_US),
  seekFinding: (session) => {
    const found = clockOf(session);
    if (found === null) return;
    const { clock, atUs } = found;
    // Behind the last one comes the first.
    const next = clock.marksUs.find((mark) => mark > atUs) ?? clock.marksUs[0];
    if (next === undefined) session.fail("there are no findings");
    else seekTo(clock, next + 1);
  },
  view1: (session) => session.show("overview"),
  view2: (session) => session.show("dialogues"),
  view3: (session) => session.show("ladder"),
  view4: (session) => session.show("findings"),
  view5: (session) => session.show("waiting"),
  view6: (session) => session.show("heat map"),
};

const SEEK_US = 10_000_000;

function quit(session: Session) {
  const { underneath } = session.host;
  if (underneath === null) {
    session.ended = true;
    return;
  }
  const choices: [string, string][] = [
    ["k", "Keep it running"],
    ["y", "End it too"],
  ];
  session.state.prompt = promptFor("quit", `${underneath.what} runs under this screen.`, "", choices);
}

function page({ picture }: Session): number {
  return Math.max(1, Math.floor(picture.height / 2));
}

function back({ state }: Session): void {
  if (state.help !== null) state.help = null;
  else if (state.zoomed) state.zoomed = false;
  else if (state.back.length > 0) {
    state.view = state.back.at(-1)!;
    state.back = state.back.slice(0, -1);
  } else if (state.view !== "overview") state.view = "overview";
  else if (state.filter !== null) {
    state.filter = null;
    state.filterText = "";
  }
}

function panes(session: Session): Pane[] {
  return session.model.report.findings.length > 0
    ? ["phases", "findings", "dialogues"]
    : ["phases", "dialogues"];
}

function changePane(session: Session, by: number): void {
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

const listIsChosen = (session: Session) => target(session) === "dialogues";

function move(session: Session, by: number): void {
  const { state, model } = session;
  const within = (value: number, length: number) => Math.max(0, Math.min(length - 1, value + by));
  switch (target(session)) {
    case "help":
      state.help = within(state.help ?? 0, HELP_ROWS);
      break;
    case "phases": {
      const phases = session.phases();
      const chosen = session.phase(phases);
      state.phase =
        phases[within(chosen === null ? 0 : phases.indexOf(chosen), phases.length)]?.phase ?? null;
      break;
    }
    case "findings":
      state.finding = within(state.finding, model.report.findings.length);
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

function moveInList(session: Session, by: number): void {
  const { state } = session;
  const { rows, place } = session.scene(session.picture);
  const row = rows[Math.max(0, Math.min(rows.length - 1, place + by))];
  state.follow = false;
  if (row === undefined) return;
  if (row.id !== state.dialogue) state.ladderLine = 0;
  state.dialogue = row.id;
}

function mark(session: Session): void {
  const { state } = session;
  const { dialogue } = session.scene(session.picture);
  if (dialogue === null) return;
  const { id } = dialogue;
  state.marked = state.marked.includes(id)
    ? state.marked.filter((other) => other !== id)
    : [...state.marked, id].slice(-2);
  if (listIsChosen(session)) moveInList(session, 1);
  session.say(
    state.marked.length === 2
      ? "two dialogues are marked: d compares them"
      : `${state.marked.length} marked; d compares two`,
  );
}

function open(session: Session): void {
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
          model.report.findings.findIndex(({ id }) => part.causes.includes(id)),
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
  const finding = model.report.findings[Math.min(state.finding, model.report.findings.length - 1)];
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

function stepFinding(session: Session, by: number) {
  const { length } = session.model.report.findings;
  if (length === 0) return session.fail("there are no findings");
  const { state } = session;
  const isShown = state.view === "findings" || (state.view === "overview" && state.pane === "findings");
  if (isShown) state.finding = (Math.min(state.finding, length - 1) + by + length) % length;
  else session.show("findings");
}

/** The capture's time, where it has one; says so where it has not. */
export function clockOf(session: Session) {
  const { clock } = session.host;
  if (clock !== null && clock.atUs !== null) return { clock, atUs: clock.atUs };
  session.fail(
    clock === null ? "only a capture in files is replayed in time" : "not before it has been read once",
  );
  return null;
}

export function seekBy(session: Session, byUs: number): void {
  const found = clockOf(session);
  if (found !== null) seekTo(found.clock, found.atUs + byUs);
}

/** No further than the capture goes. */
export function seekTo(clock: ReplayClock, atUs: number): void {
  clock.seek(Math.max(clock.firstAtUs, Math.min(clock.lastAtUs, atUs)));
}

function changeSpeed(session: Session, by: number): void {
  const found = clockOf(session);
  if (found === null) return;
  const place = SPEEDS.indexOf(found.clock.speed) + by;
  found.clock.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, place))]!);
  if (found.atUs >= found.clock.lastAtUs) session.say("it has come to its end: [ goes back");
}
