import { plural } from "../../spine/format.ts";
import { maskedKeywords } from "../masked-keywords.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";
import { keywordsOf } from "../view.ts";

const STARTTLS_LENGTH = "STARTTLS".length;

/** STARTTLS is missing, and a line of its length is masked. */
export const starttlsMasked: Signature = {
  id: "rewriting/starttls-masked",
  severity: "critical",
  stage: "hello",
  remedy:
    "Cisco ASA/FTD: `policy-map type inspect esmtp`, `parameters`, `allow-tls`. Until then mail goes over this " +
    "path in the clear; a policy that demands TLS (DANE, MTA-STS) stops it.",
  source: "Cisco ASA configuration guide, ESMTP inspection (allow-tls); RFC 3207",
  detect({ hello }) {
    const names = new Set(keywordsOf(hello).map(({ name }) => name));
    if (names.has("STARTTLS")) return null;
    const lines = maskedKeywords(hello).filter(({ length }) => length === STARTTLS_LENGTH);
    // CHUNKING has the same length: where BINARYMIME is offered, one such line is that.
    const chunking = names.has("BINARYMIME") && !names.has("CHUNKING");
    const left = lines.length - (chunking ? 1 : 0);
    if (left <= 0) return null;
    const line = lines[0]!;
    const newer = names.has("CHUNKING") || names.has("SMTPUTF8");
    return { variant: line, confidence: newer ? 0.9 : 0.8, text: `250-${line}` };
  },
  claim(sum) {
    return (
      `${sum.variants[0]!.variant} stands in the reply to EHLO where STARTTLS fits, in ` +
      `${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: likely a device on the path took away the offer ` +
      "to encrypt, and mail goes in clear text."
    );
  },
  explanation: {
    title: "STARTTLS was overwritten",
    what: [
      "The reply to EHLO does not offer STARTTLS, but has a masked line of its length. A client that encrypts where it can sends its mail, and its passwords, in clear text; one that must encrypt defers it.",
    ],
    evidence: [
      "A masked line of eight characters, and no STARTTLS in the reply.",
      "CHUNKING and SMTPUTF8 have eight characters as well: with one point of view this is likely, not certain. Where BINARYMIME is offered without CHUNKING, one such line is taken for CHUNKING.",
    ],
    usually: ["Cisco ASA and FTD without allow-tls (the default of older releases)."],
    confirm: [
      "Say EHLO on the server's own host: does it offer STARTTLS? smtpscope reference localhost:25 -O FILE there and smtpscope replay --reference FILE here prove it.",
    ],
    remedy: [
      "ASA/FTD: policy-map type inspect esmtp NAME, parameters, allow-tls; or take esmtp out of the inspection.",
    ],
    deliberate:
      "Sometimes: a firewall cannot inspect what is encrypted. More often a default nobody looked at.",
    sources: ["Cisco ASA CLI configuration guide, inspection of mail protocols", "RFC 3207"],
  },
};
