import { BANNER } from "../../spine/phase.ts";
import type { Cause } from "../cause.ts";

const WHY = {
  refused: "the connection was refused",
  dropped: "the SYN was never answered",
  elsewhere: "another address of the server was tried first, and could not be reached",
} as const;

/** The server never answered. */
export const unreachable: Cause = {
  id: "cause/unreachable",
  deliberate: false,
  severity: "critical",
  noun: "servers that never answered",
  weigh(bundle) {
    const { spent } = bundle;
    if (spent.kind === "unreachable") {
      return { score: 0.95, why: WHY[spent.how] };
    }
    if (spent.kind !== "unanswered") return null;
    const isGreeting = bundle.items.every(({ reply }) => reply.phase === BANNER);
    return {
      score: isGreeting ? 0.8 : 0.5,
      why: isGreeting ? "connected, and no banner came" : "no reply came",
    };
  },
  remedy:
    "Is the server running and listening, and does a firewall let the port through? Try from the same network with telnet or nc.",
  source: "RFC 5321 §4.5.3.2.1",
  explanation: {
    title: "The server never answered",
    what: ["The connection is refused, its SYN gets no answer, or it is accepted and nothing is ever said."],
    evidence: [
      "Of several addresses the first does not answer, and the next is tried after a while: each dialogue waits for that (a name with an IPv6 address, where IPv6 does not work).",
      "Refused: a reset, or an ICMP error. Dropped: SYNs without an answer. Accepted and silent: the kernel took the connection, the program did not: it is stopped, hung, or out of processes.",
      "A client that gave up early may have left just before the banner.",
    ],
    usually: [
      "Service stopped, wrong address in DNS, a firewall that drops, a provider that blocks port 25.",
    ],
    confirm: ["nc -v SERVER 25 from the same network and from another."],
    remedy: ["Start the service, open the port; with blocked port 25 use a relay on 587."],
    deliberate: "Sometimes: providers block port 25.",
    sources: ["RFC 5321 §4.5.3.2.1"],
  },
};
