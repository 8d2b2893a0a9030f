import type { ChangeView } from "../spine/diff-report.ts";
import type { RewritingFinding, Severity } from "../spine/finding.ts";

/**
 * What a change that was seen amounts to. The first rule that applies names it, so each change is in one finding.
 * To add a rule: an entry here, and its page in explanations.ts unless a signature of rewriting/ has it.
 */

export interface Rule {
  readonly id: RewritingFinding["id"];
  readonly severity: Severity;
  readonly applies: (change: ChangeView) => boolean;
  /** What the path did, after "The path": "masked the banner". */
  readonly did: (change: ChangeView) => string;
  readonly remedy: string;
  readonly source: string;
}

const ASA =
  "On the firewall: Cisco ASA/FTD `policy-map type inspect esmtp`, `parameters`, `no mask-banner`, `allow-tls`; " +
  "or leave esmtp out of the inspection.";
const DEVICE =
  "Look for SMTP inspection, anti-virus or a mail proxy on the devices between the two points of capture, and capture between them.";
const GUIDE = "Cisco ASA configuration guide, ESMTP inspection";
const BOTH = "both captures";

const isEhlo = ({ verb }: ChangeView) => verb === "EHLO" || verb === "LHLO";
const main = ({ kinds }: ChangeView) => kinds.find((kind) => kind !== "code") ?? kinds[0]!;
const isReply = (change: ChangeView, kind: string) => change.part === "reply" && main(change) === kind;

export const RULES: readonly Rule[] = [
  {
    id: "rewriting/banner-masked",
    severity: "warning",
    applies: (change) => change.phase === "banner" && isReply(change, "masked"),
    did: () => "overwrote the banner's text and kept its length",
    remedy: ASA,
    source: GUIDE,
  },
  {
    id: "rewriting/answered-on-path",
    severity: "warning",
    applies: ({ kinds }) => kinds.some((kind) => ANSWERS.has(kind)),
    did: answeredText,
    remedy: DEVICE,
    source: BOTH,
  },
  {
    id: "rewriting/banner-changed",
    severity: "info",
    applies: ({ part, phase }) => part === "reply" && phase === "banner",
    did: (change) => `changed the banner (${change.kinds.join(", ")})`,
    remedy: DEVICE,
    source: BOTH,
  },
  {
    id: "rewriting/starttls-masked",
    severity: "critical",
    applies: (change) => isEhlo(change) && isReply(change, "masked") && change.keyword === "STARTTLS",
    did: () => "overwrote the keyword STARTTLS, so that mail goes in clear text",
    remedy: ASA,
    source: GUIDE,
  },
  {
    id: "rewriting/ehlo-keyword-masked",
    severity: "warning",
    applies: (change) => isEhlo(change) && isReply(change, "masked"),
    did: (change) => `overwrote the ${keywordText(change)} of the reply to EHLO`,
    remedy: ASA,
    source: GUIDE,
  },
  {
    id: "rewriting/starttls-removed",
    severity: "critical",
    applies: (change) => isReply(change, "keyword-removed") && change.keyword === "STARTTLS",
    did: () => "took STARTTLS out of the reply to EHLO, so that mail goes in clear text",
    remedy: DEVICE,
    source: "RFC 3207 section 6",
  },
  {
    id: "rewriting/keyword-removed",
    severity: "warning",
    applies: (change) => isReply(change, "keyword-removed"),
    did: (change) => `took the ${keywordText(change)} out of the reply to EHLO`,
    remedy: DEVICE,
    source: "RFC 5321 section 4.1.1.1",
  },
  {
    id: "rewriting/keyword-changed",
    severity: "info",
    applies: (change) => isEhlo(change) && change.part === "reply" && change.keyword !== null,
    did: (change) => `changed the ${keywordText(change)} of the reply to EHLO (${change.kinds.join(", ")})`,
    remedy: DEVICE,
    source: "RFC 5321 section 4.1.1.1",
  },
  {
    id: "rewriting/reply-lost",
    severity: "critical",
    applies: ({ kinds }) => kinds.includes("swallowed"),
    did: (change) => `did not pass on the reply to ${change.verb}`,
    remedy: DEVICE,
    source: BOTH,
  },
  {
    id: "rewriting/reply-changed",
    severity: "warning",
    applies: ({ part }) => part === "reply",
    did: (change) => `changed the reply to ${change.verb} (${change.kinds.join(", ")})`,
    remedy: DEVICE,
    source: BOTH,
  },
  {
    id: "rewriting/command-masked",
    severity: "critical",
    applies: ({ part, kinds }) => part === "command" && kinds[0] === "masked",
    did: (change) => `overwrote the command ${change.verb}, which the server then does not know`,
    remedy: ASA,
    source: GUIDE,
  },
  {
    id: "rewriting/command-noop",
    severity: "critical",
    applies: ({ part, variants }) =>
      part === "command" && variants.every(({ after }) => /^noop\b/i.test(after ?? "")),
    did: (change) => `made a NOOP of the command ${change.verb}`,
    remedy: "On a Cisco PIX: `no fixup protocol smtp 25`.",
    source: "Cisco PIX fixup protocol smtp",
  },
  {
    id: "rewriting/command-changed",
    severity: "warning",
    applies: ({ part }) => part === "command" || part === "secret",
    did: (change) => `changed the ${change.part} ${change.verb} (${change.kinds.join(", ")})`,
    remedy: DEVICE,
    source: BOTH,
  },
  {
    id: "rewriting/message-changed",
    severity: "warning",
    applies: ({ part }) => part === "message",
    did: () => "changed messages",
    remedy: DEVICE,
    source: "length and digest on both sides",
  },
  {
    id: "rewriting/tls-replaced",
    severity: "critical",
    applies: ({ part }) => part === "encrypted",
    did: () => "did not pass on the TLS connection but ended it and made one of its own",
    remedy:
      "Look for TLS inspection of SMTP on the devices between the two points of capture, and compare the certificates on both sides.",
    source: "RFC 8446 section 5.2: encrypted bytes cannot be changed unnoticed",
  },
];

const ANSWERS: ReadonlySet<string> = new Set(["answered-on-path", "not-passed-on", "put-in"]);

function answeredText({ kinds, verb, part, phase }: ChangeView): string {
  if (kinds.includes("not-passed-on")) return `answered the command ${verb} itself`;
  if (kinds.includes("put-in"))
    return part === "command" ? `said a ${verb} of its own` : "said a reply of its own";
  return phase === "banner"
    ? "greeted before the server did"
    : `answered ${verb} before the server had done so`;
}

function keywordText({ keyword }: ChangeView): string {
  return keyword === null ? "text" : `keyword ${keyword}`;
}
