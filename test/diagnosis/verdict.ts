/**
 * Verdict: holds what the diagnosis said about one labelled capture against the truth.
 */
import type { CauseFinding } from "../../src/spine/finding.ts";
import { firstClass, type Labelled } from "./labelled-set.ts";

/** From here on a finding is a claim. */
const SURE = 0.5;
/** Of the injected delay. */
const TOLERANCE = 0.1;

/** What a fault without a delay may be said to explain: a path's few round trips. */
const NOTHING_US = 10_000;

export interface Verdict {
  readonly capture: Labelled;
  /** What leads, without its prefix, as the matrix shows it. */
  readonly said: string;
  /** The first class has more than the truth, where the server's own lookups prove it. */
  readonly blurred: boolean;
  /** Whether the truth is where the label wants it; null where the label wants silence. */
  readonly right: boolean | null;
  /** Explained and injected time that differ too much, invented causes, decoys: each in one sentence. */
  readonly wrongTime: readonly string[];
  readonly invented: readonly string[];
}

export function judge(capture: Labelled, causes: readonly CauseFinding[]): Verdict {
  const leading = firstClass(causes);
  const truth = capture.truths.find(({ id }) => leading.includes(id));
  return {
    capture,
    said: truth ? bare(truth.id) : leading.map(bare).join("|") || "nothing",
    blurred: isProved(capture) && leading.length > 1,
    right: capture.healthy || capture.applies === "quiet" ? null : isRight(capture, causes, leading),
    wrongTime: capture.applies === "first" ? wrongTimes(capture, causes) : [],
    invented: [...invented(capture, causes), ...decoys(capture, leading)],
  };
}

function isProved({ healthy, applies, alike, truths }: Labelled): boolean {
  const byLookups = truths.every(({ id }) => id.startsWith("cause/dns-"));
  return !healthy && applies === "first" && alike.length === 0 && byLookups;
}

/** The truth leads; in a mixture one of the truths leads and the others are named. */
function isRight(capture: Labelled, causes: readonly CauseFinding[], leading: readonly string[]): boolean {
  const { truths, applies, lumped } = capture;
  const named = ({ id }: { id: string }) => causes.some((cause) => cause.id === id);
  if (!(lumped ? truths.some(named) : truths.every(named))) return false;
  return applies === "named" || truths.some(({ id }) => leading.includes(id));
}

function wrongTimes({ truths, lumped, shares }: Labelled, causes: readonly CauseFinding[]): string[] {
  /** A cause may lead one class and share another: each class accounts for waits of its own. */
  const explained = (id: string) =>
    sum(causes.filter((cause) => cause.id === id).map(({ explainedUs }) => explainedUs));
  /** Classes that the truth belongs to as well are counted with it. */
  const apart = causes.filter(({ ties }) => !truths.some(({ id }) => ties.includes(id)));
  const shared = sum(
    apart.filter(({ id }) => shares.includes(bare(id))).map(({ explainedUs }) => explainedUs),
  );
  const injections = lumped
    ? [{ ids: truths.map(({ id }) => id), injectedUs: sum(truths.map((truth) => truth.injectedUs ?? 0)) }]
    : truths.map(({ id, injectedUs }) => ({ ids: [id], injectedUs }));
  return injections.flatMap(({ ids, injectedUs }) => {
    const explainedUs = Math.max(...ids.map(explained)) + shared;
    const allowedUs = Math.max(TOLERANCE * (injectedUs ?? 0), NOTHING_US);
    if (injectedUs === null || Math.abs(explainedUs - injectedUs) <= allowedUs) return [];
    return [`${ids.map(bare).join(" and ")} explains ${explainedUs} of ${injectedUs} µs`];
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** On healthy captures, and where the fault cannot be seen, only the truth and its likes may be claimed. */
function invented(capture: Labelled, causes: readonly CauseFinding[]): string[] {
  if (!capture.healthy && capture.applies !== "quiet") return [];
  const allowed = new Set([...capture.truths.map(({ id }) => bare(id)), ...capture.alike]);
  return causes
    .filter(({ id, confidence }) => confidence >= SURE && !allowed.has(bare(id)))
    .map(({ id, confidence, claim }) => `${bare(id)} (${confidence.toFixed(2)}): ${claim}`);
}

function decoys({ decoys, alike }: Labelled, leading: readonly string[]): string[] {
  return decoys
    .filter((id) => !alike.includes(id) && leading.includes(`cause/${id}`))
    .map((id) => `${id}: a decoy`);
}

/** Truth by row, what was said by column. */
export function confusionMatrix(verdicts: readonly Verdict[]): string {
  const rows = new Map<string, Map<string, number>>();
  for (const { capture, said, right } of verdicts) {
    const truth = rowOf(capture);
    const row = rows.get(truth) ?? new Map<string, number>();
    // What the label only wants named needs not lead.
    const cell = capture.applies === "named" && right ? `(${said})` : said;
    rows.set(truth, row.set(cell, (row.get(cell) ?? 0) + 1));
  }
  const width = Math.max(...[...rows.keys()].map((name) => name.length));
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([truth, row]) => {
      const cells = [...row].sort(([, a], [, b]) => b - a).map(([said, count]) => `${said} ${count}`);
      return `${truth.padEnd(width)}  ${cells.join(", ")}`;
    })
    .join("\n");
}

function rowOf({ healthy, applies, truths }: Labelled): string {
  if (healthy) return "healthy";
  const names = truths.map(({ id }) => bare(id)).join(" + ");
  return applies === "quiet" ? `hardly seen: ${names}` : names;
}

function bare(id: string): string {
  return id.replace("cause/", "");
}
