import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** Unknown, or not implemented: by a server that had just offered it. */
const UNKNOWN_CODES: ReadonlySet<number> = new Set([500, 502]);

/** STARTTLS was offered, and refused as unknown. */
export const starttlsRefused: Signature = {
  id: "rewriting/starttls-refused",
  severity: "critical",
  stage: "exchange",
  remedy:
    "Look for a mail filter on the client's own host (antivirus mail shields) and for a firewall that lets the " +
    "keyword pass but not the command (Cisco ASA/FTD: `allow-tls`).",
  source: "RFC 3207 §4; Bugtraq 2002 on Norton AntiVirus",
  detect({ exchange, conversation }) {
    if (exchange.verb !== "STARTTLS" || exchange.code === null || !UNKNOWN_CODES.has(exchange.code))
      return null;
    if (conversation.starttls !== "offered" || exchange.command()?.trim().toUpperCase() !== "STARTTLS")
      return null;
    const reply = exchange.lines()[0] ?? "";
    return { variant: reply, confidence: 0.85, text: `STARTTLS → ${reply}` };
  },
  claim(sum) {
    return (
      `STARTTLS was offered and then refused as unknown (${sum.variants[0]!.variant}) in ` +
      `${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: likely something between answered, or changed the ` +
      "command; mail goes in clear text."
    );
  },
  explanation: {
    title: "STARTTLS was offered and then refused",
    what: [
      "The server offers STARTTLS, the client asks for it, and the reply says that there is no such command. A server does not contradict itself: the command did not reach it as it was sent, or the reply is not its own.",
    ],
    evidence: [
      "STARTTLS in the reply to EHLO of the same dialogue; 500 or 502 to the command, which had no argument.",
      "Not this: 454 (TLS not available for a while), 501, 503, 530, which servers say for reasons of their own.",
    ],
    usually: [
      "Antivirus mail shields on the client's host (Norton AntiVirus answered 500 Unsupported command by itself), firewalls that overwrite the command, striptls.",
    ],
    confirm: [
      "Did the reply come sooner than the server's round trip? Then it was given on the way.",
      "Capture at the server: is there a STARTTLS?",
    ],
    remedy: ["Exclude the mail program or port from the shield; ASA/FTD: allow-tls."],
    deliberate: "So that a filter can read the mail.",
    sources: ["RFC 3207 §4", "Bugtraq, 2002"],
  },
};
