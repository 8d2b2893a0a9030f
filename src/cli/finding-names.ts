import { CAUSE_EXPLANATIONS } from "../diagnosis/causes/index.ts";
import type { FindingNames } from "../filter/parser.ts";
import { SIGNATURES } from "../rewriting/signatures/index.ts";

/** What a filter can ask of `finding`: what shows in a dialogue while it goes on. */

const WHILE_IT_GOES_ON: ReadonlySet<string> = new Set(["banner", "hello", "exchange", "compared"]);
/** Certificates are compared when the connection is over. */
const BY_CERTIFICATE = "rewriting/tls-replaced";

const isInTime = ({ id, stage }: { readonly id: string; readonly stage: string }) =>
  WHILE_IT_GOES_ON.has(stage) && id !== BY_CERTIFICATE;
const inTime = SIGNATURES.filter(isInTime);
const late = SIGNATURES.filter((signature) => !isInTime(signature));

export const FINDING_NAMES: FindingNames = {
  known: named(inTime),
  late: named([...late, ...CAUSE_EXPLANATIONS]),
};

/** Ids, and what comes behind the slash. */
function named(those: readonly { readonly id: string }[]): string[] {
  return [...new Set(those.flatMap(({ id }) => [id, id.slice(id.indexOf("/") + 1)]))];
}
