import type { Cause } from "../cause.ts";

/** Clients that try for longer (µs) than this got no connection because there is none to be had. */
const GIVE_UP_US = 10_000_000;

/** The connection is late because a SYN or SYN-ACK was lost. */
export const synLoss: Cause = {
  id: "cause/syn-loss",
  deliberate: false,
  severity: "warning",
  noun: "lost SYNs",
  weigh(bundle) {
    const { spent } = bundle;
    if (spent.kind === "overflow")
      return {
        score: 0.55,
        why: "the SYN-ACK came again although the client had answered it: as if that answer had been lost",
      };
    if (spent.kind === "lost" && (spent.what === "syn" || spent.what === "syn-ack")) {
      const what =
        spent.what === "syn"
          ? "the SYN was sent again before anything came back"
          : "the SYN-ACK was sent again before the client answered it";
      return { score: 0.9, why: what };
    }
    if (
      spent.kind === "unreachable" &&
      spent.how === "dropped" &&
      bundle.items.every(({ reply }) => reply.waitedUs < GIVE_UP_US)
    ) {
      return { score: 0.5, why: "the SYN stayed unanswered" };
    }
    return null;
  },
  remedy:
    "Look for drops between the two ends: rate limits and state tables of firewalls, a full accept queue at the server.",
  source: "RFC 6298; Linux ip-sysctl, tcp_syn_linear_timeouts",
  explanation: {
    title: "The connection is late because a SYN or SYN-ACK was lost",
    what: [
      "Opening a connection takes two packets; when one is lost, the client sends its SYN again after 1 s, then after 2 (Linux since 6.5 up to four times each second), 4 … s.",
    ],
    evidence: [
      "Two or more SYNs before the first SYN-ACK.",
      "A server whose accept queue is full drops SYNs as well: then several clients are concerned at once, while others wait for their banner.",
    ],
    usually: ["Firewalls with connection limits, overloaded links, a full listen queue."],
    confirm: [
      "Capture beside the server: do all SYNs arrive?",
      "nstat -az TcpExtListenOverflows TcpExtListenDrops on the server.",
    ],
    remedy: ["Depends on who drops it."],
    deliberate: "Sometimes: rate limits drop SYNs on purpose.",
    sources: ["RFC 6298 §2", "Measured: retries at 1, 2, 3, 4 s on Linux 6.18, at 1, 3, 7 s before"],
  },
};
