import {
  AUTH,
  BANNER,
  BDAT,
  DATA,
  EHLO,
  ENCRYPTED,
  END_OF_DATA,
  HELO,
  MAIL,
  OTHER,
  RCPT,
  STARTTLS,
  TLS,
} from "../../spine/phase.ts";
import type { Bundle, Stage } from "../bundles.ts";
import type { Weight } from "../cause.ts";
import type { Pattern } from "../pattern.ts";

/** What several causes of silence have in common. */

/** Where in a dialogue a server can be silent. With implicit TLS its greeting is behind the handshake. */
type Place =
  | "greeting"
  | "hello"
  | "mail"
  | "rcpt"
  | "data"
  | "end"
  | "auth"
  | "tls"
  | "encrypted"
  | "every"
  | "elsewhere";

function placeOf(stage: Stage, { tls }: Pattern): Place {
  switch (stage) {
    case "every":
      return "every";
    case BANNER:
      return "greeting";
    case HELO:
    case EHLO:
      return "hello";
    case MAIL:
      return "mail";
    case RCPT:
      return "rcpt";
    case DATA:
      return "data";
    case END_OF_DATA:
    case BDAT:
      return "end";
    case AUTH:
      return "auth";
    case TLS:
      return tls ? "greeting" : "tls";
    case STARTTLS:
      return "tls";
    case ENCRYPTED:
      return "encrypted";
    case OTHER:
      return "elsewhere";
    default:
      return "elsewhere";
  }
}

/** A score by place; places that are not named are 0. */
export type Scores = Readonly<Partial<Record<Place, number>>>;

/** Silence alone, weighed by where it is. Null where it cannot be this cause. */
export function silence(bundle: Bundle, pattern: Pattern, scores: Scores): number | null {
  if (bundle.spent.kind !== "silence") return null;
  return scores[placeOf(bundle.stage, pattern)] ?? null;
}

/**
 * A lookup: proved by packets, or possible in silence while the server's DNS traffic is not in the capture.
 */
export function lookup(
  bundle: Bundle,
  pattern: Pattern,
  scores: Scores,
  is: (spent: Extract<Bundle["spent"], { kind: "lookup" }>) => boolean,
  why: string,
): Weight | null {
  const { spent } = bundle;
  if (spent.kind === "lookup") return is(spent) ? { score: 0.97, why } : null;
  const score = silence(bundle, pattern, scores);
  if (score === null) return null;
  if (pattern.dnsSeen) {
    const against = "the server's DNS traffic is in the capture, and these replies did not wait for it";
    return { score: 0.02, why, against };
  }
  if (pattern.firstOnly) {
    const remembered = "each client's first visit was late and its later ones were not, as with a cache";
    return { score: Math.min(0.9, score * 1.2), why: remembered };
  }
  const queued = pattern.queueFit >= QUEUE_FIT ? 0.55 : 1;
  return {
    score: score * queued,
    why: "the server's DNS traffic is not in the capture, so it cannot be excluded",
  };
}

/** From here on the ends of other dialogues explain when greetings come. */
export const QUEUE_FIT = 0.55;

/** Fewer silences than this show no pattern. */
const FEW = 3;

/** Longer for larger messages. */
export function growsWithSize({ stage }: Bundle, { withSize, lengthsUs }: Pattern): boolean {
  return stage !== "every" && withSize >= 0.5 && lengthsUs.length >= FEW;
}

/** Several waits, and all of them as long as a resolver's tries. */
export function hasResolverSteps(bundle: Bundle, pattern: Pattern): boolean {
  const score = silence(bundle, pattern, { greeting: 1, hello: 1, mail: 1, rcpt: 1 });
  return score !== null && pattern.resolverSteps >= 0.99 && pattern.lengthsUs.length >= 2;
}
