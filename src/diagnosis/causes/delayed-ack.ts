import type { Cause } from "../cause.ts";

/** A reply waits for an acknowledgement in its middle (Nagle and delayed ACK). */
export const delayedAck: Cause = {
  id: "cause/delayed-ack",
  deliberate: false,
  severity: "info",
  noun: "delayed acknowledgements",
  weigh(bundle) {
    const { spent } = bundle;
    if (spent.kind === "pieces")
      return {
        score: 0.9,
        why: "the rest of a command came right after the server's acknowledgement of its beginning",
      };
    if (spent.kind !== "dribble" || spent.how !== "ack") return null;
    return {
      score: 0.9,
      why: "the rest of the reply came right after the client's acknowledgement of its beginning",
    };
  },
  remedy: "Let the server write a reply at once, or set TCP_NODELAY.",
  source: "RFC 896; RFC 1122 §4.2.3.2",
  explanation: {
    title: "A reply waits for an acknowledgement in its middle (Nagle and delayed ACK)",
    what: [
      "The server writes a reply in pieces. Its TCP holds the second piece until the first is acknowledged (Nagle); the client's TCP delays that acknowledgement, by 40 ms on Linux, up to 200 ms on Windows.",
    ],
    evidence: [
      "The first piece, a pause, the other side's acknowledgement, and at once the rest. A client that sends its command in pieces waits in the same way before the server can answer: then nobody waits for a reply.",
    ],
    usually: ["Home-made servers, clients and filters that write in pieces; proxies without TCP_NODELAY."],
    confirm: ["strace the server: two writes for one reply?"],
    remedy: ["One write a reply, or TCP_NODELAY."],
    deliberate: "No.",
    sources: ["RFC 896", "RFC 1122 §4.2.3.2"],
  },
};
