import type { CauseFinding } from "../spine/finding.ts";
import { durationText, percentText, plural } from "../spine/format.ts";
import { PHASES, type Phase } from "../spine/phase.ts";
import type { WaitingPart, WaitingView } from "../spine/report.ts";
import { decide } from "./decide.ts";
import { evidenceOf } from "./describe.ts";
import { judge, type Verdict } from "./judge.ts";
import type { Sample } from "./sample.ts";
import { waitedIn } from "./sample.ts";
import { whereOf } from "./where.ts";

/** Verdicts as findings, and the account of all waiting. */

/** Stretches listed as evidence of one finding, the longest. */
const MAX_EVIDENCE = 5;
/** Fewer dialogues than this show no pattern. */
const ENOUGH = 3;
/** From here on a class is what somebody has to deal with. */
const NAMED = 0.3;

export interface Conclusion {
  readonly findings: CauseFinding[];
  readonly waiting: WaitingView;
}

export function conclude(sample: Sample): Conclusion {
  const verdicts = judge(sample);
  // Of very many late dialogues a sample is judged: its parts stand for the whole.
  const sampledUs = sample.late.reduce((sum, dialogue) => sum + waitedIn(dialogue), 0);
  const scale = sampledUs === 0 ? 1 : sample.lateWaitedUs / sampledUs;
  const count = sample.late.length === 0 ? 1 : sample.lateCount / sample.late.length;
  const totalUs = sample.lateWaitedUs + sample.promptWaitedUs;
  const parts = verdicts.map((verdict, i) => partOf(verdict, i + 1, totalUs, scale, count, sample));
  const findings = verdicts.flatMap((verdict, i) => findingsOf(verdict, parts[i]!, totalUs, scale));
  return { findings, waiting: waitingOf(sample, parts, verdicts, totalUs) };
}

function waitingOf(
  sample: Sample,
  parts: readonly WaitingPart[],
  verdicts: readonly Verdict[],
  totalUs: number,
): WaitingView {
  const explaining = parts.filter(({ explainedUs }) => explainedUs > 0);
  const unexplainedUs = totalUs - explaining.reduce((sum, { explainedUs }) => sum + explainedUs, 0);
  const sure = verdicts.some(({ sure }) => sure >= NAMED);
  const dialogues = sample.lateCount + sample.visitCount;
  const scope = dialogues < ENOUGH ? "unknown" : sure ? scopeOf(explaining) : "none";
  return {
    waitedUs: totalUs - sample.unseenUs,
    unseenUs: sample.unseenUs,
    parts: [...explaining].sort((a, b) => b.explainedUs - a.explainedUs),
    unexplainedUs,
    promptUs: sample.promptWaitedUs,
    scope,
    verdict: verdictText(explaining, unexplainedUs, totalUs, scope, dialogues),
  };
}

/** Where the largest part of what is explained concerned only some, the delay is isolated. */
function scopeOf(parts: readonly WaitingPart[]): "isolated" | "general" {
  const isolatedUs = parts.reduce(
    (sum, { where, explainedUs }) => sum + (where === null ? 0 : explainedUs),
    0,
  );
  const allUs = parts.reduce((sum, { explainedUs }) => sum + explainedUs, 0);
  return isolatedUs > allUs / 2 ? "isolated" : "general";
}

function verdictText(
  parts: readonly WaitingPart[],
  unexplainedUs: number,
  totalUs: number,
  scope: WaitingView["scope"],
  dialogues: number,
): string {
  const few = `too few dialogues (${dialogues}) to know a pattern`;
  if (scope === "unknown" && parts.length === 0) return `${durationText(totalUs)} waited; ${few}`;
  if (scope === "none")
    return `nothing wrong: replies came promptly (${durationText(totalUs)} waited in all)`;
  const shares = parts.map(
    ({ explainedUs, share, what, where }) =>
      `${durationText(explainedUs)} (${percentText(share)}) ${what}${where === null ? "" : ` of ${where}`}`,
  );
  const rest = unexplainedUs > 0 ? [`${durationText(unexplainedUs)} unexplained`] : [];
  const whom =
    scope === "unknown" ? few : scope === "isolated" ? "only some are concerned" : "everybody is concerned";
  return `of ${durationText(totalUs)} waited: ${[...shares, ...rest].join(", ")}; ${whom}`;
}

