/**
 * The filter language, shaped like Wireshark's display filters.
 *
 *   filter     = or
 *   or         = and { ( "||" | "or" ) and }
 *   and        = not { ( "&&" | "and" ) not }
 *   not        = ( "!" | "not" ) not | "(" or ")" | test
 *   test       = field [ compare ]
 *   compare    = ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "eq" | … ) value
 *              | "contains" value
 *              | ( "=~" | "matches" ) pattern
 *              | "in" ( item | "{" item { [ "," ] item } "}" )
 *   item       = value [ ".." value ]
 *   value      = word | string
 *   field      = word                      one of fields.ts
 *   string     = `"` … `"` | `'` … `'`     escapes \\ \" \' \n \r \t \xHH \uHHHH
 *   pattern    = string | bare             a JavaScript regular expression; see Lexer.pattern
 *
 * One pass, straight to closures. Everything that can be wrong with a filter is found here, so that
 * a filter that parses can be run.
 *
 * Absent on purpose: arithmetic, functions, and fields on the right of an operator. A tree of the
 * filter too: nothing reads one.
 */
import {
  checkOperator,
  compileBare,
  compileComparison,
  type Fail,
  type Item,
  type Operator,
  type Test,
  type Written,
} from "./evaluate.ts";
import { FIELDS, type Field } from "./fields.ts";
import { FilterError, nearest } from "./filter-error.ts";
import { Lexer, type Token } from "./lexer.ts";
import type { FilterSubject } from "./subject.ts";

/** Nobody writes more by hand, and what a program sends must not occupy us long. */
const LONGEST_FILTER = 4096;

/** Parentheses and negations within each other. The parser calls itself once for each. */
const DEEPEST_NESTING = 64;

export interface Filter {
  matches(subject: FilterSubject): boolean;
}

const BY_NAME: ReadonlyMap<string, Field> = new Map(FIELDS.map((field) => [field.name, field]));
const PHASE_NAMES = FIELDS.flatMap(
  (field) => (field.name === "phase" && field.type === "word" && field.known) || [],
);

/** What `finding` may be compared with: ids, and what comes behind their slash. */
export interface FindingNames {
  /** What may be found by the time an exchange is looked at. */
  readonly known: readonly string[];
  /** What only all of the input tells. */
  readonly late: readonly string[];
}

/**
 * @param findings all names there are; null takes any
 * @throws FilterError saying what was expected, and where.
 */
export function parseFilter(text: string, findings: FindingNames | null = null): Filter {
  if (text.length > LONGEST_FILTER) {
    throw new FilterError(text, LONGEST_FILTER, `a filter has at most ${LONGEST_FILTER} characters`);
  }
  return { matches: new Parser(text, findings).filter() };
}

class Parser {
  readonly #lexer: Lexer;
  readonly #fail: Fail;
  readonly #findings: FindingNames | null;
  #depth = 0;

  constructor(text: string, findings: FindingNames | null) {
    this.#findings = findings;
    this.#lexer = new Lexer(text);
    this.#fail = (at, message) => this.#lexer.fail(at, message);
  }

