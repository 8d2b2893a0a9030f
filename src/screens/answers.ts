import { ACTIONS } from "./actions.ts";
import { COLUMN_KEYS, type ColumnKey } from "./columns.ts";
import { pictureText } from "./frame.ts";
import { COMMANDS } from "./keys.ts";
import { ladderText } from "./ladder.ts";
import { SORTS, type SortKey } from "./listing.ts";
import { type Export, SPEEDS, type Speed } from "./model.ts";
import { type Prompt, promptFor } from "./prompt.ts";
import { clockOf, seekBy, seekTo } from "./replaying.ts";
import type { Session } from "./session.ts";

/** What becomes of a prompt that was answered. The prompt stays where the answer will not do. */
export function submit(session: Session, prompt: Prompt, text: string): void {
  const { state } = session;
  const answer = text.trim();
  switch (prompt.kind) {
    case "filter":
      if (applyFilter(session, answer, prompt)) state.prompt = null;
      return;
    case "command":
      state.prompt = null;
      command(session, answer);
      return;
    case "choice":
      state.prompt = exportPrompt(session, text);
      return;
    case "quit":
      if (text === "k") session.ended = true;
      else session.host.underneath?.end();
      return;
    case "confirm":
      session.host.restart?.();
      return;
    case "columns":
      if (chooseColumns(session, prompt, answer)) state.prompt = null;
      return;
    case "baseline":
      state.prompt = null;
      if (answer !== "") loadBaseline(session, answer);
      return;
    case "report":
    case "json":
    case "ladder":
    case "picture":
    case "capture":
      state.prompt = null;
      if (answer !== "") save(session, prompt.kind, answer);
  }
}

/** @returns false when the filter cannot be used; the last good one stays */
export function applyFilter(session: Session, text: string, prompt: Prompt | null = null): boolean {
  const { state, host } = session;
  if (text === "") {
    state.filter = null;
    state.filterText = "";
    return true;
  }
  const filter = host.compileFilter(text);
  if (!filter.ok) {
    const { message, position } = filter;
    state.prompt = { ...(prompt ?? promptFor("filter", "/", text)), error: { message, position } };
    return false;
  }
  state.filter = filter;
  state.filterText = text;
  return true;
}

function chooseColumns(session: Session, prompt: Prompt, text: string): boolean {
  const names = text.split(/[\s,]+/).filter((name) => name !== "");
  const wrong = names.find((name) => !COLUMN_KEYS.includes(name as ColumnKey));
  if (wrong !== undefined) {
    const message = `there are ${COLUMN_KEYS.join(" ")}`;
    session.state.prompt = { ...prompt, error: { message, position: text.indexOf(wrong) } };
    return false;
  }
  const hidden = names.length === 0 ? [] : COLUMN_KEYS.filter((key) => !names.includes(key));
  session.state.hiddenColumns = new Set(hidden);
  return true;
}

function exportPrompt(session: Session, key: string): Prompt | null {
  const { dialogue } = session.scene(session.picture);
  switch (key) {
    case "r":
      return promptFor("report", "Write the report to:", "smtpscope-report.txt");
    case "j":
      return promptFor("json", "Write the JSON report to:", "smtpscope-report.json");
    case "s":
      return promptFor("picture", "Write this picture to:", "smtpscope-screen.txt");
    default:
      if (dialogue !== null)
        return promptFor("ladder", "Write the ladder to:", `ladder-${dialogue.tcpStream}.txt`);
      session.fail("no dialogue is chosen");
      return null;
  }
}

type Saved = "report" | "json" | "ladder" | "picture" | "capture";

function save(session: Session, kind: Saved, path: string): void {
  const what = contentOf(session, kind);
  if (what === null) {
    session.fail("no dialogue is chosen");
    return;
  }
  session.host.save(path, what).then(
    () => session.say(`written: ${path}`),
    (error: Error) => session.fail(error.message),
  );
}

function contentOf(session: Session, kind: Saved): Export | null {
  const { dialogue } = session.scene(session.picture);
  const { report } = session.model;
  switch (kind) {
    case "report":
      return { kind: "report", format: "text", report };
    case "json":
      return { kind: "report", format: "json", report };
    case "picture":
      return { kind: "text", text: pictureText(session.draw(session.picture.width, session.picture.height)) };
    case "ladder":
      return dialogue === null ? null : { kind: "text", text: ladderText(dialogue, report.findings) };
    case "capture":
      return dialogue === null ? null : { kind: "capture", dialogue };
  }
}

