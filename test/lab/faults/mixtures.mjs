/**
 * Mixtures: two causes in one capture, and one cause that becomes another.
 */
import { SILENT_BANNER, SILENT_BANNER_AT_SERVER, SILENT_CONTENT, SILENT_ENVELOPE } from "./alike.mjs";
import { fault } from "./fault.mjs";
import { plainSessions } from "./sessions.mjs";

const both = (atClient, atServer) => ({ client: { alike: atClient }, server: { alike: atServer } });

export const MIXTURES = [
  fault({
    name: "mixed-ptr-and-syn",
    title: "PTR takes 1.6 s, and the first SYN of two sessions is lost; Postfix",
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 1_600 }],
    link: { drop: [{ what: "syn", times: 1, connections: [1, 3] }] },
    causes: [
      { id: "dns-ptr", phases: ["banner"], ms: 1_600 },
      { id: "syn-loss", phases: ["connect"], measured: true, healthyMs: 2 },
    ],
    // The lost SYN never came to the server's side.
    sides: { client: { alike: SILENT_BANNER }, server: { blind: ["syn-loss"] } },
  }),
  fault({
    name: "mixed-pause-and-scan",
    title: "Exim pauses 2 s at connect, and takes 1 s and more for each mail after the dot",
    server: {
      kind: "exim",
      acls: { connect: ["warn delay = 2s"], data: [`warn delay = \${eval:1+$message_size/30000}s`] },
    },
    sessions: plainSessions().map((session, index) => ({
      ...session,
      mails: session.mails.map((mail) => ({ ...mail, size: 1_000 + index * 31_000 })),
    })),
    causes: [
      { id: "content-scan", phases: ["end-of-data"], measured: true, healthyMs: 8 },
      { id: "greet-pause", phases: ["banner"], ms: 2_000 },
    ],
    sides: both([...SILENT_BANNER, ...SILENT_CONTENT], [...SILENT_BANNER_AT_SERVER, ...SILENT_CONTENT]),
  }),
  fault({
    name: "mixed-policy-and-banner-hold",
    title:
      "an in-line firewall holds the banner for 1.2 s, and a policy service takes 0.6 s at RCPT; Postfix",
    policy: [{ state: "RCPT", delayMs: 600 }],
    policyAt: ["smtpd_recipient_restrictions"],
    link: { hold: [{ what: "banner", ms: 1_200 }] },
    causes: [
      { id: "firewall", phases: ["banner"], measured: true, healthyMs: 15 },
      { id: "policy", phases: ["rcpt"], measured: true },
    ],
    sides: {
      client: { alike: ["packet-loss", ...SILENT_ENVELOPE] },
      server: { blind: ["firewall"], alike: ["firewall", "tarpit", "packet-loss", "client"] },
    },
  }),
  fault({
    name: "mixed-ptr-and-list",
    title: "PTR takes 0.9 s, and then a DNSBL 1.5 s; Postfix",
    server: {
      kind: "postfix",
      settings: { smtpd_delay_reject: "no", smtpd_client_restrictions: "reject_rbl_client dnsbl.test" },
    },
    dns: [
      { name: "*.in-addr.arpa", type: "PTR", delayMs: 900 },
      { name: "*.dnsbl.test", delayMs: 1_500 },
    ],
    causes: [
      { id: "dns-reputation", phases: ["banner"], ms: 1_500 },
      { id: "dns-ptr", phases: ["banner"], ms: 900 },
    ],
    // From the client's side it is one silence before the banner.
    sides: { client: { lumped: true, alike: SILENT_BANNER }, server: {} },
  }),
  fault({
    name: "change-ptr-to-firewall",
    title:
      "first PTR takes 2.1 s; later it is fast, and an in-line firewall holds the banner for 1.5 s; Postfix",
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 2_100, times: 4 }],
    link: { hold: [{ what: "banner", ms: 1_500, connections: [4, 5, 6, 7] }] },
    sessions: plainSessions({ everyMs: 800, rounds: 2 }),
    causes: [
      { id: "dns-ptr", phases: ["banner"], ms: [2_100, 2_100, 2_100, 2_100, 0, 0, 0, 0] },
      { id: "firewall", phases: ["banner"], ms: [0, 0, 0, 0, 1_500, 1_500, 1_500, 1_500] },
    ],
    sides: {
      client: { alike: [...SILENT_BANNER, "packet-loss"] },
      server: { blind: ["firewall"], alike: ["firewall", "packet-loss", "client"] },
    },
  }),
];
