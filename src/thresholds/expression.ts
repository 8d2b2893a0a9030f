import { SmtpscopeError } from "../spine/errors.ts";
import { PHASES, type Phase } from "../spine/phase.ts";
import type { Measure, Threshold } from "../spine/threshold.ts";

/**
 * Thresholds as they are written: `rcpt.p95<500ms`, `banner.max<=2s`, `err<1%`, `rcpt.err<5%`, `n>=100`.
 *
 * Without a phase only what can be said of all exchanges together: `err` and `n`. Durations need a unit.
 */

/** A threshold that cannot be used; `position` is where, in UTF-16 units from 0. */
export class ThresholdError extends SmtpscopeError {
  readonly text: string;
  readonly position: number;

  constructor(text: string, position: number, message: string) {
    super("usage", message);
    this.name = "ThresholdError";
    this.text = text;
    this.position = position;
  }
}

const UNITS_US: Readonly<Record<string, number>> = {
  us: 1,
  µs: 1,
  μs: 1,
  ms: 1_000,
  s: 1_000_000,
};

const MEASURES: ReadonlySet<string> = new Set<Measure>(["max", "min", "mean", "n", "err"]);
const ALL_MEASURES = "p50 p95 p99.9 …, max, min, mean, n or err";

/** @throws ThresholdError */
export function parseThreshold(text: string): Threshold {
  const reader = new Reader(text);
  const first = reader.take(/[a-z-]+(?=\s*\.)/iy);
  const phase = first === "" ? null : phaseOf(first.toLowerCase(), text, reader.tookAt);
  if (phase !== null) reader.take(/\./y);
  const { measure, percentile } = measureOf(reader, text);
  if (phase === null && measure !== "n" && measure !== "err")
    throw new ThresholdError(text, reader.tookAt, `of which phase? Say e.g. rcpt.${reader.took}`);
  const operator = reader.take(/[<>]=?/y);
  if (operator === "") throw new ThresholdError(text, reader.at, "expected < <= > or >= here");
  const limit = limitOf(reader, measure, text);
  reader.skipBlanks();
  if (reader.at < text.length)
    throw new ThresholdError(text, reader.at, "expected the end; give each threshold an --slo of its own");
  return {
    text: text.replace(/\s+/g, ""),
    phase,
    measure,
    percentile,
    operator: operator as Threshold["operator"],
    limit,
  };
}

class Reader {
  at = 0;
  took = "";
  tookAt = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  skipBlanks(): void {
    while (/\s/.test(this.#text[this.at] ?? "")) this.at++;
  }

  /** @param pattern sticky. @returns what matches here, behind blanks; empty if nothing does */
  take(pattern: RegExp): string {
    this.skipBlanks();
    pattern.lastIndex = this.at;
    this.took = pattern.exec(this.#text)?.[0] ?? "";
    this.tookAt = this.at;
    this.at += this.took.length;
    return this.took;
  }
}

function phaseOf(name: string, text: string, position: number): Phase {
  const phase = PHASES.find((known) => known === name);
  if (phase !== undefined) return phase;
  throw new ThresholdError(text, position, `"${name}" is no phase; phases are ${PHASES.join(" ")}`);
}

function measureOf(reader: Reader, text: string): { measure: Measure; percentile: number | null } {
  const word = reader.take(/[a-z]+(?:\d+(?:\.\d+)?)?/iy).toLowerCase();
  const number = /^p(\d+(?:\.\d+)?)$/.exec(word)?.[1];
  if (number !== undefined) {
    const percentile = Number(number);
    if (percentile > 0 && percentile <= 100) return { measure: "percentile", percentile };
    throw new ThresholdError(text, reader.tookAt, "a percentile is above 0 and at most 100");
  }
  if (MEASURES.has(word)) return { measure: word as Measure, percentile: null };
  throw new ThresholdError(text, reader.tookAt, `expected ${ALL_MEASURES} here`);
}

function limitOf(reader: Reader, measure: Measure, text: string): number {
  const digits = reader.take(/\d+(?:\.\d+)?/y);
  if (digits === "") throw new ThresholdError(text, reader.at, "expected a number here");
  const number = Number(digits);
  const numberAt = reader.tookAt;
  if (measure === "n") return number;
  if (measure === "err") {
    if (reader.take(/%/y) === "") throw new ThresholdError(text, reader.at, "expected % here, as in err<1%");
    if (number > 100) throw new ThresholdError(text, numberAt, "a share is at most 100 %");
    return number / 100;
  }
  const unitUs = UNITS_US[reader.take(/[a-zµμ]+/iy)];
  if (unitUs === undefined)
    throw new ThresholdError(text, reader.tookAt, "expected a unit here: us, ms or s");
  return number * unitUs;
}
