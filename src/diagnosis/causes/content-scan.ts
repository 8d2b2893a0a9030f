import type { Cause } from "../cause.ts";
import { growsWithSize, silence } from "./silence.ts";
/** The reply to the end of the message waits for a scan. */
export const contentScan: Cause = {
  id: "cause/content-scan",
  deliberate: false,
  severity: "warning",
  noun: "content scanning",
  weigh(bundle, pattern) {
    const score = silence(bundle, pattern, { end: 0.8, encrypted: 0.5 });
    if (score === null) return null;
    if (growsWithSize(bundle, pattern)) return { score: 0.92, why: "the wait grows with the message's size" };
    return { score, why: "the server had the whole message and was silent" };
  },
  remedy: "Time the scanners in the server's log; scan after queueing where the policy allows it.",
  source: "Postfix SMTPD_PROXY_README, MILTER_README; RFC 5321 §4.5.3.2.6",
  explanation: {
    title: "The reply to the end of the message waits for a scan",
    what: [
      "When the message is there, the server has it scanned (antivirus, spam, data loss) before it says 250: the sender waits, up to 10 minutes by the standard.",
    ],
    evidence: [
      "Only replies to the end of data are late, and later for larger messages.",
      "Milter, proxy filter and an ACL of the server look the same. Where the wait does not depend on the size, a policy check or a tarpit at this stage does as well.",
    ],
    usually: [
      "amavis, rspamd, SpamAssassin, ClamAV as milter or proxy filter; Exim acl_smtp_data; Exchange transport agents (or up to 30 s of waiting for a shadow copy).",
    ],
    confirm: ["The scanner's log, by queue id.", "Send the same text in several sizes."],
    remedy: ["More scanner processes, a cap on the size that is scanned, scanning after queueing."],
    deliberate: "The scan is wanted; its duration is not.",
    sources: ["RFC 5321 §4.5.3.2.6", "Postfix SMTPD_PROXY_README"],
  },
};