function partOf(
  { causes, items, explainedUs }: Verdict,
  rank: number,
  totalUs: number,
  scale: number,
  count: number,
  sample: Sample,
): WaitingPart {
  const concerned = new Set(items.map(({ dialogue }) => dialogue));
  const others = [...sample.late.filter((dialogue) => !concerned.has(dialogue)), ...sample.visits];
  const scaledUs = Math.floor(explainedUs * scale);
  return {
    causes: causes.map(({ cause }) => cause.id),
    rank,
    phases: phasesOf(items),
    explainedUs: scaledUs,
    share: totalUs === 0 ? 0 : scaledUs / totalUs,
    dialogues: Math.round(concerned.size * count),
    what: nounOf(causes.map(({ cause }) => cause.noun)),
    where: whereOf([...concerned], others),
  };
}

function nounOf(nouns: readonly string[]): string {
  if (nouns.length <= 3) return nouns.join(" or ");
  return `${nouns.slice(0, 2).join(", ")} or ${nouns.length - 2} others`;
}

function phasesOf(items: Verdict["items"]): Phase[] {
  const found = new Set(items.map(({ reply }) => reply.phase));
  return PHASES.filter((_, i) => found.has(i));
}

function findingsOf(verdict: Verdict, part: WaitingPart, totalUs: number, scale: number): CauseFinding[] {
  const { causes, items, patterns } = verdict;
  const replies = new Set(items.map(({ reply }) => reply));
  const waitedUs = Math.round([...replies].reduce((sum, reply) => sum + reply.waitedUs, 0) * scale);
  const longest = [...items].sort((a, b) => b.stretch.lengthUs - a.stretch.lengthUs);
  const evidence = longest.slice(0, MAX_EVIDENCE).map(evidenceOf);
  const unsure = patterns.some(
    ({ arrivedShare, clockShare, besideServer }) =>
      arrivedShare < 0.5 && clockShare < 0.5 && besideServer !== true,
  );
  return causes.map(({ cause, weight, confidence }) => {
    const against = [
      ...(weight.against === undefined ? [] : [weight.against]),
      ...(unsure && part.explainedUs > 0 && items.some(({ stretch }) => stretch.spent.kind === "silence")
        ? [
            "whether the server had the command in time is not to be seen: one that was held on its way looks the same",
          ]
        : []),
      ...(part.dialogues < ENOUGH ? [`too few: seen in ${plural(part.dialogues, "dialogue")} only`] : []),
    ];
    return {
      kind: "finding",
      id: cause.id,
      rank: part.rank,
      ties: part.causes.filter((id) => id !== cause.id),
      confidence,
      severity: cause.severity,
      deliberate: cause.deliberate,
      phases: part.phases,
      waitedUs: Math.max(waitedUs, part.explainedUs),
      explainedUs: part.explainedUs,
      dialogues: part.dialogues,
      claim: claimOf(cause.noun, weight.why, part, totalUs, longest[0]!.stretch.lengthUs),
      evidence,
      against: against.map((text) => ({ file: "", frame: null, tcpStream: null, atUs: null, text })),
      decide: decide(part.causes),
      remedy: cause.remedy,
      source: cause.source,
    } satisfies CauseFinding;
  });
}

function claimOf(noun: string, why: string, part: WaitingPart, totalUs: number, longestUs: number): string {
  const whom = part.where === null ? "" : ` of ${part.where}`;
  const where = `in ${plural(part.dialogues, "dialogue")}${whom}`;
  const reason = why === "" ? "" : `: ${why}`;
  const { explainedUs, share } = part;
  if (explainedUs === 0) {
    const longest = longestUs > 0 ? `, up to ${durationText(longestUs)}` : "";
    return `${noun} ${where}${longest}${reason}`;
  }
  const possibly = part.causes.length > 1 ? "possibly " : "";
  return `${durationText(explainedUs)} (${percentText(share)}) of ${durationText(totalUs)} waited: ${possibly}${noun} ${where}, up to ${durationText(longestUs)}${reason}`;
}
