import type { Cause } from "../cause.ts";

/** The client has no room for the reply (zero window). */
export const zeroWindow: Cause = {
  id: "cause/zero-window",
  deliberate: false,
  severity: "warning",
  noun: "clients that had no room for the reply",
  weigh(bundle) {
    if (bundle.spent.kind !== "window") return null;
    return { score: 0.9, why: "the client's window was closed: the server was not allowed to send" };
  },
  remedy:
    "Look at the client's program: it did not read. A host that is overloaded or stopped does that too.",
  source: "RFC 9293 §3.8.6",
  explanation: {
    title: "The client has no room for the reply (zero window)",
    what: ["The client's TCP says that it can take no more bytes. The server has to wait until it can."],
    evidence: ["The client advertises a window of 0, and the reply comes right after it has opened it."],
    usually: [
      "A client that is stopped or starved of CPU, a proxy with full buffers, a tarpit on the client's side.",
    ],
    confirm: ["Look at the client's host: load, stopped processes."],
    remedy: ["Repair the client."],
    deliberate: "Rarely: sticky honeypots do it to scanners.",
    sources: ["RFC 9293 §3.8.6"],
  },
};
