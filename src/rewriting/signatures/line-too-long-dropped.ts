import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** RFC 5321 §4.5.3.1.4, and the limit of Cisco's inspection. */
const MAX_LINE_OCTETS = 512;

/** A command longer than a firewall allows was never answered. */
export const lineTooLongDropped: Signature = {
  id: "rewriting/line-too-long-dropped",
  severity: "warning",
  stage: "exchange",
  remedy:
    "Cisco ASA/FTD: raise or drop `match cmd line length gt 512` in the `policy-map type inspect esmtp`. A server " +
    "would have answered 500.",
  source: "Cisco ASA configuration guide, _default_esmtp_map; RFC 5321 §4.5.3.1.4",
  detect({ exchange }) {
    if (exchange.taint !== "unanswered" || exchange.verb.startsWith("(")) return null;
    const octets = exchange.askedTo - exchange.askedFrom;
    // A BDAT lasts until its chunk is over.
    if (octets <= MAX_LINE_OCTETS || exchange.verb === "BDAT") return null;
    return {
      variant: exchange.verb,
      confidence: exchange.retransmits > 0 ? 0.8 : 0.6,
      text: `${exchange.verb}, ${octets} octets, never answered`,
    };
  },
  claim(sum) {
    return (
      `A command line of more than 512 octets (${sum.variants[0]!.variant}) was never answered in ` +
      `${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: likely a device on the path dropped it.`
    );
  },
  explanation: {
    title: "A long command line vanished",
    what: [
      "Cisco's ESMTP inspection drops command lines of more than 512 octets and at times the connection with them. A server answers such a line, if only by 500.",
    ],
    evidence: ["A command of more than 512 octets without any reply."],
    usually: ["Cisco ASA and FTD, _default_esmtp_map: match cmd line length gt 512."],
    confirm: ["show service-policy inspect esmtp counts the drops."],
    remedy: ["Raise the limit: match cmd line length gt 998, or drop the match."],
    deliberate: "Protection of servers from overlong lines.",
    sources: ["Cisco ASA CLI configuration guide, inspection of mail protocols", "RFC 5321 §4.5.3.1.4"],
  },
};
