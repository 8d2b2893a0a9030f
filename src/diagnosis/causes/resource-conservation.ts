import type { Cause } from "../cause.ts";
import { silence } from "./silence.ts";
/** An appliance slows down on purpose to conserve resources. */
export const resourceConservation: Cause = {
  id: "cause/resource-conservation",
  deliberate: true,
  severity: "warning",
  noun: "an appliance that conserves its resources",
  weigh(bundle, pattern) {
    const score = silence(bundle, pattern, { every: 0.7 });
    if (score === null) return null;
    if (pattern.afterErrors)
      return { score: 0.1, why: "", against: "replies are prompt until the first refusals" };
    if (pattern.spread > 0.25 || pattern.coverage < 0.8)
      return { score: 0.2, why: "", against: "the waits differ, or come only now and then" };
    return { score, why: "every kind of reply is late by about the same" };
  },
  remedy:
    "On a Cisco ESA look at Resource Conservation in status detail; find what is short: memory, queue space, work queue.",
  source: "Cisco 218151; AsyncOS status log (ResCon)",
  explanation: {
    title: "An appliance slows down on purpose to conserve resources",
    what: [
      "A Cisco Secure Email appliance (ESA) that is short of memory, queue space or workers delays each of its replies, more the shorter it is: the Resource Conservation value. Beyond that it refuses injection.",
    ],
    evidence: [
      "Nearly the same delay on every reply, NOOP and RSET included, that drifts over minutes.",
      "On the wire the same as a tarpit on every reply.",
    ],
    usually: [
      "Cisco ESA/IronPort; Sendmail's DelayLA does the like under load (1 s, not on the banner, the end of data and QUIT).",
    ],
    confirm: ["ESA: status detail, gauge Resource Conservation above 0; SNMP resourceConservationReason."],
    remedy: ["Relieve what is short: the work queue (scanning), the delivery queue, memory."],
    deliberate: "Yes: it protects the appliance.",
    sources: ["Cisco 218151, 117834", "AsyncOS status-log help: ResCon"],
  },
};