function loadBaseline(session: Session, path: string): void {
  session.say(`reading ${path}`);
  session.host.baseline(path).then(
    () => {
      session.state.baseline = path;
      // A held picture has no comparison yet.
      session.model = session.host.snapshot();
      session.state.compareMarked = false;
      session.state.message = null;
      session.stale = true;
      session.show("compare");
    },
    (error: Error) => session.fail(error.message),
  );
}

function command(session: Session, text: string) {
  const [, name = "", argument = ""] = /^(\S*)\s*(.*)$/.exec(text) ?? [];
  // Any beginning that only one command has will do.
  const candidates = COMMANDS.filter(
    (entry) => entry.name === name || (name !== "" && entry.name.startsWith(name)),
  );
  const found =
    candidates.find((entry) => entry.name === name) ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (found === undefined) {
    if (name !== "") session.fail(`there is no command "${name}"; :help lists them`);
    return;
  }
  const { state } = session;
  switch (found.name) {
    case "filter":
      applyFilter(session, argument);
      return;
    case "sort":
      if (!Object.hasOwn(SORTS, argument)) return session.fail(`sort by ${Object.keys(SORTS).join(", ")}`);
      state.sort = argument as SortKey;
      return;
    case "speed":
      if (!SPEEDS.includes(argument as Speed)) return session.fail(`a speed is one of ${SPEEDS.join(", ")}`);
      clockOf(session)?.clock.setSpeed(argument as Speed);
      return;
    case "seek":
      return seekToTime(session, argument);
    case "export":
      return exportTo(session, argument);
    case "save":
      return argument === ""
        ? session.fail("save needs a file: :save dialogue.pcapng")
        : save(session, "capture", argument);
    case "baseline":
      return argument === "" ? session.fail("baseline needs a file") : loadBaseline(session, argument);
    case "goto":
      return goTo(session, argument);
    case "help":
      state.help = 0;
      return;
    case "quit":
      ACTIONS.quit(session);
  }
}

function exportTo(session: Session, argument: string): void {
  const [, what = "", path = ""] = /^(\S+)\s+(.+)$/.exec(argument) ?? [];
  const kinds: Readonly<Record<string, Saved>> = {
    report: "report",
    json: "json",
    ladder: "ladder",
    screen: "picture",
  };
  const kind = Object.hasOwn(kinds, what) ? kinds[what] : undefined;
  if (kind === undefined || path === "") session.fail("write :export report|json|ladder|screen FILE");
  else save(session, kind, path);
}

function goTo(session: Session, argument: string): void {
  const stream = /^\d+$/.test(argument) ? Number(argument) : -1;
  const found = session.model.kept.dialogues.find(({ tcpStream }) => tcpStream === stream);
  if (found === undefined) {
    session.fail(`no dialogue has tcp.stream ${argument === "" ? "?" : argument}`);
    return;
  }
  session.state.dialogue = found.id;
  session.state.ladderLine = 0;
  session.show("ladder");
}

/** `+30s`, `-5s`, `2m` or a time of day of the capture's first day. */
function seekToTime(session: Session, argument: string) {
  const found = clockOf(session);
  if (found === null) return;
  const { clock } = found;
  const by = /^([+-])(\d{1,6}(?:\.\d{1,6})?)(s|m|h)?$/.exec(argument);
  if (by !== null) {
    const unitUs = { s: 1_000_000, m: 60_000_000, h: 3_600_000_000 }[by[3] ?? "s"]!;
    return seekBy(session, Math.round(Number(by[2]) * unitUs) * (by[1] === "-" ? -1 : 1));
  }
  const time = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?$/.exec(argument);
  if (time === null) return session.fail("seek to +30s, -5s or a time of day such as 20:15:03");
  const [, hours, minutes, seconds = "0", fraction = ""] = time;
  const dayUs = 86_400_000_000;
  const ofDay =
    ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000_000 +
    Number(fraction.padEnd(6, "0"));
  let toUs = Math.floor(clock.firstAtUs / dayUs) * dayUs + ofDay;
  // A capture over midnight: a time before its start is one of the next day.
  if (toUs < clock.firstAtUs && toUs + dayUs <= clock.lastAtUs) toUs += dayUs;
  seekTo(clock, toUs);
}
