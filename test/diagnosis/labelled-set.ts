/**
 * The labelled set: captures of known faults, made by the lab (test/lab/README.md), and what the
 * diagnosis says about them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Reading, type ReadRequest } from "../../src/cli/reading.ts";
import { assemble } from "../../src/cli/report.ts";
import type { CauseFinding } from "../../src/spine/finding.ts";
import type { Report } from "../../src/spine/report.ts";

const DIRECTORY = new URL("labelled/", import.meta.url).pathname;

/** As test/lab/faults/label.mjs writes it. */
interface Label {
  readonly scenario: string;
  readonly server: string;
  readonly healthy: boolean;
  readonly causes: readonly {
    readonly id: string;
    readonly phases: readonly string[];
    readonly injectedUs: number | null;
  }[];
  readonly decoys: readonly string[];
  readonly captures: Readonly<Record<"client" | "server", LabelledSide>>;
}

interface LabelledSide {
  readonly file: string;
  readonly applies: "first" | "named" | "quiet";
  readonly alike: readonly string[];
  readonly blind: readonly string[];
  readonly lumped: boolean;
  readonly shares: readonly string[];
}

/** One capture and the truth about it. */
export interface Labelled extends LabelledSide {
  readonly name: string;
  readonly path: string;
  readonly healthy: boolean;
  readonly decoys: readonly string[];
  /** Those that leave a trace on this side; the worst first. */
  readonly truths: readonly { readonly id: string; readonly injectedUs: number | null }[];
}

export function labelledSet(): Labelled[] {
  const labels = readdirSync(DIRECTORY).filter((name) => name.endsWith(".label.json"));
  return labels.flatMap((file) => {
    const label: Label = JSON.parse(readFileSync(join(DIRECTORY, file), "utf8"));
    return (["client", "server"] as const).map((side) => {
      const { blind } = label.captures[side];
      return {
        ...label.captures[side],
        name: `${label.scenario} (${side})`,
        path: join(DIRECTORY, `${label.captures[side].file}.gz`),
        healthy: label.healthy,
        decoys: label.decoys,
        truths: label.causes
          .filter(({ id }) => !blind.includes(id))
          .map(({ id, injectedUs }) => ({ id: `cause/${id}`, injectedUs })),
      };
    });
  });
}

export function packetsOf({ path }: Labelled): Buffer {
  return gunzipSync(readFileSync(path));
}

const REQUEST: ReadRequest = {
  filter: null,
  sinceAtUs: null,
  untilAtUs: null,
  ports: [25, 465, 587],
  percentiles: [50, 95, 99],
  top: 0,
  by: null,
  redact: false,
  thresholds: [],
  failOn: { slo: false, severity: null },
  references: [],
  asItGoes: "nothing",
};

/** What the command says about one capture; `ports` as for --ports. */
export async function causesIn(path: string, ports = REQUEST.ports): Promise<CauseFinding[]> {
  const { findings } = await reportOf(path, ports);
  return findings.filter((finding): finding is CauseFinding => finding.id.startsWith("cause/"));
}

/** The report on captures that are read one after the other. */
export async function reportOf(paths: string | readonly string[], ports = REQUEST.ports): Promise<Report> {
  const files = typeof paths === "string" ? [paths] : paths;
  const request = { ...REQUEST, ports };
  const signal = new AbortController().signal;
  const reading = new Reading(request, { signal, onProgress: () => {}, write: () => {} });
  for (const file of files) await reading.group([file]);
  return assemble([await reading.finish(reading.servers)], request, files);
}

/** The ids of the first class: what leads, and what the evidence cannot tell from it. */
export function firstClass(causes: readonly CauseFinding[]): string[] {
  const leading = causes.filter(({ rank }) => rank === 1);
  return [...new Set(leading.flatMap(({ id, ties }) => [id, ...ties]))].map(withPrefix).sort();
}

/** Ids in `ties` may be written with or without the prefix; here they all have it. */
function withPrefix(id: string): string {
  return id.startsWith("cause/") ? id : `cause/${id}`;
}
