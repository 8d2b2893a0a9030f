import { readFileSync, statSync } from "node:fs";
import { expectedBanner } from "../rewriting/reference/learn.ts";
import { MAX_REFERENCE_BYTES, parseReference } from "../rewriting/reference/stored.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { Reference } from "../spine/reference.ts";

/** `--expect-banner` and `--reference`: what the server itself says, from the operator, a file, or asked now. */

export const COMPARE_OPTIONS = {
  "expect-banner": {
    type: "string",
    requiresArg: true,
    describe:
      "The banner that the server gives: its text, or /an expression/; what differs was changed on the way",
  },
  reference: {
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: "What the server itself says: a FILE of smtpscope reference, or HOST:PORT to be asked now",
  },
} as const;

export interface CompareArguments {
  readonly expectBanner?: string | undefined;
  readonly reference?: readonly string[] | undefined;
}

/** More are a mistake; each is looked through for every new banner. */
const MAX_REFERENCES = 64;
/** Asked now: enough to see what varies. */
export const REFERENCE_TIMES = 3;
export const REFERENCE_TIMEOUT_MS = 30_000;

/** @throws SmtpscopeError */
export async function referencesOf({ expectBanner, reference = [] }: CompareArguments): Promise<Reference[]> {
  if (reference.length > MAX_REFERENCES)
    throw new SmtpscopeError("usage", `--reference is given more than ${MAX_REFERENCES} times`);
  const expected = expectBanner === undefined ? null : expectedOrSay(expectBanner);
  const found = await Promise.all(
    reference.map((name) => (isFile(name) ? fromFile(name) : fromServer(name))),
  );
  // Of the banner the operator has the last word.
  return expected === null ? found : [expected, ...found.map(withoutBanner)];
}

/** What else it says. */
export function withoutBanner(reference: Reference): Reference {
  const { "(connect)": _, ...replies } = reference.replies;
  return { ...reference, replies };
}

/** Those of `--reference` that can be asked again. */
export function serversIn({ reference = [] }: CompareArguments): string[] {
  return reference.filter((name) => !isFile(name));
}

function expectedOrSay(text: string): Reference {
  try {
    return expectedBanner(text);
  } catch {
    throw new SmtpscopeError("usage", `--expect-banner: ${text} is no regular expression`);
  }
}

/** What looks like no server is a file, so that a name misspelt is said to be one. */
function isFile(name: string): boolean {
  try {
    return statSync(name).isFile();
  } catch {
    return name.includes("/") || /\.json$/i.test(name);
  }
}

async function fromServer(name: string): Promise<Reference> {
  const { askServer } = await import("./reference.ts");
  return askServer(name, REFERENCE_TIMES, REFERENCE_TIMEOUT_MS);
}

function fromFile(path: string): Reference {
  try {
    if (statSync(path).size > MAX_REFERENCE_BYTES) throw new Error("it is too large for one");
    return parseReference(readFileSync(path, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "permission denied" : message;
    throw new SmtpscopeError(
      "usage",
      `--reference ${path}: ${why}; smtpscope reference HOST:PORT -O FILE makes one`,
    );
  }
}
