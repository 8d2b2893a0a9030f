import { type ChangeView, type DelayView, type DiffReport, HELD_US } from "../spine/diff-report.ts";
import type { Evidence, RewritingFinding } from "../spine/finding.ts";
import { countText, durationText, plural } from "../spine/format.ts";
import { escapeText } from "../spine/text.ts";
import { RULES, type Rule } from "./rules.ts";

/** What the path did, from what was seen on both sides: conclusions of basis "seen". */

/** Of one finding; the report has the rest. */
const MAX_EVIDENCE = 6;
/** Changes named in one claim. */
const MAX_NAMED = 4;

/** Dialogues that were compared. */
export interface DialogueCounts {
  readonly all: number;
  /** In which something was held. */
  readonly held: number;
  /** In which any of these was changed. */
  readonly changed: (changes: readonly ChangeView[]) => number;
}

export function diffFindings(
  { changes, delays, segments }: Pick<DiffReport, "changes" | "delays" | "segments">,
  dialogues: DialogueCounts,
): RewritingFinding[] {
  const findings = new Map<Rule, ChangeView[]>();
  for (const change of changes) {
    const rule = RULES.find(({ applies }) => applies(change));
    if (rule !== undefined) findings.set(rule, [...(findings.get(rule) ?? []), change]);
  }
  const all = [...findings].map(([rule, of]) =>
    changeFinding(rule, of, dialogues.changed(of), dialogues.all),
  );
  const held = delays.filter((delay) => delay.held > 0 && delay.phase !== "connect");
  if (held.length > 0) all.push(heldFinding(held, dialogues.held));
  if (segments.example !== null) all.push(resplitFinding(segments, dialogues.all));
  const rank = { critical: 0, warning: 1, info: 2 };
  return all.sort((a, b) => rank[a.severity] - rank[b.severity]);
}

function changeFinding(
  rule: Rule,
  changes: readonly ChangeView[],
  most: number,
  dialogues: number,
): RewritingFinding {
  const { id, severity, remedy, source } = rule;
  const did = [...new Set(changes.map(rule.did))].map(escapeText);
  const more = did.length > MAX_NAMED ? `, and more (${countText(did.length)} in all)` : "";
  return {
    kind: "finding",
    id,
    severity,
    confidence: 1,
    basis: "seen",
    dialogues: most,
    claim: `The path ${did.slice(0, MAX_NAMED).join("; it ")}${more}, in ${countText(most)} of ${plural(dialogues, "dialogue")}.`,
    evidence: changes.flatMap(({ variants }) => variants.flatMap(evidenceOf)).slice(0, MAX_EVIDENCE),
    remedy,
    source,
  };
}

function evidenceOf({ before, after, inside, outside }: ChangeView["variants"][number]): Evidence[] {
  const text = `${before ?? "(nothing)"} became ${after ?? "(nothing)"}`;
  return [inside, outside].flatMap((place) => {
    if (place === null) return [];
    const { file, frame, tcpStream, atUs } = place;
    return [{ file, frame, tcpStream, atUs, text }];
  });
}

function heldFinding(delays: readonly DelayView[], dialogues: number): RewritingFinding {
  const worst = delays.toSorted((a, b) => b.added.maxUs - a.added.maxUs);
  const texts = worst.slice(0, MAX_NAMED).map(({ phase, held, added }) => {
    const up = `up to ${durationText(added.maxUs)} (± ${durationText(added.uncertaintyUs)})`;
    return `${phase} ${up} in ${countText(held)} of ${countText(added.n)}`;
  });
  return {
    kind: "finding",
    id: "rewriting/reply-held",
    severity: "warning",
    confidence: 1,
    basis: "seen",
    dialogues,
    claim: `The path held commands or replies for ${durationText(HELD_US)} and more: ${texts.join("; ")}. The server is not to blame for that.`,
    evidence: worst.slice(0, MAX_EVIDENCE).flatMap(({ phase, serverSide, worst: at }) => {
      if (at === null) return [];
      const clientSide = serverSide === "inside" ? "outside" : "inside";
      const { file, frame, tcpStream, atUs } = at[clientSide];
      const text = `${phase}: came ${durationText(at.addedUs)} later than behind the path (${escapeText(at[serverSide].file)}:${at[serverSide].frame})`;
      return [{ file, frame, tcpStream, atUs, text }];
    }),
    remedy:
      "Look at what the devices between the two points of capture do with the phase named: content scanning, reputation look-ups, a queue.",
    source: "both captures; the clocks cancel out",
  };
}

function resplitFinding(
  { resplit, compared, dialogues, example }: DiffReport["segments"],
  all: number,
): RewritingFinding {
  const { verb, from, inside, outside } = example!;
  return {
    kind: "finding",
    id: "rewriting/segments-resplit",
    severity: "info",
    confidence: 1,
    basis: "seen",
    dialogues,
    claim:
      `Bytes arrived in other segments than they were sent in, in ${countText(resplit)} of ${countText(compared)} lines and messages ` +
      `(${countText(dialogues)} of ${plural(all, "dialogue")}).`,
    evidence: [inside, outside].map(({ file, frame, tcpStream, atUs }) => {
      return { file, frame, tcpStream, atUs, text: `${escapeText(verb)}, what the ${from} said` };
    }),
    remedy:
      "Nothing, if one of the hosts that captured merges segments itself (ethtool -k: gro, tso); else a proxy is on the path.",
    source: "both captures",
  };
}
