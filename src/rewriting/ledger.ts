import type { Evidence, RewritingFinding } from "../spine/finding.ts";
import type { RewritingId, Sighting, Sum } from "./signature.ts";
import { SIGNATURES } from "./signatures/index.ts";

/**
 * Adds up sightings to findings: counts, and of the rest the first few. Which evidence is kept depends
 * on what there is, not on the order in which it comes: parts of an input are read by several threads.
 */

/** More than a reader looks at; each has its evidence. */
const MAX_VARIANTS = 32;
/** Of one variant, so that there is another to look at if the first is an odd one. */
const MAX_EVIDENCE_A_VARIANT = 3;
/** Of one finding, the variants taken in turn. */
const MAX_EVIDENCE = 6;
/** Servers named or counted for one finding. */
const MAX_SERVERS = 16;

interface Variant {
  variant: string;
  dialogues: number;
  evidence: Evidence[];
}

interface Tally {
  readonly id: RewritingId;
  readonly basis: RewritingFinding["basis"];
  dialogues: number;
  confidence: number;
  readonly servers: string[];
  manyServers: boolean;
  readonly variants: Variant[];
}

/** A ledger on its way between threads: plain values. */
export type LedgerPart = readonly Tally[];

export class Ledger {
  readonly #tallies = new Map<string, Tally>();

  /** Notes a sighting of which this dialogue had none before. */
  note(
    id: RewritingId,
    basis: RewritingFinding["basis"],
    server: string,
    sighting: Sighting,
    evidence: Evidence,
  ): void {
    const { variant, confidence } = sighting;
    const variants = [{ variant, dialogues: 1, evidence: [evidence] }];
    this.#add({ id, basis, dialogues: 1, confidence, servers: [server], manyServers: false, variants });
  }

  part(): LedgerPart {
    return [...this.#tallies.values()];
  }

  add(part: LedgerPart): void {
    for (const tally of part) this.#add(tally);
  }

  #add(tally: Tally): void {
    const key = `${tally.id} ${tally.basis}`;
    const known = this.#tallies.get(key);
    if (known === undefined) {
      this.#tallies.set(key, structuredClone(tally));
      return;
    }
    known.dialogues += tally.dialogues;
    known.confidence = Math.max(known.confidence, tally.confidence);
    known.manyServers ||= tally.manyServers;
    for (const server of tally.servers) {
      if (known.servers.includes(server)) continue;
      if (known.servers.length < MAX_SERVERS) known.servers.push(server);
      else known.manyServers = true;
    }
    for (const variant of tally.variants) addVariant(known.variants, variant);
  }

  findings(): RewritingFinding[] {
    const findings: RewritingFinding[] = [];
    for (const { id, severity, remedy, source, claim } of SIGNATURES) {
      for (const basis of ["seen", "likely"] as const) {
        const tally = this.#tallies.get(`${id} ${basis}`);
        if (tally === undefined) continue;
        const variants = tally.variants.toSorted((a, b) => b.dialogues - a.dialogues || compare(a, b));
        const { dialogues, confidence, servers, manyServers } = tally;
        const sum: Sum = { dialogues, servers, manyServers, variants };
        const evidence = inTurn(variants.map((variant) => variant.evidence));
        const text = { claim: claim(sum), evidence, remedy, source };
        findings.push({ kind: "finding", id, severity, confidence, basis, dialogues, ...text });
      }
    }
    const rank = { critical: 0, warning: 1, info: 2 };
    return findings.sort((a, b) => rank[a.severity] - rank[b.severity] || b.confidence - a.confidence);
  }
}

function addVariant(variants: Variant[], { variant, dialogues, evidence }: Variant): void {
  const known = variants.find((each) => each.variant === variant);
  if (known === undefined) {
    if (variants.length < MAX_VARIANTS) variants.push({ variant, dialogues, evidence: [...evidence] });
    return;
  }
  known.dialogues += dialogues;
  known.evidence = [...known.evidence, ...evidence].sort(byPlace).slice(0, MAX_EVIDENCE_A_VARIANT);
}

function byPlace(a: Evidence, b: Evidence): number {
  return (
    (a.atUs ?? 0) - (b.atUs ?? 0) ||
    (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
    (a.frame ?? 0) - (b.frame ?? 0)
  );
}

function compare(a: Variant, b: Variant): number {
  return a.variant < b.variant ? -1 : 1;
}

/** The first of each list, then the second of each … */
function inTurn(lists: readonly (readonly Evidence[])[]): Evidence[] {
  const taken: Evidence[] = [];
  for (let turn = 0; turn < MAX_EVIDENCE_A_VARIANT; turn++) {
    for (const list of lists) {
      const evidence = list[turn];
      if (evidence !== undefined && taken.length < MAX_EVIDENCE) taken.push(evidence);
    }
  }
  return taken;
}
