import { BANNER } from "../../spine/phase.ts";
import type { Cause } from "../cause.ts";
import { silence } from "./silence.ts";
/** A reply is late because packets were lost. */
export const packetLoss: Cause = {
  id: "cause/packet-loss",
  deliberate: false,
  severity: "warning",
  noun: "lost packets",
  weigh(bundle, pattern) {
    const { spent } = bundle;
    if (spent.kind === "lost") {
      if (spent.what === "syn" || spent.what === "syn-ack")
        return { score: 0.4, why: "a packet of the handshake was lost" };
      return {
        score: 0.9,
        why: `the ${spent.what} was sent again, and the acknowledgement names the later copy`,
      };
    }
    if (spent.kind === "overflow")
      return { score: 0.5, why: "the SYN-ACK came again although the client had answered it" };
    if (spent.kind === "held")
      return { score: 0.35, why: "where clocks are not to be trusted a loss looks the same" };
    const score = silence(bundle, pattern, {
      greeting: 0.36,
      hello: 0.6,
      mail: 0.6,
      rcpt: 0.6,
      data: 0.6,
      end: 0.6,
    });
    if (score === null || pattern.besideServer === true) return null;
    const steps = pattern.retransmissionSteps >= 0.99;
    const why = steps
      ? "the waits are those of TCP's retransmission timer: 0.2 s, doubled each time"
      : "a banner that was lost before it came here leaves no trace";
    // A lost banner was nothing but silence; a lost reply mostly leaves traces, if only at other replies.
    if (bundle.stage !== BANNER) return steps && pattern.lossSeen ? { score, why } : null;
    return { score: steps ? 0.6 : score, why };
  },
  remedy:
    "Look for loss on the path to the server: interface errors, full queues, a firewall that drops in the middle of connections.",
  source: "RFC 6298; RFC 8985",
  explanation: {
    title: "A reply is late because packets were lost",
    what: [
      "A reply or a command is lost on the way; TCP sends it again after its timer: on Linux 0.2 s, then doubled each time.",
    ],
    evidence: [
      "Copies of the same bytes; the acknowledgement names (by its timestamp) a later copy, not the first.",
      "A reply that was lost before it came to the point of capture leaves no copy: only the timer's steps hint at it: 0.2, 0.6, 1.4, 3 s for one, two, three, four lost copies, or 0.2, 0.4, 0.8, 1.6 s where a loss probe came first; a round trip more each.",
    ],
    usually: ["Overloaded links, duplex mismatch, faulty optics, firewalls that drop."],
    confirm: ["Capture at both ends and compare.", "ip -s link; nstat TcpRetransSegs."],
    remedy: ["Repair the path."],
    deliberate: "No.",
    sources: ["RFC 6298", "RFC 8985 (tail loss probe)"],
  },
};
