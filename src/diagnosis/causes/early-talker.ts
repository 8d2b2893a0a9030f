import type { Cause } from "../cause.ts";

/** The client talks before it is greeted. */
export const earlyTalker: Cause = {
  id: "cause/early-talker",
  deliberate: false,
  severity: "info",
  noun: "clients that talked before the banner",
  weigh(bundle) {
    if (bundle.spent.kind !== "early") return null;
    return { score: 0.7, why: "the client sent its first command before the banner had come" };
  },
  remedy:
    "Let the client wait for the banner (RFC 5321 §4.3.1); servers punish those who don't with delays or 554.",
  source: "RFC 5321 §4.3.1",
  explanation: {
    title: "The client talks before it is greeted",
    what: [
      "A client has to wait for the banner. One that doesn't is taken for a spam program: servers refuse it, or let it wait.",
    ],
    evidence: [
      "Bytes of the client before the banner. Exim's PIPECONNECT (EHLO with the connection, where the server has offered it before) is allowed.",
    ],
    usually: [
      "Spam programs, badly written scripts, load testers, proxies that send a PROXY header to a server that does not expect one.",
    ],
    confirm: ["Does the client wait when the banner is late?"],
    remedy: ["Repair the client."],
    deliberate: "No.",
    sources: ["RFC 5321 §4.3.1", "Postfix POSTSCREEN_README (PREGREET); Exim: synchronization error"],
  },
};
