import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** RFC 5321 §4.5.3.1.8 asks for 100; Cisco's inspection allows no more. */
const LIMIT = 100;

/** The recipient behind the hundredth was never answered. */
export const rcptLimitDropped: Signature = {
  id: "rewriting/rcpt-limit-dropped",
  severity: "warning",
  stage: "exchange",
  remedy:
    "Cisco ASA/FTD: raise or drop `match cmd RCPT count gt 100` in the `policy-map type inspect esmtp`; or have the " +
    "client send fewer recipients at a time (Postfix smtp_destination_recipient_limit = 100).",
  source: "Cisco ASA configuration guide, _default_esmtp_map; RFC 5321 §4.5.3.1.8",
  detect({ exchange, conversation }) {
    if (exchange.taint !== "unanswered" || exchange.phase !== "rcpt") return null;
    if (conversation.acceptedRecipients !== LIMIT) return null;
    return { variant: "", confidence: 0.85, text: `recipient ${LIMIT + 1} was never answered` };
  },
  claim(sum) {
    return (
      `After exactly ${LIMIT} accepted recipients the next RCPT was never answered in ` +
      `${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: likely a device on the path dropped it.`
    );
  },
  explanation: {
    title: "The recipient behind the hundredth vanished",
    what: [
      "Cisco's ESMTP inspection drops what follows the hundredth RCPT of a message. A server that wants no more says 452.",
    ],
    evidence: ["Exactly 100 recipients accepted, and the next RCPT without any reply."],
    usually: ["Cisco ASA and FTD, _default_esmtp_map: match cmd RCPT count gt 100."],
    confirm: ["show service-policy inspect esmtp counts the drops."],
    remedy: ["Raise the limit, or send fewer recipients at a time."],
    deliberate: "Protection against lists of addresses.",
    sources: ["Cisco ASA CLI configuration guide, inspection of mail protocols", "RFC 5321 §4.5.3.1.8"],
  },
};
