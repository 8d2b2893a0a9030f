import type { Difference, Evidence, RewritingFinding } from "../spine/finding.ts";
import { plural } from "../spine/format.ts";
import type { KnownHost } from "./server-names.ts";
import type { RewritingId, Signature, Sum } from "./signature.ts";
import { SIGNATURES } from "./signatures/index.ts";
import { serversText } from "./sum-text.ts";

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
/** Servers of which one and the same line came, whose names are looked for. */
const MAX_SERVERS_A_VARIANT = 4;

interface Variant {
  readonly variant: string;
  dialogues: number;
  /** The name that a server gave itself in its reply to EHLO or HELO. */
  host: string | null;
  /** Distinct, the first few. */
  readonly servers: string[];
  evidence: Evidence[];
  difference?: Difference;
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

/** A sighting in one dialogue; texts are escaped. */
export interface Note {
  readonly id: RewritingId;
  readonly basis: RewritingFinding["basis"];
  /** The first of this id in its dialogue. */
  readonly isFirst: boolean;
  readonly confidence: number;
  readonly variant: string;
  readonly host: string | null;
  readonly server: string;
  readonly atUs: number | null;
  readonly difference: Difference | undefined;
}

/** Of what only several dialogues show together. */
export function acrossNote(
  id: RewritingId,
  confidence: number,
  variant: string,
  server: string,
  atUs: number | null,
): Note {
  const basis = "likely";
  return { id, basis, isFirst: true, confidence, variant, host: null, server, atUs, difference: undefined };
}

export class Ledger {
  readonly #tallies = { seen: new Map<RewritingId, Tally>(), likely: new Map<RewritingId, Tally>() };

  /** @param evidence called if it is wanted */
  note(note: Note, evidence: () => Evidence): void {
    const { id, basis, isFirst, confidence, variant, host, server, atUs, difference } = note;
    const tally = this.#tally(id, basis);
    if (isFirst) tally.dialogues++;
    if (confidence > tally.confidence) tally.confidence = confidence;
    addServer(tally, server);
    const known = variantOf(tally, variant);
    if (known === undefined) return;
    known.dialogues++;
    known.host ??= host;
    addServerOf(known, server);
    if (difference !== undefined) known.difference ??= difference;
    const last = known.evidence.at(-1);
    if (known.evidence.length === MAX_EVIDENCE_A_VARIANT && (atUs ?? 0) > (last?.atUs ?? 0)) return;
    addEvidence(known, [evidence()]);
  }

  /** Further dialogues in which what was noted is the case. */
  more(id: RewritingId, basis: RewritingFinding["basis"], variant: string, dialogues: number): void {
    const tally = this.#tally(id, basis);
    tally.dialogues += dialogues;
    const known = variantOf(tally, variant);
    if (known !== undefined) known.dialogues += dialogues;
  }

