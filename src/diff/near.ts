import type { RecordedDialogue } from "./recorded.ts";

/** Of dialogues in order of their start those near an instant, the nearest first. */
export function* near(
  sorted: readonly RecordedDialogue[],
  at: number,
  withinUs: number,
  most: number,
): Generator<RecordedDialogue> {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.startAt < at) low = middle + 1;
    else high = middle;
  }
  let before = low - 1;
  let after = low;
  for (let count = 0; count < most; count++) {
    const earlier = before >= 0 ? at - sorted[before]!.startAt : Number.POSITIVE_INFINITY;
    const later = after < sorted.length ? sorted[after]!.startAt - at : Number.POSITIVE_INFINITY;
    if (Math.min(earlier, later) > withinUs) return;
    yield earlier <= later ? sorted[before--]! : sorted[after++]!;
  }
}
