import type { Originals } from "../../spine/finding.ts";
import { plural } from "../../spine/format.ts";
import { maskedAmong, maskedKeywords } from "../masked-keywords.ts";
import { keywordOriginals } from "../originals/keywords.ts";
import type { Signature, Sum } from "../signature.ts";
import { serversText } from "../sum-text.ts";
import { keywordsOf } from "../view.ts";

/** Lines of the EHLO reply arrived as X's. */
export const keywordMasked: Signature = {
  id: "rewriting/ehlo-keyword-masked",
  severity: "warning",
  stage: "hello",
  remedy:
    "Cisco ASA/FTD: `policy-map type inspect esmtp`, `match ehlo-reply-parameter others`: no `mask` (and " +
    "`parameters`, `allow-tls`); or take esmtp out of the inspection.",
  source: "Cisco ASA configuration guide, ESMTP inspection; RFC 5321 §4.1.1.1",
  detect({ hello }) {
    const masked = maskedKeywords(hello);
    if (masked.length === 0) return null;
    return {
      variant: keywordsOf(hello)
        .map(({ text }) => text.trimEnd())
        .join("\n"),
      confidence: masked.some((text) => text.length > 4) ? 0.97 : 0.8,
      text: hello!.lines.join(" / "),
    };
  },
  claim(sum) {
    const found = originalsOf(sum);
    const likely = found.map(({ masked, candidates }) => {
      const [first, second] = candidates;
      if (first === undefined) return masked;
      const also = second === undefined || first.share > 0.8 ? "" : ` or ${second.text}`;
      return `${masked} (${first.text}${also})`;
    });
    return (
      `The server's reply to EHLO arrived with ${plural(found.length, "line")} overwritten in place in ` +
      `${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: ${likely.join(", ")}.`
    );
  },
  originals: originalsOf,
  explanation: {
    title: "Keywords of the EHLO reply arrived as X's",
    what: [
      "A device on the path overwrote lines of the server's reply to EHLO. The length is kept; on a Cisco ASA the last letter counts the masked lines of that reply (A, B, C …) and does not name the keyword.",
      "A client cannot use what it cannot read: STARTTLS, CHUNKING (BDAT), SMTPUTF8, HELP and private keywords are gone.",
    ],
    evidence: [
      "A line of the reply consists of X's and one letter, the letters run from A; or of X's or stars alone.",
      "Not this: keywords that begin with X (XCLIENT, XFORWARD, XEXCH50, X-EXPS, X-ANONYMOUSTLS).",
      "Which keyword it was is inferred from its length, from what is missing, and from the order in which servers list them.",
    ],
    usually: ["Cisco ASA and FTD (inspect esmtp masks all EHLO parameters that it does not know), FWSM."],
    confirm: [
      "Say EHLO on the server's own host and compare: smtpscope reference localhost:25 -O FILE there, then smtpscope replay --reference FILE here.",
      "On an ASA: show service-policy inspect esmtp; it counts `match ehlo-reply-parameter others`.",
    ],
    remedy: [
      "ASA/FTD: policy-map type inspect esmtp NAME, match ehlo-reply-parameter others, no mask; parameters, allow-tls.",
    ],
    deliberate: "As a default of the device: it hides what it does not inspect.",
    sources: ["Cisco ASA CLI configuration guide, inspection of mail protocols", "RFC 5321 §4.1.1.1"],
  },
};

/** Of the commonest reply. */
function originalsOf({ variants }: Sum): Originals[] {
  // Escaped by now, line feeds included.
  const lines = variants[0]!.variant.split("\\x0a");
  return keywordOriginals(lines, maskedAmong(lines));
}
