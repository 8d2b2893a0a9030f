import type { Cause } from "../cause.ts";
import { lookup } from "./silence.ts";
/** A reply waits for a lookup of the sender's or HELO name. */
export const dnsSender: Cause = {
  id: "cause/dns-sender",
  deliberate: false,
  severity: "warning",
  noun: "lookups of names given in the dialogue",
  weigh(bundle, pattern) {
    return lookup(
      bundle,
      pattern,
      { hello: 0.45, mail: 0.6, rcpt: 0.55, encrypted: 0.35 },
      ({ subject, outcome }) => subject === "sender" && outcome === "slow",
      "the server looked up a name from HELO, MAIL or RCPT and answered when the answer had come",
    );
  },
  remedy:
    "Time the MX, A and TXT lookups of the senders' domains on the server; a domain whose name servers are slow is its owner's fault, a slow resolver is yours.",
  source: "RFC 5321 §2.3.5; RFC 7208",
  explanation: {
    title: "A reply waits for a lookup of the sender's or HELO name",
    what: [
      "After MAIL or RCPT the server checks the sender's domain (MX, A, SPF, DMARC) or the HELO name, and its reply waits for the DNS.",
    ],
    evidence: [
      "Proved where the DNS traffic is in the capture: a query for a name said in this dialogue, or for one that such an answer led to, and the reply right after the answer.",
      "Looks alike: any other check at MAIL or RCPT.",
    ],
    usually: [
      "Postfix (reject_unknown_sender_domain, reject_unknown_helo_hostname), Exim (verify = sender), SPF and DMARC filters.",
    ],
    confirm: ["dig MX DOMAIN on the mail server.", "Capture port 53 beside port 25."],
    remedy: [
      "A caching resolver beside the server.",
      "Check what is cheap first: restrictions are evaluated in order.",
    ],
    deliberate: "No. The check is wanted, its duration is not.",
    sources: ["RFC 5321 §2.3.5", "RFC 7208 §4.6.4 (limits of SPF lookups)"],
  },
};
