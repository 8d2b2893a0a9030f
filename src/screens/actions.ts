import type { Action } from "./keys.ts";
import { SORTS, type SortKey } from "./listing.ts";
import { changePane, listIsChosen, move, moveInList, page } from "./motion.ts";
import { clockText } from "./numbers.ts";
import { open, stepFinding } from "./opening.ts";
import { promptFor } from "./prompt.ts";
import { changeSpeed, SEEK_US, seekBy, seekFinding } from "./replaying.ts";
import type { Session } from "./session.ts";

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
    state.prompt = promptFor("baseline", "Baseline (a capture, or a JSON report):", state.baseline ?? "");
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
      session.fail(
        session.model.progress.kind === "live"
          ? "a capture that comes in is counted from its start; a proxy, or a capture in a file, can begin anew"
          : "there is nothing to begin anew: all of it has been read",
      );
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
  first: (session) => {
    move(session, Number.NEGATIVE_INFINITY);
    if (listIsChosen(session)) session.state.follow = "first";
  },
  last: (session) => {
    move(session, Number.POSITIVE_INFINITY);
    if (listIsChosen(session)) session.state.follow = "last";
  },
  left: (session) => moveInList(session, -1),
  right: (session) => moveInList(session, 1),
  slower: (session) => changeSpeed(session, -1),
  faster: (session) => changeSpeed(session, 1),
  seekBack: (session) => seekBy(session, -SEEK_US),
  seekOn: (session) => seekBy(session, SEEK_US),
  seekFinding,
  view1: (session) => session.show("overview"),
  view2: (session) => session.show("dialogues"),
  view3: (session) => session.show("ladder"),
  view4: (session) => session.show("findings"),
  view5: (session) => session.show("waiting"),
  view6: (session) => session.show("heat map"),
};

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