  part(): LedgerPart {
    return [...this.#tallies.seen.values(), ...this.#tallies.likely.values()];
  }

  add(part: LedgerPart): void {
    for (const { id, basis, dialogues, confidence, servers, manyServers, variants } of part) {
      const tally = this.#tally(id, basis);
      tally.dialogues += dialogues;
      tally.confidence = Math.max(tally.confidence, confidence);
      tally.manyServers ||= manyServers;
      for (const server of servers) addServer(tally, server);
      for (const { variant, ...more } of variants) {
        const known = variantOf(tally, variant);
        if (known === undefined) continue;
        known.dialogues += more.dialogues;
        known.host ??= more.host;
        for (const server of more.servers) addServerOf(known, server);
        if (more.difference !== undefined) known.difference ??= more.difference;
        addEvidence(known, more.evidence);
      }
    }
  }

  /** @param namesOf what the host of a server is called, by others than itself */
  findings(namesOf: (server: string) => readonly KnownHost[]): RewritingFinding[] {
    const findings = SIGNATURES.flatMap((signature) =>
      (["seen", "likely"] as const).flatMap((basis) => {
        const tally = this.#tallies[basis].get(signature.id);
        return tally === undefined ? [] : [findingOf(signature, tally, namesOf)];
      }),
    );
    const rank = { critical: 0, warning: 1, info: 2 };
    return findings.sort((a, b) => rank[a.severity] - rank[b.severity] || b.confidence - a.confidence);
  }

  #tally(id: RewritingId, basis: RewritingFinding["basis"]): Tally {
    const tallies = this.#tallies[basis];
    let tally = tallies.get(id);
    if (tally === undefined) {
      tally = { id, basis, dialogues: 0, confidence: 0, servers: [], manyServers: false, variants: [] };
      tallies.set(id, tally);
    }
    return tally;
  }
}

function findingOf(
  signature: Signature,
  tally: Tally,
  namesOf: (server: string) => readonly KnownHost[],
): RewritingFinding {
  const { id, severity, remedy, source } = signature;
  const { basis, confidence, dialogues } = tally;
  const sum = sumOf(tally, namesOf);
  const variants = tally.variants.toSorted(byCount);
  const recognised = basis === "likely" && signature.stage !== "compared" ? signature : null;
  const differences = variants.flatMap(({ difference }) => difference ?? []).slice(0, MAX_EVIDENCE);
  return {
    kind: "finding",
    id,
    severity,
    confidence,
    basis,
    dialogues,
    claim: recognised === null ? seenClaim(sum) : recognised.claim(sum),
    evidence: inTurn(variants.map((variant) => variant.evidence)),
    remedy,
    source,
    ...(recognised?.originals === undefined ? {} : { originals: recognised.originals(sum) }),
    ...(differences.length === 0 ? {} : { differences }),
  };
}

function seenClaim(sum: Sum): string {
  const others = sum.variants.length - 1;
  return (
    `What arrived is not what the server says, in ${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: ` +
    `${sum.variants[0]?.variant ?? ""}${others > 0 ? `, and ${plural(others, "other change")}` : ""}.`
  );
}

function sumOf(
  { dialogues, servers, manyServers, variants }: Tally,
  namesOf: (server: string) => readonly KnownHost[],
): Sum {
  return {
    dialogues,
    servers: servers.toSorted(),
    manyServers,
    variants: variants.toSorted(byCount).map(({ variant, dialogues, host, servers }) => ({
      variant,
      dialogues,
      hosts: [...saysItself(host), ...servers.toSorted().flatMap(namesOf)].sort((a, b) => b.trust - a.trust),
    })),
  };
}

function saysItself(host: string | null): KnownHost[] {
  return host === null ? [] : [{ host, from: "its reply to EHLO or HELO", trust: 1 }];
}

function addServerOf({ servers }: Variant, server: string): void {
  if (servers.length < MAX_SERVERS_A_VARIANT && !servers.includes(server)) servers.push(server);
}

function addServer(tally: Tally, server: string): void {
  if (tally.servers.includes(server)) return;
  if (tally.servers.length < MAX_SERVERS) tally.servers.push(server);
  else tally.manyServers = true;
}

/** @returns undefined when there are too many */
function variantOf({ variants }: Tally, variant: string): Variant | undefined {
  const known = variants.find((each) => each.variant === variant);
  if (known !== undefined || variants.length === MAX_VARIANTS) return known;
  const added = { variant, dialogues: 0, host: null, servers: [], evidence: [] };
  variants.push(added);
  return added;
}

function addEvidence(variant: Variant, evidence: readonly Evidence[]): void {
  variant.evidence = [...variant.evidence, ...evidence].sort(byPlace).slice(0, MAX_EVIDENCE_A_VARIANT);
}

function byPlace(a: Evidence, b: Evidence): number {
  return (
    (a.atUs ?? 0) - (b.atUs ?? 0) ||
    (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
    (a.frame ?? 0) - (b.frame ?? 0)
  );
}

function byCount(a: Variant, b: Variant): number {
  return b.dialogues - a.dialogues || (a.variant < b.variant ? -1 : 1);
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
