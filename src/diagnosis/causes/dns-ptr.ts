import type { Cause } from "../cause.ts";
import { lookup } from "./silence.ts";
/** The banner waits for the name of the client's address (PTR). */
export const dnsPtr: Cause = {
  id: "cause/dns-ptr",
  deliberate: false,
  severity: "warning",
  noun: "PTR lookups",
  weigh(bundle, pattern) {
    return lookup(
      bundle,
      pattern,
      { greeting: 0.7 },
      ({ subject, outcome }) => subject === "ptr" && outcome === "slow",
      "the server asked for the client's name (PTR) and greeted when the answer had come",
    );
  },
  remedy:
    "Ask the server's resolver for the PTR record of these clients and time it; repair the zone or its name servers, or let the server skip the lookup for them.",
  source: "resolv.conf(5); Cisco 118016 (order of lookups at a listener)",
  explanation: {
    title: "The banner waits for the name of the client's address (PTR)",
    what: [
      "Before it greets, the server asks the DNS for the name of the address that has connected. Until the answer comes, or the resolver gives up, the client sees an open connection and no banner.",
    ],
    evidence: [
      "Proved where the server's DNS traffic is in the capture: a PTR query for that very client, and the banner right after the answer. Each lookup is listed.",
      "Without it only the shape tells: the banner is late, everything after it is prompt, some networks only, and often only the first visit, because the answer is cached.",
      "Looks alike: a greet pause, a check at connect, and any other lookup before the banner. One point of view cannot tell them apart.",
    ],
    usually: [
      "Postfix (smtpd_peername_lookup), Exim (host_lookup), Sendmail, Exchange, Cisco ESA (reverse DNS lookup of a listener).",
    ],
    confirm: [
      "dig -x CLIENT on the mail server, with the resolver it uses.",
      "Capture port 53 beside port 25 on the server: tcpdump -w both.pcap 'port 25 or port 53'.",
      "Connect again within the record's TTL: with a cache the second banner is prompt.",
    ],
    remedy: [
      'Delegate the reverse zone to servers that answer, also with NXDOMAIN: a quick "no" costs nothing.',
      "A resolver with a cache beside the mail server.",
      "Postfix: smtpd_peername_lookup = no. Exim: restrict host_lookup. ESA: the listener's DNS settings.",
    ],
    deliberate: "No. The check is wanted, its duration is not.",
    sources: [
      "resolv.conf(5): 5 s a try, 2 tries",
      "Cisco 118016: reverse DNS, forward DNS, reputation, then the banner",
      "AsyncOS guides, DNS settings: own timeout of 20 s for reverse lookups",
    ],
  },
};
