/** A line the operator writes: a filter, a command, a file's name; or a question with one answer's key. */
export interface Prompt {
  readonly kind:
    | "filter"
    | "command"
    | "baseline"
    | "report"
    | "json"
    | "ladder"
    | "picture"
    | "capture"
    | "columns"
    | "choice"
    | "confirm"
    | "quit";
  readonly label: string;
  readonly text: string;
  /** In characters. */
  readonly cursor: number;
  readonly error: { readonly message: string; readonly position: number } | null;
  /** For `choice`, `confirm` and `quit`: keys and what they mean. */
  readonly choices: readonly (readonly [key: string, meaning: string])[];
}

export function promptFor(
  kind: Prompt["kind"],
  label: string,
  text = "",
  choices: Prompt["choices"] = [],
): Prompt {
  return { kind, label, text, cursor: [...text].length, error: null, choices };
}

/** Longer than the filter language takes, and than paths are. */
const MAX_TEXT = 4_096;

/** What a key does to the line; null where it is none of its keys. */
export function edit(prompt: Prompt, key: string, character: string | null): Prompt | null {
  const characters = [...prompt.text];
  const { cursor } = prompt;
  const change = (text: string[], at: number): Prompt => ({
    ...prompt,
    text: text.join(""),
    cursor: at,
    error: null,
  });
  switch (key) {
    case "left":
      return { ...prompt, cursor: Math.max(0, cursor - 1) };
    case "right":
      return { ...prompt, cursor: Math.min(characters.length, cursor + 1) };
    case "home":
    case "C-a":
      return { ...prompt, cursor: 0 };
    case "end":
    case "C-e":
      return { ...prompt, cursor: characters.length };
    case "backspace":
      return cursor === 0 ? prompt : change(characters.toSpliced(cursor - 1, 1), cursor - 1);
    case "delete":
      return change(characters.toSpliced(cursor, 1), cursor);
    case "C-u":
      return change(characters.slice(cursor), 0);
    case "C-k":
      return change(characters.slice(0, cursor), cursor);
    case "C-w": {
      let from = cursor;
      while (from > 0 && characters[from - 1] === " ") from--;
      while (from > 0 && characters[from - 1] !== " ") from--;
      return change(characters.toSpliced(from, cursor - from), from);
    }
  }
  if (character === null || characters.length >= MAX_TEXT) return null;
  return change(characters.toSpliced(cursor, 0, character), cursor + 1);
}
