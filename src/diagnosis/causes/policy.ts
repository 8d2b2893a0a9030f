import type { Cause } from "../cause.ts";
import { growsWithSize, QUEUE_FIT, silence } from "./silence.ts";
/** A reply waits for an outside check: policy service, milter, database. */
export const policy: Cause = {
  id: "cause/policy",
  deliberate: false,
  severity: "warning",
  noun: "checks by a policy service or filter",
  weigh(bundle, pattern) {
    const score = silence(bundle, pattern, {
      greeting: 0.6,
      hello: 0.5,
      mail: 0.6,
      rcpt: 0.6,
      data: 0.6,
      end: 0.45,
      encrypted: 0.5,
    });
    if (score === null) return null;
    if (pattern.queueFit >= QUEUE_FIT)
      return { score: score / 2, why: "", against: "the waits end when other dialogues do" };
    if (growsWithSize(bundle, pattern))
      return { score: 0.2, why: "", against: "the wait grows with the message's size" };
    return { score, why: "nothing else that is seen happened meanwhile" };
  },
  remedy:
    "Time the outside checks of this stage in the server's log (policy services, milters, databases) and give them a timeout.",
  source: "Postfix SMTPD_POLICY_README, MILTER_README",
  explanation: {
    title: "A reply waits for an outside check: policy service, milter, database",
    what: [
      "At connect, HELO, MAIL, RCPT or DATA the server asks another program whether to go on: a policy service, a milter, a database of users, a call-ahead to the next server. Its reply waits for the answer.",
    ],
    evidence: [
      "The server had the command, as its acknowledgement shows, and was silent; other stages are prompt.",
      "On the wire a sleeping check and a deliberate pause are the same, so they are named together. What the check itself waits for (its own lookups) is its business.",
    ],
    usually: [
      "Postfix (check_policy_service, smtpd_milters, sleep), Exim (ACLs with lookups, callouts), Sendmail milters, Exchange agents, recipient call-ahead of appliances.",
    ],
    confirm: [
      "The server's log: time between connect (or RCPT) and the check's verdict.",
      "Switch the check off for one client and compare.",
    ],
    remedy: [
      "Give checks a timeout (Postfix: smtpd_policy_service_timeout, milter_connect_timeout).",
      "Order: cheap checks first.",
    ],
    deliberate: "Sometimes: some policy services sleep on purpose. Then it is a tarpit.",
    sources: ["Postfix SMTPD_POLICY_README", "Postfix MILTER_README"],
  },
};
