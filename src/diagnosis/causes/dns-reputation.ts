import type { Cause } from "../cause.ts";
import { lookup } from "./silence.ts";
/** A reply waits for a DNS list (DNSBL, reputation service). */
export const dnsReputation: Cause = {
  id: "cause/dns-reputation",
  deliberate: false,
  severity: "warning",
  noun: "lookups in lists (DNSBL, reputation)",
  weigh(bundle, pattern) {
    return lookup(
      bundle,
      pattern,
      { greeting: 0.55, mail: 0.4, rcpt: 0.45, encrypted: 0.35 },
      ({ subject, outcome }) => subject === "reputation" && outcome === "slow",
      "the server asked a list about the client's address and answered when the list had",
    );
  },
  remedy:
    "Time a query to each configured list from the server; drop dead lists, and use a local mirror or a nearer resolver.",
  source: "RFC 5782; Cisco 118408 (SenderBase lookups)",
  explanation: {
    title: "A reply waits for a DNS list (DNSBL, reputation service)",
    what: [
      "The server asks a list about the client, by its address written backwards before the list's zone, or about a domain named in the dialogue. The reply waits for the answer.",
    ],
    evidence: [
      "Proved where the DNS traffic is in the capture: the client's reversed address in the name that is asked, and the reply right after the answer. A listed client costs two lookups (A, then TXT).",
      "A list that is asked while something slower goes on explains nothing: a slow list behind postscreen's greet wait is not the cause.",
    ],
    usually: [
      "Postfix (reject_rbl_client, postscreen_dnsbl_sites), Exim (dnslists), rblsmtpd, Cisco ESA (SenderBase), MailMarshal, Exchange.",
    ],
    confirm: ["dig 2.0.0.127.LIST on the mail server, timed.", "Capture port 53 beside port 25."],
    remedy: [
      "Remove lists that are gone: their queries time out.",
      "Many lists refuse or drop queries that come through public resolvers: use your own.",
    ],
    deliberate: "No. The check is wanted, its duration is not.",
    sources: ["RFC 5782", "Cisco 118408"],
  },
};
