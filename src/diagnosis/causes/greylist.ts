import type { Cause } from "../cause.ts";

/** Greylisting: refused for now, accepted later. */
export const greylist: Cause = {
  id: "cause/greylist",
  deliberate: true,
  severity: "info",
  noun: "greylisting",
  weigh(bundle) {
    if (bundle.spent.kind !== "greylisted") return null;
    const said = bundle.items.some(({ reply }) => reply.saysGreylisted);
    const again = bundle.spent.acceptedLater;
    if (again) return { score: 0.95, why: "refused for now and let through on a later visit" };
    return said
      ? { score: 0.8, why: "the refusal says so" }
      : { score: 0.4, why: "refused for now, without a later visit in the capture" };
  },
  remedy: "Retry as usual: the sender's queue does it. Own server: exempt partners and large senders.",
  source: "RFC 6647",
  explanation: {
    title: "Greylisting: refused for now, accepted later",
    what: [
      "The server refuses a sender it does not know with a temporary code, at once. Real servers try again after some minutes and get through; the mail is late, the replies are not.",
    ],
    evidence: [
      "A quick 450 or 451 to RCPT or DATA, and the same client let through later. Replies themselves are not slow: no waiting is explained by it.",
    ],
    usually: ["postgrey, policyd, milter-greylist, OpenBSD spamd (25 minutes), Exim ACLs, many appliances."],
    confirm: ["Look for a second attempt of the same sender to the same recipient."],
    remedy: ["Exempt known clients; use a list of servers that retry."],
    deliberate: "Yes.",
    sources: ["RFC 6647", "spamd(8)"],
  },
};
