import type { Cause } from "../cause.ts";

/** Round trips below this (µs) are a building's. */
const LONG_PATH_US = 20_000;

/** Each reply costs a long round trip. */
export const networkLatency: Cause = {
  id: "cause/network-latency",
  deliberate: false,
  severity: "info",
  noun: "the round trip between client and server",
  weigh(bundle) {
    const { spent, items } = bundle;
    if (spent.kind === "held") return { score: 0.3, why: "a long queue on the path delays packets too" };
    if (spent.kind !== "path") return null;
    if (!items.some(({ stretch }) => stretch.lengthUs >= LONG_PATH_US)) return null;
    return { score: 0.9, why: "each reply takes a round trip, as the handshake did" };
  },
  remedy:
    "Each command costs a round trip: use a nearer server, PIPELINING, and one connection for several mails.",
  source: "RFC 2920",
  explanation: {
    title: "Each reply costs a long round trip",
    what: [
      "SMTP asks and answers in turn, so a dialogue takes at least one round trip for each command. On a long path that adds up while the server itself is quick.",
    ],
    evidence: ["The handshake shows the round trip; every wait is about that long."],
    usually: [
      "Servers on another continent, satellite and mobile links, VPNs that take a detour, full queues (bufferbloat).",
    ],
    confirm: [
      "ping or tcptraceroute to the server: is it as long?",
      "Compare with the connect phase: all phases are alike.",
    ],
    remedy: ["PIPELINING (RFC 2920), connection caching, a relay nearby."],
    deliberate: "No: distance.",
    sources: ["RFC 2920"],
  },
};
