import type { Cause } from "../cause.ts";
import { lookup } from "./silence.ts";
/** The banner waits for the addresses of the client's name (A, AAAA). */
export const dnsForward: Cause = {
  id: "cause/dns-forward",
  deliberate: false,
  severity: "warning",
  noun: "lookups of the name that PTR gave",
  weigh(bundle, pattern) {
    return lookup(
      bundle,
      pattern,
      { greeting: 0.55 },
      ({ subject, outcome }) => subject === "forward" && outcome === "slow",
      "the server looked up the addresses of the client's name (A, AAAA) and greeted when the answer had come",
    );
  },
  remedy:
    "Time the A and AAAA lookups of the clients' names on the server; repair their zones, or give the server a nearer resolver.",
  source: "resolv.conf(5); Cisco 118016 (order of lookups at a listener)",
  explanation: {
    title: "The banner waits for the addresses of the client's name (A, AAAA)",
    what: [
      "The name that PTR gave is checked: it must lead back to the client's address. The server looks up its A and AAAA records before it greets.",
    ],
    evidence: [
      "Proved where the DNS traffic is in the capture: a query for the name that the PTR answer held, and the banner right after the answer.",
      "Servers that ask for A and AAAA one after the other wait for both: a delay of 2 s then costs 4 s.",
    ],
    usually: [
      "Exim (A, then AAAA), Sendmail (A three times, AAAA twice), Postfix (both at once), Cisco ESA.",
    ],
    confirm: ["dig A NAME and dig AAAA NAME on the mail server.", "Capture port 53 beside port 25."],
    remedy: [
      "Repair the forward zone of the clients' names.",
      "Where it is AAAA alone that hangs: name servers or firewalls that drop queries for types they don't know.",
    ],
    deliberate: "No.",
    sources: [
      "resolv.conf(5)",
      "Exim specification, host_lookup",
      "Measured with Exim 4.96, Postfix 3.7, Sendmail 8.17",
    ],
  },
};
