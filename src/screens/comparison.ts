import type { KeptDialogue, KeptExchange } from "../spine/kept.ts";
import type { ScreenHost, ShownDifference } from "./model.ts";

/** Two dialogues side by side: the exchanges that belong together, and what was said otherwise. */
export interface ComparedExchange {
  readonly verb: string;
  readonly a: KeptExchange | null;
  readonly b: KeptExchange | null;
  readonly differences: readonly ShownDifference[];
}

/** Longer dialogues are compared place by place beyond this: the effort grows with the square. */
const MAX_ALIGNED = 400;

export function compareDialogues(
  a: KeptDialogue,
  b: KeptDialogue,
  differences: ScreenHost["differences"],
): ComparedExchange[] {
  const [left, right] = [
    (a.exchanges ?? []).slice(0, MAX_ALIGNED),
    (b.exchanges ?? []).slice(0, MAX_ALIGNED),
  ];
  return aligned(left, right).map(([x, y]) => ({
    verb: (x ?? y)!.verb,
    a: x,
    b: y,
    differences: x === null || y === null ? [] : said(x, y, differences),
  }));
}

function said(a: KeptExchange, b: KeptExchange, differences: ScreenHost["differences"]): ShownDifference[] {
  const [asked, otherAsked] = [a, b].map(
    ({ command, commandOctets }) => commandOctets ?? withEnds(command === null ? [] : [command]),
  );
  const [reply, otherReply] = [a, b].map(({ lines, replyOctets }) => replyOctets ?? withEnds(lines));
  return [
    ...(asked === otherAsked ? [] : differences(asked!, otherAsked!, false)),
    ...(reply === otherReply ? [] : differences(reply!, otherReply!, a.phase === "ehlo")),
  ];
}

function withEnds(lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}

type Pair = readonly [KeptExchange | null, KeptExchange | null];

/** The longest common sequence of verbs, as in any diff. */
function aligned(a: readonly KeptExchange[], b: readonly KeptExchange[]): Pair[] {
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i]!.verb === b[j]!.verb
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [x, y] = [a[i], b[j]];
    if (x !== undefined && y !== undefined && x.verb === y.verb) {
      pairs.push([x, y]);
      i++;
      j++;
    } else if (
      y === undefined ||
      (x !== undefined && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)
    ) {
      pairs.push([x!, null]);
      i++;
    } else {
      pairs.push([null, y]);
      j++;
    }
  }
  return pairs;
}
