/**
 * Lookups of names that clients give in the dialogue: the sender's domain, the EHLO name.
 */
import { provedByLookups, SILENT_ENVELOPE } from "./alike.mjs";
import { fault } from "./fault.mjs";
import { plainSessions } from "./sessions.mjs";

const SENDER_RULES = [{ name: "*.example.org", type: "MX", delayMs: 1_600 }];
const SLOW_SENDERS = plainSessions().map((session, index) => ({
  ...session,
  mails: [{ from: `info@s${index}.example.org`, to: ["alice@example.net"], size: 1_200 }],
}));
const SENDER_RECORDS = [0, 1, 2, 3].map((index) => ({
  name: `s${index}.example.org`,
  type: "MX",
  data: "10 out1.example.org",
}));
const sender = (phases, ms) => [{ id: "dns-sender", phases, ms }];

const SENDER = [
  fault({
    name: "sender-domain-mail",
    title: "MX of the sender's domain takes 1.6 s, asked at MAIL; Postfix",
    server: {
      kind: "postfix",
      settings: { smtpd_delay_reject: "no", smtpd_sender_restrictions: "reject_unknown_sender_domain" },
    },
    dns: SENDER_RULES,
    records: SENDER_RECORDS,
    sessions: SLOW_SENDERS,
    causes: sender(["mail"], 1_600),
    sides: provedByLookups("dns-sender", SILENT_ENVELOPE),
  }),
  fault({
    name: "sender-domain-rcpt",
    title: "MX of the sender's domain takes 1.6 s, asked at RCPT; Postfix",
    server: { kind: "postfix", settings: { smtpd_sender_restrictions: "reject_unknown_sender_domain" } },
    dns: SENDER_RULES,
    records: SENDER_RECORDS,
    sessions: SLOW_SENDERS,
    causes: sender(["rcpt"], 1_600),
    sides: provedByLookups("dns-sender", SILENT_ENVELOPE),
  }),
  fault({
    name: "sender-domain-exim",
    title: "MX of the sender's domain takes 1.6 s, asked at MAIL; Exim's verify = sender",
    server: {
      kind: "exim",
      acls: { mail: ["warn !verify = sender"] },
      routers: [
        "dnslookup:",
        "  driver = dnslookup",
        "  verify_only",
        "  domains = ! example.net",
        "  self = pass",
      ],
    },
    dns: SENDER_RULES,
    records: SENDER_RECORDS,
    sessions: SLOW_SENDERS,
    causes: sender(["mail"], 1_600),
    sides: provedByLookups("dns-sender", SILENT_ENVELOPE),
  }),
];

const HELO = [
  fault({
    name: "helo-name",
    title: "A and MX of the EHLO name take 1.2 s, asked before its reply; Postfix",
    server: {
      kind: "postfix",
      settings: {
        smtpd_delay_reject: "no",
        smtpd_helo_required: "yes",
        smtpd_helo_restrictions: "reject_unknown_helo_hostname",
      },
    },
    records: [0, 1, 2, 3].map((index) => ({
      name: `h${index}.example.org`,
      type: "A",
      data: "198.51.100.66",
    })),
    dns: [{ name: "h*.example.org", type: "A", delayMs: 1_200 }],
    sessions: plainSessions().map((session, index) => ({ ...session, name: `h${index}.example.org` })),
    causes: sender(["ehlo"], 1_200),
    sides: provedByLookups("dns-sender", SILENT_ENVELOPE),
  }),
];

export const NAME_FAULTS = [...SENDER, ...HELO];
