import type { Cause } from "../cause.ts";
import { silence } from "./silence.ts";
/** The server is short of CPU. */
export const cpu: Cause = {
  id: "cause/cpu",
  deliberate: false,
  severity: "warning",
  noun: "a server short of CPU",
  weigh(bundle, pattern) {
    if (bundle.spent.kind === "held") return null;
    const score = silence(bundle, pattern, { greeting: 0.2, every: 0.36 });
    if (score === null) return null;
    if (pattern.afterErrors)
      return { score: 0.05, why: "", against: "replies are prompt until the first refusals" };
    const uneven = pattern.spread > 0.25 || pattern.coverage < 0.8;
    if (bundle.stage === "every") {
      if (uneven)
        return {
          score: 0.9,
          why: "replies of all kinds are late, by differing amounts or only now and then",
        };
      return { score, why: "replies of all kinds are late" };
    }
    return uneven && pattern.spread > 0.4
      ? { score: 0.3, why: "the waits differ" }
      : { score: 0.1, why: "", against: "all other replies are prompt" };
  },
  remedy:
    "Look at the server's load while it happens (CPU, steal time, cgroup throttling); on an appliance the CPU in status detail.",
  source: "Cisco 118016 (CPU above 95 %)",
  explanation: {
    title: "The server is short of CPU",
    what: [
      "The server's host has too little processor time for it: too much work, a quota, a busy neighbour, a hypervisor that stops it. Replies of all kinds come late.",
    ],
    evidence: [
      "Also replies that cost nothing are late (EHLO, NOOP, RSET), by differing amounts, or in bursts: some replies wait long, others don't.",
      "There is no single signature. A quota or a stopped machine gives bursts, a competitor makes everything slower.",
      "A near-constant delay on every reply is rather done on purpose: resource conservation or a tarpit.",
    ],
    usually: [
      "Overloaded gateways and appliances (ESA above 95 % CPU), virtual machines, containers with a quota, scanning engines.",
    ],
    confirm: ["vmstat 1 (r, st), cgroup cpu.stat (nr_throttled), ESA: status detail."],
    remedy: ["More CPU, less scanning, fewer concurrent sessions."],
    deliberate: "No.",
    sources: [
      "Cisco 118016",
      "Measured: quota and stop/continue give bursts, competition a general slowness",
    ],
  },
};
