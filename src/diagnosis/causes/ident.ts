import type { Cause } from "../cause.ts";
import { hasResolverSteps, silence } from "./silence.ts";
/** The banner waits for an ident call. */
export const ident: Cause = {
  id: "cause/ident",
  deliberate: false,
  severity: "warning",
  noun: "ident calls to the client (port 113)",
  weigh(bundle, pattern) {
    if (bundle.spent.kind === "ident")
      return { score: 0.98, why: "the server called the client's port 113 and greeted when that had ended" };
    const score = silence(bundle, pattern, { greeting: 0.36 });
    if (score === null) return null;
    if (pattern.besideServer === true) {
      return {
        score: 0.01,
        why: "",
        against: "the capture is from beside the server, and it did not call port 113",
      };
    }
    const why = "a call to port 113 that a firewall drops would not be seen here";
    // Sendmail waits for 5 s, as a resolver does.
    return { score: hasResolverSteps(bundle, pattern) ? 0.5 : score, why };
  },
  remedy:
    "Let the client's firewall reject port 113 instead of dropping it, or switch ident off at the server: nobody needs it.",
  source: "RFC 1413",
  explanation: {
    title: "The banner waits for an ident call",
    what: [
      "The server calls the client's host on port 113 to ask who is calling. Where nobody listens it is refused at once; where a firewall drops the call, the server waits until it gives up.",
    ],
    evidence: [
      "A SYN from the server to port 113 of the client, without an answer, and the banner when the server had given up. At the client it is seen unless something in between drops it.",
    ],
    usually: [
      "Sendmail (Timeout.ident, 5 s), Exim (rfc1413_query_timeout), tcpserver (26 s), old inetd wrappers.",
    ],
    confirm: ["tcpdump port 113 at either end.", "At the client: is tcp/113 dropped or refused?"],
    remedy: [
      "Client: reject tcp/113 with a reset.",
      "Sendmail: confTO_IDENT 0s. Exim: rfc1413_query_timeout = 0s. tcpserver: -R.",
    ],
    deliberate: "No: a relic.",
    sources: ["RFC 1413", "sendmail operations guide; Exim specification"],
  },
};