  filter(): Test {
    if (this.#lexer.peek().kind === "end")
      this.#fail(0, "the filter is empty: write a field, as phase==rcpt");
    const test = this.#or();
    const rest = this.#lexer.next();
    if (rest.kind === ")") this.#fail(rest.at, "no parenthesis is open here");
    if (rest.kind !== "end") this.#fail(rest.at, `"&&", "||" or the end is expected, not ${shown(rest)}`);
    return test;
  }

  #or(): Test {
    const tests = [this.#and()];
    while (this.#take("||")) tests.push(this.#and());
    const [first, second] = tests;
    if (second === undefined) return first!;
    if (tests.length === 2) return (subject) => first!(subject) || second(subject);
    return (subject) => tests.some((test) => test(subject));
  }

  #and(): Test {
    const tests = [this.#not()];
    while (this.#take("&&")) tests.push(this.#not());
    const [first, second] = tests;
    if (second === undefined) return first!;
    if (tests.length === 2) return (subject) => first!(subject) && second(subject);
    return (subject) => tests.every((test) => test(subject));
  }

  #not(): Test {
    const token = this.#lexer.next();
    if (token.kind !== "!" && token.kind !== "(") return this.#test(token);
    this.#depth++;
    if (this.#depth > DEEPEST_NESTING)
      this.#fail(token.at, `parentheses and "!" nest at most ${DEEPEST_NESTING} deep`);
    const inner = token.kind === "!" ? this.#not() : this.#group(token);
    this.#depth--;
    return token.kind === "!" ? (subject) => !inner(subject) : inner;
  }

  #group(open: Token): Test {
    const inner = this.#or();
    const close = this.#lexer.next();
    if (close.kind === "end") this.#fail(open.at, "this parenthesis is never closed");
    if (close.kind !== ")") this.#fail(close.at, `"&&", "||" or ")" is expected, not ${shown(close)}`);
    return inner;
  }

  #test(token: Token): Test {
    if (token.kind !== "word") this.#fail(token.at, `a field is expected, not ${shown(token)}`);
    const named = BY_NAME.get(token.text.toLowerCase()) ?? this.#unknown(token);
    const isFinding = named.name === "finding" && named.type === "word";
    const field = isFinding ? { ...named, ...this.#findings } : named;
    const operator = operatorOf(this.#lexer.peek());
    if (operator === null) return compileBare(field);
    const { at } = this.#lexer.next();
    checkOperator(field, operator, at, this.#fail);
    return compileComparison(field, operator, this.#items(operator), this.#fail);
  }

  #unknown({ text, at }: Token): never {
    const name = text.toLowerCase();
    if (PHASE_NAMES.includes(name))
      this.#fail(at, `no field is called "${text}": it is a phase, write phase==${name}`);
    const near = nearest(name, BY_NAME.keys());
    const hint = near === null ? `there are ${[...BY_NAME.keys()].join(", ")}` : `did you mean ${near}?`;
    return this.#fail(at, `no field is called "${text}": ${hint}`);
  }

  #items(operator: Operator): Item[] {
    if (operator === "=~") return [{ from: this.#lexer.pattern(), to: null }];
    if (operator !== "in") return [{ from: this.#value(), to: null }];
    const open = this.#lexer.peek();
    if (!this.#take("{")) return [this.#item()];
    const items: Item[] = [];
    while (!this.#take("}")) {
      if (this.#lexer.peek().kind === "end") this.#fail(open.at, "this set is never closed");
      if (items.length > 0) this.#take(",");
      items.push(this.#item());
    }
    if (items.length === 0) this.#fail(open.at, "the set is empty");
    return items;
  }

  #item(): Item {
    const from = this.#value();
    return { from, to: this.#take("..") ? this.#value() : null };
  }

  #value(): Written {
    const token = this.#lexer.next();
    if (token.kind === "word" || token.kind === "string") return token;
    if (token.kind === "(") {
      // A pseudo-verb: verb==(end-of-data)
      const word = this.#lexer.next();
      if (word.kind === "word" && this.#take(")")) return { text: `(${word.text})`, at: token.at };
    }
    const hint = /^[a-z(.]/i.test(token.text) ? " (in quotes it would be one)" : "";
    return this.#fail(token.at, `a value is expected, not ${shown(token)}${hint}`);
  }

  #take(kind: Token["kind"]): boolean {
    if (this.#lexer.peek().kind !== kind) return false;
    this.#lexer.next();
    return true;
  }
}

function operatorOf({ kind }: Token): Operator | null {
  switch (kind) {
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
    case "=~":
    case "in":
    case "contains":
      return kind;
    default:
      return null;
  }
}

function shown({ kind, text }: Token): string {
  return kind === "end" ? "the end" : `"${text}"`;
}
