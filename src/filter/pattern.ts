/**
 * Regular expressions that cannot run away.
 *
 * The engine backtracks, and the text it is run on was sent by strangers. So the text has a limit,
 * and a pattern is let in only when the number of ways in which it can match a text of that length
 * has one. Two numbers give it: how many repetitions may each stop anywhere in the text, and how
 * many other choices there are. A repetition of something that can itself match in several ways, as
 * `(a+)+` or `(a|ab)*`, multiplies without end and is refused.
 *
 * Like Wireshark's `matches`, a pattern ignores case and may match anywhere in the text.
 * Absent on purpose: backreferences, for which no such bound holds.
 */

/** Characters of a text that a pattern sees. RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets. */
const LONGEST_TEXT = 512;

/**
 * Four free repetitions, of which a start that is not anchored is one: `a.*b.*c.*d`. A text made for
 * it (3e9 steps) takes some ten seconds, an ordinary one microseconds. One more would be half an hour.
 */
const MOST_WAYS = 4e9;

/** Parts once counted repetitions are written out, as the engine does. */
const MOST_PARTS = 4096;

/** Groups within each other: reading them calls itself. */
const DEEPEST_GROUPS = 64;

/** What a part of a pattern can do, and its size. */
interface Ways {
  readonly repetitions: number;
  readonly choices: number;
  readonly parts: number;
}

/** @returns the test of a text, or what is wrong with the pattern. */
export function compilePattern(source: string): ((text: string) => boolean) | string {
  try {
    const expression = new RegExp(source, "i");
    const problem = new Reader(source).problem();
    if (problem !== null) return problem;
    // The engine compiles at first use; let that fail here.
    expression.test("");
    return (text) => expression.test(text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `no valid pattern: ${error.message.replace(/^.*: /s, "")}`;
  }
}

/** Counts the ways of a pattern that RegExp has accepted; it need not know what is valid. */
class Reader {
  readonly #source: string;
  #position = 0;
  #depth = 0;
  #problem: string | null = null;

  constructor(source: string) {
    this.#source = source;
  }

  problem(): string | null {
    const { repetitions, choices, parts } = this.#alternatives();
    let ways = choices;
    // The stops of repetitions come in order, hence the division.
    const free = repetitions + (this.#source.startsWith("^") ? 0 : 1);
    for (let i = 1; i <= free && ways <= MOST_WAYS; i++) ways *= LONGEST_TEXT / i;
    if (ways > MOST_WAYS)
      this.#refuse("the pattern can match in too many ways: split it in two, or begin it with ^");
    if (parts > MOST_PARTS)
      this.#refuse(`the pattern has more than ${MOST_PARTS} parts, repetitions written out`);
    return this.#problem;
  }

  #refuse(message: string): void {
    this.#problem ??= message;
  }

  #alternatives(): Ways {
    const branches = [this.#sequence()];
    while (this.#take(/\|/y) !== null) branches.push(this.#sequence());
    return {
      repetitions: Math.max(...branches.map((branch) => branch.repetitions)),
      choices: branches.reduce((sum, branch) => sum + branch.choices, 0),
      parts: branches.reduce((sum, branch) => sum + branch.parts, 0),
    };
  }

  #sequence(): Ways {
    let repetitions = 0;
    let choices = 1;
    let parts = 0;
    while (this.#position < this.#source.length && !/[|)]/.test(this.#source[this.#position]!)) {
      const next = this.#repeated(this.#atom());
      repetitions += next.repetitions;
      choices *= next.choices;
      parts += next.parts;
    }
    return { repetitions, choices, parts };
  }

  #atom(): Ways {
    if (this.#take(/\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?/y) !== null) {
      if (++this.#depth > DEEPEST_GROUPS) {
        this.#refuse(`the groups of a pattern nest at most ${DEEPEST_GROUPS} deep`);
        this.#position = this.#source.length;
      }
      const inside = this.#alternatives();
      this.#take(/\)/y);
      this.#depth--;
      return { ...inside, parts: inside.parts + 1 };
    }
    const atom = this.#take(/\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|[\s\S]/y);
    if (atom !== null && /^\\[1-9k]/.test(atom)) this.#refuse("a pattern has no backreferences here");
    return { repetitions: 0, choices: 1, parts: 1 };
  }

  #repeated(body: Ways): Ways {
    const quantifier = this.#take(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
    if (quantifier === null) return body;
    const [least, most] = counts(quantifier);
    if (most < Number.POSITIVE_INFINITY) {
      return {
        repetitions: body.repetitions * most,
        choices: body.choices ** most * (most - least + 1),
        parts: body.parts * most,
      };
    }
    if (body.repetitions > 0 || body.choices > 1) {
      this.#refuse("the pattern repeats a part that itself can match in several ways, which may never end");
    }
    return { repetitions: 1, choices: 1, parts: body.parts * (least + 1) };
  }

  #take(what: RegExp): string | null {
    what.lastIndex = this.#position;
    const taken = what.exec(this.#source)?.[0] ?? null;
    this.#position += taken?.length ?? 0;
    return taken;
  }
}

function counts(quantifier: string): [least: number, most: number] {
  if (quantifier[0] === "?") return [0, 1];
  if (quantifier[0] === "*") return [0, Number.POSITIVE_INFINITY];
  if (quantifier[0] === "+") return [1, Number.POSITIVE_INFINITY];
  const [, least, comma, most] = /(\d+)(,?)(\d*)/.exec(quantifier)!;
  if (comma === "") return [Number(least), Number(least)];
  return [Number(least), most === "" ? Number.POSITIVE_INFINITY : Number(most)];
}
