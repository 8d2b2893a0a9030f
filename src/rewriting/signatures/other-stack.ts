import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { sightingOf, stackChange } from "../stack.ts";
import { serversText } from "../sum-text.ts";

/** Handshake and data, or some of the data, did not come from one TCP stack. */
export const otherStack: Signature = {
  id: "rewriting/other-stack",
  severity: "info",
  stage: "end",
  remedy:
    "Find out who answers: capture closer to the server until the difference is gone. A SYN proxy or a transparent " +
    "proxy on that hop can change what it passes on.",
  source: "RFC 9293, RFC 7323 §5; netfilter SYNPROXY",
  detect(packets) {
    return sightingOf(stackChange(packets));
  },
  claim(sum) {
    return (
      `The server's packets came from two TCP stacks in ${plural(sum.dialogues, "dialogue")} of those looked at, with ` +
      `${serversText(sum)}: ${SAYS.find(([about]) => sum.variants[0]!.variant.includes(about))?.[1] ?? ""}` +
      "likely something between answered in the server's place."
    );
  },
  explanation: {
    title: "Two hosts answered in one connection",
    what: [
      "Each host writes its own time to live and its own clock into its packets. Where they differ between the SYN-ACK and the data, one host took the connection and another one speaks; where they differ for single packets, those were put in.",
    ],
    evidence: [
      "The time to live differs by more than a change of route makes, or is counted down from another start (64, 128, 255).",
      "The timestamps (RFC 7323) of SYN-ACK and data cannot be of one clock, or only one of them has any.",
      "The SYN-ACK has a window of 0 octets: a SYN proxy holds the client back until it has reached the server.",
      "The first eight connections to each server are looked at, then every 64th. Not this: resets, SYN cookies, routes that change by a hop or two.",
    ],
    usually: [
      "SYN proxies (netfilter SYNPROXY, firewalls under attack), load balancers, transparent proxies, antivirus programs on the client's host.",
    ],
    confirm: ["Capture on both sides of the suspect: smtpscope diff INSIDE OUTSIDE."],
    remedy: ["If it only proxies SYNs, it does not harm mail. Otherwise exempt port 25 from the proxy."],
    deliberate: "Yes: it is how such proxies work.",
    sources: ["RFC 7323 §5", "iptables-extensions(8), SYNPROXY; Linux net/netfilter/nf_synproxy_core.c"],
  },
};

const SAYS: readonly (readonly [about: string, says: string])[] = [
  ["clocks", "SYN-ACK and data have other clocks; "],
  ["timestamps", "only one of SYN-ACK and data has timestamps; "],
  ["this packet", "single packets came from another distance; "],
  ["the SYN-ACK has a window", "the SYN-ACK has no window; "],
  ["time to live", "SYN-ACK and data came from another distance; "],
];
