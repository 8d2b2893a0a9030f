import type { Cause } from "../cause.ts";
import { growsWithSize, silence } from "./silence.ts";
/** The server delays replies on purpose (tarpit). */
export const tarpit: Cause = {
  id: "cause/tarpit",
  deliberate: true,
  severity: "info",
  noun: "tarpits",
  weigh(bundle, pattern) {
    const { spent } = bundle;
    if (spent.kind === "dribble" && spent.how === "stutter")
      return { score: 0.95, why: "replies come in small pieces with pauses between them" };
    const score = silence(bundle, pattern, {
      hello: 0.45,
      mail: 0.5,
      rcpt: 0.5,
      data: 0.5,
      end: 0.4,
      every: 0.65,
      encrypted: 0.35,
      elsewhere: 0.5,
    });
    if (score === null) return null;
    if (pattern.afterErrors)
      return { score: 0.95, why: "from some refusal on each reply is late, and before it none" };
    if (pattern.refusalsOnly) return { score: 0.9, why: "only refusals are late" };
    if (pattern.afterRecipients)
      return { score: 0.9, why: "a message's first recipients are answered promptly, later ones are not" };
    if (bundle.stage === "every" && (pattern.spread > 0.25 || pattern.coverage < 0.8)) {
      return { score: 0.2, why: "", against: "the waits differ, or come only now and then" };
    }
    if (growsWithSize(bundle, pattern))
      return { score: 0.2, why: "", against: "the wait grows with the message's size" };
    return {
      score,
      why: pattern.spread < 0.1 ? "the waits are alike" : "the server had the command and was silent",
    };
  },
  remedy:
    "If the tarpit is yours, exempt clients you know; if it is the other side's, look for what set it off: errors, unknown recipients, a bad reputation.",
  source: "Postfix smtpd_error_sleep_time; spamd(8); Exchange TarpitInterval",
  explanation: {
    title: "The server delays replies on purpose (tarpit)",
    what: [
      "The server answers slowly to those it dislikes: after errors, after many recipients, to unknown recipients, or to everybody on a list. Some dribble one character a second.",
    ],
    evidence: [
      "Told by what sets it off: only refusals, only after errors, only after the first recipients, or replies in many small pieces.",
      "A constant delay on every reply is the same on the wire as an appliance that conserves resources; a constant delay at one stage the same as a check that sleeps.",
    ],
    usually: [
      "Postfix (smtpd_error_sleep_time: 1 s after 10 errors), Exchange (5 s for refused recipients), qmail tarpitcount, Exim (delay in an ACL), OpenBSD spamd (stutter), Haraka.",
    ],
    confirm: [
      "Send to one valid recipient from another address: prompt?",
      "Read the codes: did refusals come before?",
    ],
    remedy: ["Clean address lists; warm up new addresses; own servers: exempt partners."],
    deliberate: "Yes: it makes spamming expensive.",
    sources: [
      "Postfix: smtpd_error_sleep_time, smtpd_soft_error_limit",
      "spamd(8)",
      "Microsoft: TarpitInterval",
    ],
  },
};
