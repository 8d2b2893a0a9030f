import {
  type CauseFinding,
  type Evidence,
  type Finding,
  inClasses,
  type RewritingFinding,
} from "../spine/finding.ts";
import { countText, durationText, plural } from "../spine/format.ts";
import { escapeText } from "../spine/text.ts";
import { wrapped } from "./table.ts";
import type { Paint } from "./text.ts";

/** Findings for a reader and as NDJSON. Those of rewriting and causes of delay are told by their id. */

/** Evidence shown a finding; JSON has all that was kept. */
const MAX_SHOWN = 3;
const INDENT = " ".repeat(5);
const LABEL_WIDTH = 10;
/** What fits beside the labels in 80 columns. */
const TEXT_WIDTH = 80 - INDENT.length - LABEL_WIDTH;

export function findingList(findings: readonly Finding[], paint: Paint): string {
  if (findings.length === 0) return "";
  const entries = inClasses(findings).map((members, i) => entry(members[0]!, members.slice(1), i + 1, paint));
  return [paint("heading", "Findings"), ...entries].join("\n");
}

function entry(finding: Finding, tied: readonly Finding[], number: number, paint: Paint): string {
  const { id, severity, claim, evidence, remedy, source } = finding;
  const against = "against" in finding ? finding.against : [];
  const decide = "decide" in finding ? finding.decide : null;
  return [
    `${String(number).padStart(3)}  ${paint("strong", id)}  ${paint("warning", severity)}, ${standing(finding)}`,
    ...wrapped(escapeText(claim), 80 - INDENT.length).map((line) => INDENT + line),
    ...(tied.length === 0 ? [] : labelled("or", tied.map(nameAndStanding).join(", "))),
    ...("rank" in finding ? labelled("weight", weight(finding)) : []),
    ...places("evidence", evidence, paint),
    ...("basis" in finding ? changed(finding, paint) : []),
    ...places("against", against, paint),
    ...(decide === null ? [] : labelled("decide by", escapeText(decide))),
    ...labelled("remedy", escapeText(remedy)),
    ...labelled("source", escapeText(source)),
    ...labelled("more", `smtpscope explain ${id}`),
  ].join("\n");
}

function nameAndStanding({ id, confidence }: Finding): string {
  return `${id} (${Math.round(confidence * 100)} %)`;
}

/** "likely (90 %), 381 dialogues" */
function standing(finding: Finding): string {
  const sure = `${Math.round(finding.confidence * 100)} %`;
  const where = plural(finding.dialogues, "dialogue");
  if (!("rank" in finding)) return `${finding.basis} (${sure}), ${where}`;
  return `${sure} sure, ${where}${finding.deliberate ? ", deliberate?" : ""}`;
}

function weight({ rank, ties, phases, waitedUs, explainedUs }: CauseFinding): string {
  const tied = ties.length === 0 ? "" : `, with ${plural(ties.length, "other")} that cannot be told from it`;
  const where = phases.length === 0 ? "" : ` in ${phases.join(", ")}`;
  const share = waitedUs === 0 ? "" : ` of ${durationText(waitedUs)} waited`;
  return `rank ${countText(rank)}${tied}; explains ${durationText(explainedUs)}${share}${where}`;
}

function places(label: string, evidence: readonly Evidence[], paint: Paint): string[] {
  return evidence.slice(0, MAX_SHOWN).flatMap(({ file, frame, tcpStream, text }, i) => {
    const stream = tcpStream === null ? "" : `  tcp.stream ${tcpStream}`;
    if (file === "") return labelled(i === 0 ? label : "", escapeText(text));
    const where = paint("dim", `${escapeText(file)}${frame === null ? "" : `:${frame}`}${stream}`);
    return [
      `${INDENT}${(i === 0 ? label : "").padEnd(LABEL_WIDTH)}${where}`,
      ...wrapped(escapeText(text), TEXT_WIDTH - 2).map(
        (line) => `${INDENT}${" ".repeat(LABEL_WIDTH + 2)}${line}`,
      ),
    ];
  });
}

/** What was said and what arrived, carets under what differs; and what a masked text may have been. */
function changed({ differences = [], originals = [] }: RewritingFinding, paint: Paint): string[] {
  const lines = differences.slice(0, MAX_SHOWN).flatMap((difference) => {
    const { before, beforeMarks, beforeHex, after, afterMarks, afterHex } = difference;
    const marked = (text: string, marks: string, hex: string) => [
      ...(text === "" ? ["(no such line)"] : [text]),
      ...(marks === "" ? [] : [paint("warning", marks)]),
      ...(hex === "" ? [] : [paint("dim", cut(hex))]),
    ];
    return [
      ...underLabel("said", marked(escapeText(before), beforeMarks, beforeHex)),
      ...underLabel("arrived", marked(escapeText(after), afterMarks, afterHex)),
    ];
  });
  const was = originals.flatMap(({ masked, candidates }) =>
    candidates.length === 0
      ? []
      : [
          ...labelled("masked", escapeText(masked)),
          ...candidates
            .slice(0, MAX_SHOWN)
            .flatMap(({ text, inferred, share }, i) =>
              labelled(
                i === 0 ? "was" : "or",
                `${escapeText(text)}  (${Math.round(share * 100)} %: ${escapeText(inferred)})`,
              ),
            ),
        ],
  );
  return [...lines, ...was];
}

/** Hex of twenty octets fits; JSON has more. */
function cut(hex: string): string {
  return hex.length <= TEXT_WIDTH ? hex : `${hex.slice(0, 60).trimEnd()} …`;
}

/** Lines that must stand as they are. */
function underLabel(label: string, lines: readonly string[]): string[] {
  return lines.map((line, i) => `${INDENT}${(i === 0 ? label : "").padEnd(LABEL_WIDTH)}${line}`);
}

function labelled(label: string, text: string): string[] {
  return wrapped(text, TEXT_WIDTH).map(
    (line, i) => `${INDENT}${(i === 0 ? label : "").padEnd(LABEL_WIDTH)}${line}`,
  );
}
