import type { InferredOptionTypes } from "yargs";
import { GROUPINGS, type GroupKey } from "../analysis/groups.ts";
import { MAIL_PORTS } from "../capture/stream/streams.ts";
import { parseFilter } from "../filter/parser.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { parseThreshold } from "../thresholds/expression.ts";
import type { AsItGoes } from "./as-it-goes.ts";
import type { ColourChoice } from "./colour.ts";
import { failOnOf } from "./fail-on.ts";
import { FINDING_NAMES } from "./finding-names.ts";
import type { ReadRequest } from "./reading.ts";
import { COMPARE_OPTIONS, referencesOf } from "./references.ts";

/** What every command that ends in a report takes: `replay` and `proxy` alike. */
export const REPORT_OPTIONS = {
  port: {
    alias: "p",
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: `Server ports that are mail whatever is said there, besides ${MAIL_PORTS.join(", ")}`,
  },
  filter: {
    alias: "Y",
    type: "string",
    requiresArg: true,
    describe: "Only exchanges that match, e.g. 'phase==rcpt && dur>1s'",
  },
  by: {
    choices: Object.keys(GROUPINGS) as GroupKey[],
    requiresArg: true,
    describe: "A table of reply times by this",
  },
  percentiles: {
    type: "string",
    default: "50,90,95,99",
    requiresArg: true,
    describe: "Which percentiles to show",
  },
  top: {
    type: "number",
    default: 10,
    requiresArg: true,
    describe: "How many of the slowest replies to list",
  },
  ...COMPARE_OPTIONS,
  slo: {
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: "A limit to check, e.g. 'rcpt.p95<500ms', 'err<1%'; may be given again",
  },
  "fail-on": {
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe:
      "End with status 1 on these: slo (a limit exceeded), or findings at least info, warning, critical",
  },
  redact: { type: "boolean", default: false, describe: "Mask the local part of mail addresses" },
  color: {
    choices: ["auto", "always", "never"] as ColourChoice[],
    default: "auto" as ColourChoice,
    requiresArg: true,
    describe: "Colour; auto: on a terminal, unless NO_COLOR is set",
  },
} as const;

export type ReportArguments = InferredOptionTypes<typeof REPORT_OPTIONS>;

/** An option that takes one value becomes an array when it is given twice. */
export function refuseRepeated(args: object, options: object): void {
  for (const [name, option] of Object.entries(options)) {
    if (!("array" in option) && Array.isArray((args as Record<string, unknown>)[name])) {
      throw new SmtpscopeError("usage", `--${name} is given more than once`);
    }
  }
}

/**
 * Checks what was asked of a report, and asks the servers that it is to be compared with.
 * @throws SmtpscopeError, FilterError
 */
export async function reportRequest(args: ReportArguments, asItGoes: AsItGoes): Promise<ReadRequest> {
  const filter = args.filter ?? null;
  if (filter !== null) parseFilter(filter, FINDING_NAMES);
  if (!Number.isInteger(args.top) || args.top < 0 || args.top > MAX_TOP) {
    throw new SmtpscopeError("usage", `--top takes a whole number from 0 to ${MAX_TOP}`);
  }
  return {
    ports: [...MAIL_PORTS, ...portsOf(args.port ?? [])],
    percentiles: percentilesOf(args.percentiles),
    top: args.top,
    by: args.by ?? null,
    redact: args.redact,
    thresholds: (args.slo ?? []).map(parseThreshold),
    failOn: failOnOf(args["fail-on"] ?? [], (args.slo ?? []).length),
    asItGoes,
    filter,
    sinceAtUs: null,
    untilAtUs: null,
    references: await referencesOf(args),
  };
}

/** More than anybody reads; each is kept in memory. */
const MAX_TOP = 1_000;

export function portsOf(texts: readonly string[]): number[] {
  return texts
    .flatMap((text) => text.split(","))
    .map((text) => {
      const port = Number(text);
      if (/^\d+$/.test(text.trim()) && port >= 1 && port <= 65_535) return port;
      throw new SmtpscopeError("usage", `-p takes port numbers from 1 to 65535, not "${text}"`);
    });
}

/** In order of size, each once. */
function percentilesOf(text: string): number[] {
  const percentiles = text.split(",").map((part) => {
    const percentile = Number(part);
    if (/^\s*\d+(\.\d+)?\s*$/.test(part) && percentile > 0 && percentile <= 100) return percentile;
    throw new SmtpscopeError(
      "usage",
      `--percentiles takes numbers above 0 up to 100, such as 50,95,99.9; not "${part}"`,
    );
  });
  return [...new Set(percentiles)].sort((a, b) => a - b);
}
