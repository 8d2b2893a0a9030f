/**
 * A filter's text into tokens, one at a time on demand: what follows `=~` is a pattern and reads
 * differently from everything else, and only the parser knows that it is there.
 *
 * Absent on purpose: any notion of numbers, durations or addresses. `10.2.0.0/24`, `1.5s` and
 * `[2001:db8::1]:25` are words; what a word means is up to the field it is compared with.
 */
import { FilterError } from "./filter-error.ts";

type Sign =
  | "=="
  | "!="
  | "<="
  | ">="
  | "<"
  | ">"
  | "=~"
  | "!"
  | "&&"
  | "||"
  | "("
  | ")"
  | "{"
  | "}"
  | ","
  | "..";
type Keyword = "in" | "contains";

export interface Token {
  /** A symbol and a keyword are their own kind. */
  readonly kind: Sign | Keyword | "word" | "string" | "end";
  /** A string's without its quotes and with its escapes resolved. */
  readonly text: string;
  readonly at: number;
}

/** Words that stand for a symbol or are one. Wireshark's, in any case. */
const KEYWORDS: ReadonlyMap<string, Sign | Keyword> = new Map([
  ["and", "&&"],
  ["or", "||"],
  ["not", "!"],
  ["eq", "=="],
  ["ne", "!="],
  ["lt", "<"],
  ["le", "<="],
  ["gt", ">"],
  ["ge", ">="],
  ["matches", "=~"],
  ["in", "in"],
  ["contains", "contains"],
]);

/** Longer ones first. */
const SYMBOLS: readonly Sign[] = [
  "==",
  "!=",
  "<=",
  ">=",
  "=~",
  "&&",
  "||",
  "..",
  "<",
  ">",
  "!",
  "(",
  ")",
  "{",
  "}",
  ",",
];

/** What other languages write, and what it is here. */
const STRAY: ReadonlyMap<string, string> = new Map([
  ["=", 'equality is written "=="'],
  ["&", '"and" is written "&&"'],
  ["|", '"or" is written "||"'],
  ["~", 'a pattern follows "=~"'],
]);

const SPACE = /\s*/y;
/** Two dots end a word: they are a range. */
const WORD = /(?:[^\s"'(){},=!<>&|~.]|\.(?!\.))+/y;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["\\", "\\"],
  ['"', '"'],
  ["'", "'"],
]);

export class Lexer {
  readonly text: string;
  #position = 0;
  #ahead: Token | null = null;

  constructor(text: string) {
    this.text = text;
  }

  peek(): Token {
    this.#ahead ??= this.#read();
    return this.#ahead;
  }

  next(): Token {
    const token = this.peek();
    this.#ahead = null;
    return token;
  }

  fail(at: number, message: string): never {
    throw new FilterError(this.text, at, message);
  }

  /**
   * A pattern: quoted, where a backslash is the pattern's own save before a quote, or bare up to
   * white space, `&&`, `||` or a parenthesis that the pattern did not open. To be called before the
   * token after `=~` is looked at.
   */
  pattern(): Token {
    this.#skipSpace();
    const at = this.#position;
    const quote = this.text[at];
    if (quote === '"' || quote === "'") {
      const end = this.#closingQuote(at, quote);
      this.#position = end + 1;
      const text = this.text
        .slice(at + 1, end)
        .replace(/\\([\s\S])/g, (all, next) => (next === quote ? next : all));
      return { kind: "string", text, at };
    }
    this.#position = bareEnd(this.text, at);
    return { kind: "word", text: this.text.slice(at, this.#position), at };
  }

  #read(): Token {
    this.#skipSpace();
    const at = this.#position;
    const first = this.text[at];
    if (first === undefined) return { kind: "end", text: "", at };
    if (first === '"' || first === "'") return this.#string(at, first);
    const symbol = SYMBOLS.find((each) => this.text.startsWith(each, at));
    if (symbol !== undefined) {
      this.#position += symbol.length;
      return { kind: symbol, text: symbol, at };
    }
    WORD.lastIndex = at;
    const word = WORD.exec(this.text)?.[0];
    if (word === undefined) return this.fail(at, STRAY.get(first) ?? `"${first}" means nothing here`);
    this.#position += word.length;
    return { kind: KEYWORDS.get(word.toLowerCase()) ?? "word", text: word, at };
  }

  #string(at: number, quote: string): Token {
    const end = this.#closingQuote(at, quote);
    this.#position = end + 1;
    let text = "";
    for (let i = at + 1; i < end; i++) {
      if (this.text[i] !== "\\") {
        text += this.text[i];
        continue;
      }
      const plain = ESCAPES.get(this.text[i + 1]!);
      const hex = /^x[0-9a-f]{2}|^u[0-9a-f]{4}/i.exec(this.text.slice(i + 1, Math.min(end, i + 6)))?.[0];
      if (plain === undefined && hex === undefined) {
        this.fail(i, `an escape is expected: \\\\ \\" \\' \\n \\r \\t \\xHH \\uHHHH`);
      }
      text += plain ?? String.fromCharCode(Number.parseInt(hex!.slice(1), 16));
      i += hex?.length ?? 1;
    }
    return { kind: "string", text, at };
  }

  #closingQuote(at: number, quote: string): number {
    for (let i = at + 1; i < this.text.length; i++) {
      if (this.text[i] === "\\") i++;
      else if (this.text[i] === quote) return i;
    }
    return this.fail(at, `the quote ${quote} is never closed`);
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#position;
    SPACE.exec(this.text);
    this.#position = SPACE.lastIndex;
  }
}

function bareEnd(text: string, start: number): number {
  let open = 0;
  let inClass = false;
  for (let i = start; i < text.length; i++) {
    const character = text[i]!;
    if (/\s/.test(character)) return i;
    if (character === "\\") {
      // An escaped space still ends a bare pattern, as the shell's reader of it would expect quotes.
      if (i + 1 < text.length && !/\s/.test(text[i + 1]!)) i++;
    } else if (inClass) {
      inClass = character !== "]";
    } else if (character === "[") {
      inClass = true;
    } else if (character === "(") {
      open++;
    } else if (character === ")") {
      if (open === 0) return i;
      open--;
    } else if ((character === "&" || character === "|") && text[i + 1] === character) {
      return i;
    }
  }
  return text.length;
}
