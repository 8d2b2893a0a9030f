import type { Cause } from "../cause.ts";
import { hasResolverSteps, lookup } from "./silence.ts";
/** A reply waits because a DNS query or its answer was lost. */
export const dnsLoss: Cause = {
  id: "cause/dns-loss",
  deliberate: false,
  severity: "warning",
  noun: "lookups that were answered only after a retry",
  weigh(bundle, pattern) {
    if (bundle.spent.kind === "silence" && !pattern.dnsSeen && hasResolverSteps(bundle, pattern)) {
      return { score: 0.68, why: "the waits are multiples of 5 s, after which the resolver asks again" };
    }
    return lookup(
      bundle,
      pattern,
      { greeting: 0.4, hello: 0.2, mail: 0.3, rcpt: 0.3, encrypted: 0.2 },
      ({ outcome }) => outcome === "lost",
      "the first query, or its answer, was lost: the answer came right after the resolver had asked again",
    );
  },
  remedy:
    "Look for lost UDP between the mail server and its resolver (drops, rate limits, connection tracking), and for a first resolver that does not answer.",
  source: "resolv.conf(5)",
  explanation: {
    title: "A reply waits because a DNS query or its answer was lost",
    what: [
      "The server's first query gets no answer; the resolver asks again, with libc after 5 s, and that is answered at once.",
    ],
    evidence: [
      "Proved where the DNS traffic is in the capture: a query, a retry, and the answer a moment after the retry. A slow answer to the first query is another thing: then the lookup itself is slow.",
      "Without it: waits of just over 5 s.",
    ],
    usually: [
      "Packet loss, a rate limit of the resolver, a firewall whose state table is full, two queries from one port of which a firewall lets one pass (libc: options single-request-reopen), a dead first resolver.",
    ],
    confirm: ["Capture port 53 on the server and count retries.", "nstat -az | grep -i udp: receive errors."],
    remedy: [
      "A resolver on the mail server's own host.",
      "resolv.conf: options timeout:1, single-request-reopen.",
    ],
    deliberate: "No.",
    sources: ["resolv.conf(5)"],
  },
};
