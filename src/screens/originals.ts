import type { Finding } from "../spine/finding.ts";
import type { KeptDialogue } from "../spine/kept.ts";

/** What a line was before the path changed it. */
export interface Original {
  readonly text: string;
  /** Carets under what differs, in the line as it arrived and in what it was. */
  readonly marks: string;
  readonly textMarks: string;
  /** How that is known. */
  readonly note: string;
}

/** Finds what was said by lines of a dialogue as they arrived, of what was found in it. */
export function originalsIn(
  dialogue: KeptDialogue,
  findings: readonly Finding[],
): (line: string) => Original | null {
  const proven = new Map<string, Original>();
  const guessed: { masked: string; text: string; note: string }[] = [];
  for (const finding of findings) {
    if (!("basis" in finding) || !dialogue.findings.includes(finding.id)) continue;
    for (const { before, after, beforeMarks, afterMarks } of finding.differences ?? []) {
      if (before === "" || after === "") continue;
      const note = "as the server says it itself";
      proven.set(bare(after), { text: bare(before), marks: afterMarks, textMarks: beforeMarks, note });
    }
    for (const { masked, candidates } of finding.originals ?? []) {
      const best = candidates[0];
      if (best === undefined) continue;
      guessed.push({ masked, text: best.text, note: `${Math.round(best.share * 100)} %: ${best.inferred}` });
    }
  }
  return (line) => proven.get(line) ?? guess(line, guessed);
}

/** Without its line end, which is escaped. */
function bare(shown: string): string {
  return shown.replace(/(?:\\r)?\\n$/, "");
}

/** The masked text is the line, or what follows its code. */
function guess(
  line: string,
  guessed: readonly { masked: string; text: string; note: string }[],
): Original | null {
  for (const { masked, text, note } of guessed) {
    const start = line === masked ? 0 : /^\d{3}[ -]/.test(line) && line.slice(4) === masked ? 4 : -1;
    if (start < 0) continue;
    const original = line.slice(0, start) + text;
    const marks = caretsUnder(line, original);
    return { text: original, marks, textMarks: marks, note };
  }
  return null;
}

function caretsUnder(a: string, b: string): string {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] === b[i] ? " " : "^"))
    .join("")
    .trimEnd();
}
