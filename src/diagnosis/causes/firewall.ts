import type { Cause } from "../cause.ts";
import { silence } from "./silence.ts";
/** A firewall holds packets. */
export const firewall: Cause = {
  id: "cause/firewall",
  deliberate: false,
  severity: "warning",
  noun: "a firewall that held packets",
  weigh(bundle, pattern) {
    const { spent } = bundle;
    if (spent.kind === "held") {
      const what =
        spent.what === "reply"
          ? "the server had sent the reply, by its own clock, that much earlier"
          : "the server acknowledged the first copy of the command, and late";
      return { score: 0.85, why: what };
    }
    if (spent.kind === "overflow")
      return { score: 0.4, why: "a SYN proxy that did not take the client's ACK asks again" };
    const score = silence(bundle, pattern, { greeting: 0.36, every: 0.45, encrypted: 0.2 });
    if (score === null) return null;
    if (pattern.besideServer === true)
      return {
        score: 0.01,
        why: "",
        against: "the capture is from beside the server, which itself was silent",
      };
    if (pattern.masked)
      return { score: Math.min(0.8, score + 0.3), why: "something on the path rewrites the dialogue" };
    return { score, why: "a firewall that ends the connection itself looks like the server" };
  },
  remedy:
    "Capture on the server's side of the firewall as well; switch off its inspection of SMTP for this server and compare.",
  source: "RFC 7323 (timestamps); Cisco ASA guides, inspect esmtp",
  explanation: {
    title: "A firewall holds packets",
    what: [
      "A device on the path keeps a reply, or a command, before it lets it go: it scans, asks a service, or is overloaded. The server has answered long ago.",
    ],
    evidence: [
      "Packets carry the server's clock (TCP timestamps): a banner that was sent 13 ms after the SYN-ACK and arrives after 2 s has been held on its way. One capture at the client is enough.",
      "Beside the server: the client's acknowledgement names the first copy of the reply, late; after a loss it would name the last.",
      "A device that ends the connection and makes its own one (a proxy) has its own clock and looks like the server.",
      "Where timestamps are missing or implausible nothing is claimed.",
    ],
    usually: ["Stateful inspection with SMTP fixup, IPS in line, antivirus gateways."],
    confirm: ["Captures on both sides at the same time.", "A connection that goes round the device."],
    remedy: ["Switch off SMTP inspection (ASA: no inspect esmtp), or exempt the mail server."],
    deliberate: "No.",
    sources: [
      "RFC 7323",
      "Measured: banners held 2 s arrive with a clock 13 ms old; held and lost told apart in 19 of 19 cases",
    ],
  },
};
