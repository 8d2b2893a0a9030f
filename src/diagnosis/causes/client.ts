import type { Cause } from "../cause.ts";

/** The client itself takes its time. */
export const client: Cause = {
  id: "cause/client",
  deliberate: false,
  severity: "info",
  noun: "the client's own pauses",
  weigh(bundle) {
    const { spent } = bundle;
    if (spent.kind === "client")
      return {
        score: 0.8,
        why: spent.beforeDot
          ? "the client paused within its message, before the final dot"
          : "the client let time pass before its next command",
      };
    if (spent.kind === "unanswered")
      return {
        score: bundle.items.every(({ dialogue }) => dialogue.closedBy === "client") ? 0.45 : 0.1,
        why: "the client closed the connection first",
      };
    if (spent.kind === "window") return { score: 0.45, why: "it is the client that does not read" };
    return null;
  },
  remedy:
    "Look at the sending program: what does it do between commands? A pause of 10 s before the dot is Postfix's workaround for PIX firewalls (smtp_pix_workarounds).",
  source: "RFC 5321 §4.5.3.2; Postfix smtp_pix_workarounds",
  explanation: {
    title: "The client itself takes its time",
    what: [
      "The server has answered and the client does not go on: it computes, waits for input, throttles itself, or sleeps before the final dot to get round an old firewall bug.",
    ],
    evidence: [
      "The time lies between a reply and the next command, or within the message while nothing is unacknowledged.",
      "Postfix sleeps 10 s before the dot when the banner looks masked (stars) and the mail has waited in its queue for 500 s: then the firewall is the reason.",
    ],
    usually: [
      "Scripts, people who type, senders that throttle, clients that give up before the server answers (some after 30 or 45 s, the standard says 5 minutes).",
    ],
    confirm: ["The client's log."],
    remedy: ["Depends on the client."],
    deliberate: "Sometimes: rate limits of the sender.",
    sources: [
      "RFC 5321 §4.5.3.2",
      "Postfix: smtp_pix_workarounds, smtp_pix_workaround_delay_time, smtp_pix_workaround_threshold_time",
    ],
  },
};
