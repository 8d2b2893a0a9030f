import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";
import { keywordsOf } from "../view.ts";

/** Commands and the keyword that offers them. */
const OFFERED_BY: Readonly<Record<string, string>> = {
  BDAT: "CHUNKING",
  ETRN: "ETRN",
  ATRN: "ATRN",
  VRFY: "VRFY",
  EXPN: "EXPN",
  HELP: "HELP",
  TURN: "TURN",
  BURL: "BURL",
  XCLIENT: "XCLIENT",
  XFORWARD: "XFORWARD",
  XEXCH50: "XEXCH50",
};
/** The server says that it does not know the command, not that it does not want it. */
const UNKNOWN =
  /unrecogni[sz]ed|not recogni[sz]ed|unknown command|unsupported|not implemented|bad syntax|invalid command/i;

/** A command is refused as unknown by the server that offered it. */
export const commandRefused: Signature = {
  id: "rewriting/command-refused",
  severity: "warning",
  stage: "exchange",
  remedy:
    "Look for a device between client and server that does not pass the command (Cisco `inspect esmtp` does not " +
    "know BDAT), or switch the keyword off at the server until it does.",
  source: "RFC 5321 §4.2.4 (what is offered must be implemented); RFC 3030",
  detect({ exchange, heard }) {
    const { code, verb } = exchange;
    if (code !== 500 && code !== 502) return null;
    const keyword = OFFERED_BY[verb];
    if (keyword === undefined || !keywordsOf(heard.hello).some(({ name }) => name === keyword)) return null;
    const reply = exchange.lines().join(" / ");
    if (!UNKNOWN.test(reply)) return null;
    return { variant: `${verb} (${keyword})`, confidence: 0.75, text: `${verb} → ${reply}` };
  },
  claim(sum) {
    return (
      `${sum.variants[0]!.variant} was offered and then refused as unknown in ` +
      `${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}: likely the command did not arrive as it was sent.`
    );
  },
  explanation: {
    title: "The server refuses what it offered",
    what: [
      "The reply to EHLO offers a command, and the same server then says that there is no such command. Something between let the keyword pass but not the command.",
    ],
    evidence: [
      "The keyword in the dialogue's EHLO reply; 500 or 502 to its command with a text that calls it unknown.",
      "Not this: refusals for other reasons (503 out of order, 550 not allowed, 252 cannot verify).",
    ],
    usually: ["Cisco ASA and FTD (BDAT), mail proxies of firewalls that copy the server's EHLO reply."],
    confirm: ["Say the command on the server's own host."],
    remedy: ["Let the command pass, or do not offer it: Postfix smtpd_discard_ehlo_keywords = chunking."],
    deliberate: "A side effect of a filter that knows fewer commands than the server.",
    sources: ["RFC 5321 §4.2.4", "RFC 3030"],
  },
};
