import type { Cause } from "../cause.ts";
import { QUEUE_FIT, silence } from "./silence.ts";
/** The banner waits for a free server process. */
export const connectionQueue: Cause = {
  id: "cause/connection-queue",
  deliberate: false,
  severity: "critical",
  noun: "waiting for a free server process",
  weigh(bundle, pattern) {
    const { spent } = bundle;
    if (spent.kind === "overflow") {
      const score = pattern.othersWaited >= 0.5 ? 0.9 : 0.5;
      return {
        score,
        why: "the SYN-ACK came again after the handshake was complete: as if there were no room for the connection",
      };
    }
    if (spent.kind === "lost" && spent.what === "syn" && pattern.othersWaited >= 0.5) {
      return {
        score: pattern.besideServer === true ? 0.95 : 0.7,
        why: "SYNs stayed unanswered while other clients of this server waited for their banner",
      };
    }
    const score = silence(bundle, pattern, { greeting: 0.36 });
    if (score === null) return null;
    if (pattern.queueFit >= QUEUE_FIT)
      return { score: 0.95, why: "the banners came when another dialogue with the server had just ended" };
    if (pattern.aloneShare >= 0.5)
      return { score: 0.05, why: "", against: "banners were late as well when nobody else was connected" };
    return { score, why: "other dialogues with the server were open" };
  },
  remedy:
    "Compare the number of sessions with the server's limit (Postfix: default_process_limit, master.cf maxproc; ESA: listener's maximum), raise it or make sessions shorter.",
  source: "Postfix STRESS_README; Cisco 118408 (TCP queue of a listener)",
  explanation: {
    title: "The banner waits for a free server process",
    what: [
      "The kernel accepts the connection at once, but all of the server's processes are busy: the banner comes when one is free. When the queue of accepted connections is full too, SYNs stay unanswered and are sent again.",
    ],
    evidence: [
      "Connecting is quick and the banner late; it comes when another dialogue of the same server has just ended, and only when several are open.",
      "SYN-ACKs that come again after the handshake, and SYNs unanswered under load, are a full queue.",
      "A capture that does not see all of the server's clients does not see the queue.",
    ],
    usually: [
      "Postfix (process limit; its listen queue is as long), Cisco ESA (maximum concurrent connections, TCP queue), servers with a fixed number of workers.",
      "Not Exim and Sendmail: at their limits they turn clients away, with 421 (smtp_accept_max) or by refusing the connection (MaxDaemonChildren).",
    ],
    confirm: [
      "On the server: count smtpd processes; nstat -az TcpExtListenOverflows; ss -ltn (Recv-Q at its limit).",
      'Postfix logs "lost connection after CONNECT" and stress.',
    ],
    remedy: ["Raise the limit, or find out what keeps the sessions long (see the other causes)."],
    deliberate: "No, though a limit per client can be.",
    sources: [
      "Postfix STRESS_README",
      "Linux ip-sysctl, tcp_abort_on_overflow",
      "Measured: 8 SYN retries, 8 ListenOverflows",
    ],
  },
};
