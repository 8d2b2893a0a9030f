import type { ReferenceLine } from "../../spine/reference.ts";
import { type ByteString, endOf } from "../compare/line.ts";

/** A reference's line against one that arrived: the same but for what varies? */

/** A date as RFC 5322 writes it, as servers put it into greetings. */
export const DATE =
  "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), {1,2}\\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \\d{4} \\d\\d:\\d\\d:\\d\\d(?: (?:[+-]\\d{4}|[A-Z]{3,4}))?(?: \\([A-Z]{3,5}\\))?";

const DATE_ALONE = new RegExp(`^${DATE}$`);

/** Lines longer than this are compared as they are: no server's reply is (RFC 5321 §4.5.3.1.5). */
const MAX_LINE = 2_048;

export function matches(line: ReferenceLine, arrived: ByteString): boolean {
  if (arrived.length > MAX_LINE) return false;
  const only = line.length === 1 ? line[0] : undefined;
  if (typeof only === "string") return only === arrived;
  return regexpOf(line).test(arrived);
}

const compiled = new WeakMap<ReferenceLine, RegExp>();

function regexpOf(line: ReferenceLine): RegExp {
  let regexp = compiled.get(line);
  if (regexp === undefined) {
    const source = line.map((part) => (typeof part === "string" ? escaped(part) : classOf(part.varies)));
    regexp = new RegExp(`^${source.join("")}$`);
    compiled.set(line, regexp);
  }
  return regexp;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

/** What may stand where this stood. */
function classOf(sample: string): string {
  if (DATE_ALONE.test(sample)) return DATE;
  if (/^[\r\n]+$/.test(sample)) return "\\r?\\n?";
  if (/^\d+$/.test(sample)) return "\\d+";
  if (/^[A-Za-z0-9]+$/.test(sample)) return "[A-Za-z0-9]+";
  if (/^\S+$/.test(sample)) return "[^ \\t\\r\\n]+";
  return "[^\\r\\n]*";
}

/** A line with its samples. */
export function sampleOf(line: ReferenceLine): ByteString {
  return line.map((part) => (typeof part === "string" ? part : part.varies)).join("");
}

/**
 * The line as the server would have said it when this one arrived: where the line varies it takes what
 * arrived, so that only what the path changed differs.
 */
export function filledFrom(line: ReferenceLine, arrived: ByteString): ByteString {
  const last = line.at(-1);
  // A line end that nobody has seen is the one that arrived.
  if (typeof last === "object" && /^[\r\n]+$/.test(last.varies)) {
    const end = endOf(arrived);
    return filledFrom(line.slice(0, -1), arrived.slice(0, end)) + arrived.slice(end);
  }
  const dates = arrived.match(new RegExp(DATE, "g")) ?? [];
  let used = 0;
  const dated = line.map((part) =>
    typeof part === "object" && DATE_ALONE.test(part.varies) ? (dates[used++] ?? part) : part,
  );
  const fitting = MASKED.test(arrived) ? fitted(dated, arrived.length) : dated;
  return sampleOf(fitting).length === arrived.length ? filledInPlace(fitting, arrived) : sampleOf(dated);
}

/** A day has one digit or two, a number more at times: the first part that varies is made as long as it must be. */
function fitted(line: ReferenceLine, length: number): ReferenceLine {
  const by = length - sampleOf(line).length;
  if (by === 0 || Math.abs(by) > MAX_STRETCH) return line;
  const at = line.findIndex((part) => typeof part === "object" && part.varies.length + by > 0);
  return line.map((part, i) => {
    if (i !== at || typeof part === "string") return part;
    return { varies: by < 0 ? part.varies.slice(-by) : "0".repeat(by) + part.varies };
  });
}

/** What was masked keeps its length, and shows no date. */
const MASKED = /\*{3}|X{3}/;
/** Beyond it, it is another line. */
const MAX_STRETCH = 3;

/** Of one length: what was overwritten stays as the sample has it. */
function filledInPlace(line: ReferenceLine, arrived: ByteString): ByteString {
  let at = 0;
  return line
    .map((part) => {
      const from = at;
      at += typeof part === "string" ? part.length : part.varies.length;
      if (typeof part === "string") return part;
      return [...part.varies]
        .map((character, i) => {
          const there = arrived[from + i]!;
          return /[A-Za-z0-9]/.test(there) && there !== "X" && there !== "x" ? there : character;
        })
        .join("");
    })
    .join("");
}
