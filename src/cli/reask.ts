import { SmtpscopeError } from "../spine/errors.ts";
import type { Reference } from "../spine/reference.ts";
import { askServer } from "./reference.ts";
import {
  type CompareArguments,
  REFERENCE_TIMEOUT_MS,
  REFERENCE_TIMES,
  serversIn,
  withoutBanner,
} from "./references.ts";
import { parseLength } from "./times.ts";

/** `--reference-every`: while a proxy runs, the servers that it is compared with are asked again. */

export const REASK_OPTIONS = {
  "reference-every": {
    type: "string",
    default: "10m",
    requiresArg: true,
    describe: "How often to ask the HOST:PORT of --reference again; 0: never",
  },
} as const;

/** Plain values, for another process. */
export interface ReaskRequest {
  readonly servers: readonly string[];
  readonly everyMs: number;
}

/** @throws SmtpscopeError */
export function reaskRequest(args: CompareArguments & { readonly referenceEvery: string }): ReaskRequest {
  const everyMs = parseLength(args.referenceEvery, "reference-every");
  if (everyMs > 0 && everyMs < LEAST_MS)
    throw new SmtpscopeError(
      "usage",
      `--reference-every takes at least ${LEAST_MS / 1_000}s, or 0 for never`,
    );
  return { servers: serversIn(args), everyMs };
}

/** One asking takes seconds, and the server has other things to do. */
const LEAST_MS = 10_000;

interface ReaskHandlers {
  /** All references, those that were asked again in their place. */
  readonly found: (references: readonly Reference[]) => void;
  /** A line for the operator; what was known before goes on to be used. */
  readonly failed: (why: string) => void;
}

/** @returns null where there is nothing to ask */
export function askAgain(
  { servers, everyMs }: ReaskRequest,
  first: readonly Reference[],
  { found, failed }: ReaskHandlers,
): { stop(): void } | null {
  if (servers.length === 0 || everyMs === 0) return null;
  let references = first;
  let asking = false;
  const again = async () => {
    if (asking) return;
    asking = true;
    for (const server of servers) {
      try {
        const fresh = await askServer(server, REFERENCE_TIMES, REFERENCE_TIMEOUT_MS);
        references = references.map((known) => (known.server === server ? inPlaceOf(known, fresh) : known));
      } catch (error) {
        failed(
          `${error instanceof Error ? error.message : String(error)}; what it said before is still used`,
        );
      }
    }
    asking = false;
    found(references);
  };
  const timer = setInterval(() => void again(), everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function inPlaceOf(known: Reference, fresh: Reference): Reference {
  return known.replies["(connect)"] === undefined ? withoutBanner(fresh) : fresh;
}
