import type { Cause } from "../cause.ts";
import { hasResolverSteps, lookup } from "./silence.ts";
/** A reply waits until the resolver gives up. */
export const dnsTimeout: Cause = {
  id: "cause/dns-timeout",
  deliberate: false,
  severity: "critical",
  noun: "lookups that nobody answered",
  weigh(bundle, pattern) {
    if (bundle.spent.kind === "silence" && !pattern.dnsSeen && hasResolverSteps(bundle, pattern)) {
      return { score: 0.7, why: "the waits are multiples of 5 s, the resolver's time for one try" };
    }
    return lookup(
      bundle,
      pattern,
      { greeting: 0.4, hello: 0.25, mail: 0.3, rcpt: 0.3, encrypted: 0.25 },
      ({ outcome }) => outcome === "silent",
      "the server's queries got no answer, and it went on when its resolver gave up",
    );
  },
  remedy:
    "Check the resolver that the mail server uses (reachable? answering?), and the name servers of the zones that are named here.",
  source: "resolv.conf(5); AsyncOS guides, DNS settings",
  explanation: {
    title: "A reply waits until the resolver gives up",
    what: [
      "The server asks the DNS and nobody answers. The resolver asks again and gives up after its timers: with libc 5 s a try, twice, for each name server; then the server goes on.",
    ],
    evidence: [
      "Proved where the DNS traffic is in the capture: queries, repeated, without an answer.",
      "Without it: waits of 5, 10, 15 … s. Other resolvers have other steps: Cisco ESA 20 s for reverse lookups, 60 s or 15 + 45 s for queries.",
    ],
    usually: [
      "A dead or unreachable resolver first in /etc/resolv.conf, a firewall that drops port 53 or answers to it, a lame delegation of the reverse zone.",
    ],
    confirm: [
      "dig @RESOLVER on the mail server for the names that are listed.",
      "Capture port 53 beside port 25.",
    ],
    remedy: [
      "Repair or replace the resolver; options timeout:1 attempts:1 in resolv.conf shorten the wait.",
      "Let a firewall reject (ICMP) instead of drop.",
    ],
    deliberate: "No.",
    sources: ["resolv.conf(5)", "AsyncOS guides, DNS settings"],
  },
};
