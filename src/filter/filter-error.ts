/** What is wrong with a filter, where, and how that is shown. */
import { SmtpscopeError } from "../spine/errors.ts";
import { escapeText } from "../spine/text.ts";

/** A filter that cannot be used. The message says what was expected; `position` is where, in UTF-16 units from 0. */
export class FilterError extends SmtpscopeError {
  readonly text: string;
  readonly position: number;

  constructor(text: string, position: number, message: string) {
    super("filter", message);
    this.name = "FilterError";
    this.text = text;
    this.position = position;
  }
}

/** Characters of the filter shown either side of the fault: two lines must fit an 80-column terminal. */
const SHOWN_EACH_SIDE = 34;

/** @returns two lines: what was written, or the part of it about the fault, and a caret below the fault. */
export function pointAtFault({
  text,
  position,
}: {
  readonly text: string;
  readonly position: number;
}): string {
  const from = position > SHOWN_EACH_SIDE ? position - SHOWN_EACH_SIDE : 0;
  const to = Math.min(text.length, position + SHOWN_EACH_SIDE);
  const before = (from > 0 ? "…" : "") + escapeText(text.slice(from, position));
  const after = escapeText(text.slice(position, to)) + (to < text.length ? "…" : "");
  return `${before}${after}\n${" ".repeat([...before].length)}^`;
}

/** @returns the name a typo most likely stands for, or null when none is close. */
export function nearest(word: string, names: Iterable<string>): string | null {
  // A third of the word may be wrong, and never more than two letters: beyond that it is another word.
  let least = Math.min(2, Math.floor(word.length / 3)) + 1;
  let found: string | null = null;
  for (const name of names) {
    if (Math.abs(name.length - word.length) >= least) continue;
    const steps = editSteps(word.toLowerCase(), name.toLowerCase());
    if (steps < least) {
      least = steps;
      found = name;
    }
  }
  return found;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editSteps(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let steps = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) steps = Math.min(steps, beforeLast[column - 2]! + 1);
      current.push(steps);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
