import type { Argv } from "yargs";
import { CAUSE_EXPLANATIONS } from "../diagnosis/causes/index.ts";
import { DIFF_EXPLANATIONS } from "../diff/explanations.ts";
import { nearest } from "../filter/filter-error.ts";
import { REWRITING_EXPLANATIONS } from "../rewriting/signatures/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { Explanation } from "../spine/finding.ts";

/** `smtpscope explain [ID]`: what a finding means, without looking anything up. */

/** The pages, one room a line. */
const PAGES: readonly Explanation[] = [
  ...REWRITING_EXPLANATIONS,
  ...CAUSE_EXPLANATIONS,
  ...DIFF_EXPLANATIONS,
];

export function explainOptions(argv: Argv) {
  return argv
    .positional("id", { type: "string", describe: "A finding's id; without one they are listed" })
    .example("$0 explain rewriting/banner-masked", "Why is the banner made of stars?");
}

/** @returns the page, or the list without an id */
export function explain(id: string | undefined): string {
  if (id === undefined) return list();
  const wanted = id.toLowerCase();
  const page = PAGES.find((each) => each.id === wanted || shortName(each.id) === wanted);
  if (page === undefined) {
    const near = nearest(wanted, [
      ...PAGES.map((each) => each.id),
      ...PAGES.map((each) => shortName(each.id)),
    ]);
    const hint = near === null ? "" : `; did you mean ${near}?`;
    throw new SmtpscopeError("usage", `there is no finding "${id}"${hint} (smtpscope explain lists them)`);
  }
  return render(page);
}

function shortName(id: string): string {
  return id.slice(id.indexOf("/") + 1);
}

function list(): string {
  const width = Math.max(...PAGES.map(({ id }) => id.length));
  const lines = PAGES.map(({ id, title }) => `${id.padEnd(width)}  ${title}`);
  return `${["smtpscope explain ID explains one of these:", "", ...lines].join("\n")}\n`;
}

function render(page: Explanation): string {
  const section = (title: string, paragraphs: readonly string[]) =>
    paragraphs.length === 0 ? [] : ["", title, ...paragraphs.flatMap((text) => wrapped(text))];
  return `${[
    page.id,
    `  ${page.title}`,
    ...section("What happens", page.what),
    ...section("What it rests on", page.evidence),
    ...section("Usually", page.usually),
    ...section("How to confirm", page.confirm),
    ...section("What to change", page.remedy),
    ...section("Deliberate?", [page.deliberate]),
    ...section("Sources", page.sources),
  ].join("\n")}\n`;
}

const WIDTH = 78;

/** A paragraph in lines of up to WIDTH, its first marked. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = "  -";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > WIDTH && line.trim() !== "-") {
      lines.push(line);
      line = "   ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
