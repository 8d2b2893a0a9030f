import { plural } from "../../spine/format.ts";
import type { Signature } from "../signature.ts";
import { serversText } from "../sum-text.ts";

/** What proxies that stand in for a server say of themselves; not gateways that are mail servers. */
const SHIELDS: readonly (readonly [name: string, greets: RegExp])[] = [
  [
    "Avast or AVG Mail Shield",
    /\b(?:avast!?|AVG)\b.*\b(?:mail (?:shield|scanner)|e-?mail|proxy|antivirus|anti-virus)\b/i,
  ],
  ["Norton AntiVirus", /\bnorton\b.*\b(?:antivirus|anti-virus|e-?mail|proxy)\b/i],
  ["McAfee", /\bmcafee\b.*\b(?:e-?mail scan|proxy)\b/i],
  ["Kaspersky", /\bkaspersky\b.*\b(?:mail (?:anti-?virus|proxy)|proxy)\b/i],
  ["ESET NOD32", /\bNOD32\b.*\b(?:proxy|scan)/i],
  ["Check Point security server", /\bCheckPoint FireWall-1 (?:secure )?SMTP server\b/i],
  ["Sophos or Cyberoam transparent proxy", /\b(?:cyberoam|sophos)\b.*\bproxy\b/i],
  ["SMTP proxy of a firewall", /^220[ -](?:\S+ )?(?:E?SMTP )?(?:SMTP )?proxy(?: server)? ready\b/i],
  ["Gauntlet or FWTK smap", /\bSMTP\/smap Ready\b/i],
];

/** The banner is that of a proxy. */
export const mailShield: Signature = {
  id: "rewriting/mail-shield",
  severity: "info",
  stage: "banner",
  remedy:
    "Exclude the mail program, the port or the server from the shield, or accept that it reads and answers.",
  source: "Products' own greetings",
  detect({ banner }) {
    const line = banner?.lines[0];
    const shield = line === undefined ? undefined : SHIELDS.find(([, greets]) => greets.test(line));
    return shield === undefined ? null : { variant: shield[0], confidence: 0.9, text: line! };
  },
  claim(sum) {
    return (
      `A proxy answered in place of the server (${sum.variants[0]!.variant}) in ` +
      `${plural(sum.dialogues, "dialogue")} with ${serversText(sum)}.`
    );
  },
  explanation: {
    title: "A mail shield or proxy answered",
    what: [
      "An antivirus program on the client's host or a firewall's proxy takes the connection, talks to the server itself, and passes on what it likes. What its greeting says it is, is not the server.",
    ],
    evidence: [
      "The greeting names the proxy. Mail gateways that are mail servers in their own right are not meant.",
    ],
    usually: [
      "Avast, AVG, Norton, Kaspersky, NOD32; Check Point's SMTP security server; Gauntlet, WatchGuard.",
    ],
    confirm: ["Connect from a host without the program, or past the firewall: is the greeting another?"],
    remedy: ["Exclude the mail program or the port from mail scanning."],
    deliberate: "Yes: that is what it was installed for.",
    sources: ["Products' own greetings"],
  },
};
