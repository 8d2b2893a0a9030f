import { type Evidence, type Finding, inClasses, type RewritingFinding } from "../../spine/finding.ts";
import { countText, plural } from "../../spine/format.ts";
import { firstRow, type Rect, titled, wrap } from "../layout.ts";
import { clockText, shortDuration, shortShare } from "../numbers.ts";
import type { Style } from "../style.ts";
import type { Scene } from "./context.ts";

/** By how bad it is; the sign stands beside the colour. */
const SIGNS: Readonly<Record<Finding["severity"], readonly [sign: string, style: Style]>> = {
  critical: ["X", "broken"],
  warning: ["!", "slow"],
  info: ["·", "dim"],
};

/** The findings in one line each, for the overview. */
export function drawFindingList(scene: Scene, rect: Rect, focused: boolean): void {
  const { canvas, model, state } = scene;
  const classes = inClasses(model.report.findings);
  const body = titled(canvas, rect, `Findings ${classes.length}`, "n N: next  Enter: evidence", focused);
  const chosen = Math.min(state.finding, classes.length - 1);
  const first = firstRow(chosen, classes.length, body.height);
  classes.slice(first, first + body.height).forEach((members, i) => {
    const y = body.y + i;
    const isChosen = first + i === chosen;
    drawHead(scene, members, body.x, y, body.x + body.width);
    if (!isChosen) return;
    canvas.put(body.x, y, "▶", focused ? "focused" : "title");
    if (focused) canvas.select(body.x, y, body.width);
  });
  if (classes.length === 0) canvas.put(body.x + 1, body.y, "none", "dim", body.x + body.width);
}

function drawHead(
  { canvas, model }: Scene,
  members: readonly Finding[],
  x: number,
  y: number,
  end: number,
): void {
  const finding = members[0]!;
  const [sign, style] = SIGNS[finding.severity];
  canvas.put(x + 1, y, sign, style);
  const name = finding.id.slice(finding.id.indexOf("/") + 1);
  const isRewriting = finding.id.startsWith("rewriting/");
  const at = canvas.put(
    x + 3,
    y,
    `${isRewriting ? "~" : ""}${name}${members.length > 1 ? ` or ${plural(members.length - 1, "other")}` : ""}`,
    isRewriting ? "rewritten" : "strong",
    end,
  );
  let next = canvas.put(at + 1, y, `${countText(finding.dialogues)}×`, "plain", end) + 1;
  if ("explainedUs" in finding && model.report.waitedUs > 0)
    next = canvas.put(next, y, shortShare(finding.explainedUs / model.report.waitedUs), "mark", end) + 1;
  // How much waiting that is stands before it.
  canvas.put(next, y, finding.claim.replace(/^[^:]* waited: /, ""), "plain", end);
}

/** All findings, and of the chosen one what it rests on and what to do. */
export function drawFindings(scene: Scene, rect: Rect): void {
  const { canvas, model, state } = scene;
  const classes = inClasses(model.report.findings);
  const members = classes[Math.min(state.finding, classes.length - 1)];
  const finding = members?.[0];
  const listHeight = Math.min(classes.length + 1, Math.max(2, Math.floor(rect.height / 3)));
  drawFindingList(scene, { ...rect, height: finding === undefined ? rect.height : listHeight }, true);
  if (finding === undefined) return;
  const below = { ...rect, y: rect.y + listHeight, height: rect.height - listHeight };
  const body = titled(canvas, below, finding.id, "Enter: the dialogue  ↑↓: other finding", false);
  const width = Math.min(body.width - 2, 110);
  let y = body.y;
  const end = body.y + body.height;
  const say = (text: string, style: Style, indent = 0) => {
    for (const line of wrap(text, width - indent)) {
      if (y < end) canvas.put(body.x + 1 + indent, y++, line, style);
    }
  };
  say(finding.claim, "strong");
  say(standing(finding), "dim");
  if (finding.evidence.length > 0) say("Evidence", "title");
  for (const evidence of finding.evidence) say(evidenceText(evidence), "plain", 2);
  if ("basis" in finding)
    sayChanges(finding, say, (text, style) => {
      if (y < end) canvas.put(body.x + 3, y++, text, style, body.x + body.width);
    });
  if ("against" in finding) {
    if (finding.against.length > 0) say("Against", "title");
    for (const evidence of finding.against) say(evidenceText(evidence), "plain", 2);
    if (finding.decide !== null) say(`To decide: ${finding.decide}`, "plain");
  }
  say("What to do", "title");
  say(finding.remedy, "plain", 2);
  say(`Source: ${finding.source}`, "dim");
}

type Say = (text: string, style: Style, indent?: number) => void;

/** What was said and what arrived, carets under what differs; or what a masked text may have been. */
function sayChanges({ differences = [], originals = [] }: RewritingFinding, say: Say, put: Say): void {
  if (differences.length > 0) say("Said, and arrived", "title");
  for (const { before, beforeMarks, beforeHex, after, afterMarks, afterHex } of differences) {
    for (const [text, marks, hex] of [
      [before, beforeMarks, beforeHex],
      [after, afterMarks, afterHex],
    ] as const) {
      put(text === "" ? "(no such line)" : text, "plain");
      if (marks !== "") put(marks, "rewritten");
      if (hex !== "") put(hex, "dim");
    }
  }
  if (originals.length > 0) say("Masked, and what it was", "title");
  for (const { masked, candidates } of originals) {
    put(masked, "rewritten");
    for (const { text, share, inferred } of candidates.slice(0, MAX_CANDIDATES))
      put(`${text}  (${Math.round(share * 100)} %: ${inferred})`, "plain");
  }
}

/** The others are hardly likely. */
const MAX_CANDIDATES = 2;

function standing(finding: Finding): string {
  const sure = `confidence ${Math.round(finding.confidence * 100)} %`;
  const parts = [finding.severity, sure, `in ${countText(finding.dialogues)} dialogues`];
  if ("basis" in finding)
    parts.push(finding.basis === "seen" ? "seen: compared with the server's bytes" : "likely: by its looks");
  else {
    parts.push(`explains ${shortDuration(finding.explainedUs)} of ${shortDuration(finding.waitedUs)} waited`);
    parts.push(`in ${finding.phases.join(", ")}`);
    if (finding.deliberate) parts.push("done on purpose");
    if (finding.ties.length > 0) parts.push(`cannot be told from ${finding.ties.join(", ")}`);
  }
  return parts.join(" · ");
}

function evidenceText({ file, frame, tcpStream, atUs, text }: Evidence): string {
  if (file === "") return text;
  const where = [frame === null ? file : `${file}:${frame}`];
  if (tcpStream !== null) where.push(`tcp.stream ${tcpStream}`);
  if (atUs !== null) where.push(clockText(atUs));
  return `${text}  (${where.join("  ")})`;
}
