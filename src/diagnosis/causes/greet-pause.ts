import { BANNER } from "../../spine/phase.ts";
import type { Cause } from "../cause.ts";
import { QUEUE_FIT, silence } from "./silence.ts";
/** The server pauses before it greets, on purpose. */
export const greetPause: Cause = {
  id: "cause/greet-pause",
  deliberate: true,
  severity: "info",
  noun: "greet pauses",
  weigh(bundle, pattern) {
    const { spent } = bundle;
    if (
      spent.kind === "dribble" &&
      spent.how === "teaser" &&
      bundle.items.every(({ reply }) => reply.phase === BANNER)
    ) {
      return {
        score: 0.95,
        why: "the first line of the greeting came at once and the rest much later: a teaser for those who talk too early",
      };
    }
    const score = silence(bundle, pattern, { greeting: 0.62 });
    if (score === null) return null;
    if (pattern.queueFit >= QUEUE_FIT)
      return { score: 0.3, why: "", against: "the waits end when other dialogues do" };
    if (pattern.firstOnly) return { score: 0.4, why: "a pause for clients that are not yet known" };
    const steady = Math.min(pattern.spread, pattern.spreadByClient ?? 1);
    if (steady < 0.1) return { score: 0.68, why: "the waits are alike" };
    return { score: 0.5, why: "nothing but the banner is late", against: "the waits differ" };
  },
  remedy:
    "If the pause is yours, it is wanted: exempt clients you know. If it is the other side's, expect it and wait (RFC 5321: up to 5 minutes).",
  source: "Sendmail greet_pause; Postfix POSTSCREEN_README; Exim ACL modifier delay",
  explanation: {
    title: "The server pauses before it greets, on purpose",
    what: [
      "The server lets clients wait before its banner: programs that send spam often talk before they are greeted, and are found out by it. Postfix's postscreen sends the first line of its banner at once, as a teaser, and the rest after up to 6 s.",
    ],
    evidence: [
      "The teaser is told by its shape: first line at once, last line much later.",
      "A plain pause looks like any other work before the banner: a check that sleeps, a lookup. Its waits are alike, for everybody, on every visit.",
      "Refuted by DNS traffic in the capture that the banner waits for.",
    ],
    usually: [
      "Sendmail (FEATURE greet_pause), Postfix (postscreen_greet_wait, sleep), Exim (delay in acl_smtp_connect), Haraka (early_talker), OpenSMTPD (filter-pause), spam appliances.",
    ],
    confirm: [
      "Look for the setting; connect from an exempted address and compare.",
      "Capture port 53 beside port 25: a pause has no lookups in it.",
    ],
    remedy: ["Exempt known clients: access map GreetPause, postscreen_access_list."],
    deliberate: "Yes: it keeps spam out cheaply.",
    sources: [
      "Sendmail cf/README, greet_pause",
      "Postfix POSTSCREEN_README",
      "Measured: postscreen 5.7–6.4 s, 2 s under stress",
    ],
  },
};
