/**
 * DNS faults: lookups of the client's name and reputation that are slow, lost or never answered.
 */
import { NAMES, reverseName } from "../dns-records.mjs";
import { MAIL_SERVER_V6 } from "../topology.mjs";
import { provedByLookups, SILENT_ENVELOPE } from "./alike.mjs";
import { appliance, BEHIND } from "./appliance.mjs";
import { fault, slowDnsbl } from "./fault.mjs";
import { plainSessions } from "./sessions.mjs";

const SLOW_PTR_MS = { "out1.example.org": 600, "shop.example.org": 1_700, "lists.example.org": 4_200 };
const SLOW_FORWARD_MS = { "out1.example.org": 450, "shop.example.org": 2_600, "lists.example.org": 1_200 };

const ptrRules = (delays) =>
  Object.entries(delays).map(([name, delayMs]) => ({ name: reverseName(NAMES[name]), type: "PTR", delayMs }));
const forwardRules = (delays, type) =>
  Object.entries(delays).map(([name, delayMs]) => ({ name, type, delayMs }));
/** One number each, in the order of plainSessions(). */
const perSession = (delays, factor = 1) => [...Object.values(delays).map((ms) => ms * factor), 0];
const banner = (id, ms) => [{ id, phases: ["banner"], ms }];

const DNSBL_AT_CONNECT = {
  kind: "postfix",
  settings: { smtpd_delay_reject: "no", smtpd_client_restrictions: "reject_rbl_client dnsbl.test" },
};
const LISTED = reverseName(NAMES["shop.example.org"]).replace("in-addr.arpa", "dnsbl.test");

/** A classless delegation: 66.100.51.198.in-addr.arpa is an alias of 66.0-127.100.51.198.in-addr.arpa. */
function delegated(name) {
  const own = reverseName(NAMES[name]);
  const target = own.replace(".100.51", ".0-127.100.51");
  return [
    { name: own, type: "CNAME", data: target },
    { name: target, type: "PTR", data: name },
  ];
}

const MANY_NAMES = Array.from({ length: 24 }, (_, index) => ({
  name: reverseName(NAMES["shop.example.org"]),
  type: "PTR",
  data: `one-of-many-shops-${index}.example.org`,
}));

const PTR = [
  fault({
    name: "ptr-postfix",
    title: "PTR of three clients takes 0.6 to 4.2 s; Postfix",
    dns: ptrRules(SLOW_PTR_MS),
    causes: banner("dns-ptr", perSession(SLOW_PTR_MS)),
    sides: provedByLookups("dns-ptr"),
  }),
  fault({
    name: "ptr-exim",
    title: "PTR of every client takes 2.3 s, give or take; Exim",
    server: { kind: "exim" },
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 2_300, jitterMs: 120 }],
    causes: banner("dns-ptr", 2_360),
    sides: provedByLookups("dns-ptr"),
  }),
  fault({
    name: "ptr-sendmail",
    title: "PTR of three clients takes 0.6 to 4.2 s; Sendmail",
    server: { kind: "sendmail" },
    dns: ptrRules(SLOW_PTR_MS),
    causes: banner("dns-ptr", perSession(SLOW_PTR_MS)),
    sides: provedByLookups("dns-ptr"),
  }),
  fault({
    name: "ptr-retried",
    title: "PTR takes 6.2 s: libc asks again after 5 s and takes the first answer; Postfix",
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 6_200 }],
    causes: banner("dns-ptr", 6_200),
    sides: provedByLookups("dns-ptr"),
  }),
  fault({
    name: "ptr-nxdomain-slow",
    title: "PTR answers NXDOMAIN, after 1.4 s; Postfix",
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 1_400, answer: "NXDOMAIN" }],
    causes: banner("dns-ptr", 1_400),
    sides: provedByLookups("dns-ptr"),
  }),
  fault({
    name: "ptr-cname",
    title: "PTR of a small network is an alias into its owner's zone (RFC 2317), and takes 1.3 s; Exim",
    server: { kind: "exim" },
    // Whoever has an alias has no other record.
    replace: Object.keys(SLOW_PTR_MS).flatMap((name) => delegated(name)),
    dns: Object.keys(SLOW_PTR_MS).map((name) => ({ name: reverseName(NAMES[name]), delayMs: 1_300 })),
    causes: banner("dns-ptr", [1_300, 1_300, 1_300, 0]),
    sides: provedByLookups("dns-ptr"),
  }),
  fault({
    name: "ptr-tcp",
    title: "PTR of one client is too long for UDP: 0.8 s there, and 0.8 s again over TCP; Postfix",
    resolver: ["nameserver 203.0.113.53", "options edns0"],
    records: MANY_NAMES,
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 800 }],
    causes: banner("dns-ptr", [800, 1_600, 800, 800]),
    sides: provedByLookups("dns-ptr"),
  }),
  fault({
    name: "ptr-ipv6",
    title: "PTR of an IPv6 address (ip6.arpa) takes 2.2 s; Postfix",
    dns: [{ name: "*.ip6.arpa", type: "PTR", delayMs: 2_200 }],
    sessions: plainSessions({ clients: 3, more: { host: MAIL_SERVER_V6, source: "2001:db8:51::66" } }),
    causes: banner("dns-ptr", 2_200),
    sides: provedByLookups("dns-ptr"),
  }),
  fault({
    name: "ptr-cached",
    title: "PTR takes 2.7 s, a cache on the server's host knows it from the second visit on; Postfix",
    cache: true,
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 2_700 }],
    sessions: plainSessions({ everyMs: 1_100, rounds: 3 }),
    causes: banner("dns-ptr", [2_700, 2_700, 2_700, 2_700, ...Array(8).fill(0)]),
    sides: provedByLookups("dns-ptr"),
  }),
];

const FORWARD = [
  fault({
    name: "forward-postfix",
    title: "A and AAAA of three clients take 0.45 to 2.6 s; Postfix asks both at once",
    dns: [...forwardRules(SLOW_FORWARD_MS, "A"), ...forwardRules(SLOW_FORWARD_MS, "AAAA")],
    causes: banner("dns-forward", perSession(SLOW_FORWARD_MS)),
    sides: provedByLookups("dns-forward"),
  }),
  fault({
    name: "forward-exim",
    title: "A and AAAA of three clients take 0.45 to 2.6 s; Exim asks one after the other",
    server: { kind: "exim" },
    dns: [...forwardRules(SLOW_FORWARD_MS, "A"), ...forwardRules(SLOW_FORWARD_MS, "AAAA")],
    causes: banner("dns-forward", perSession(SLOW_FORWARD_MS, 2)),
    sides: provedByLookups("dns-forward"),
  }),
  fault({
    name: "forward-aaaa",
    title: "only AAAA is slow, 3.1 s; Exim",
    server: { kind: "exim" },
    dns: [{ name: "*", type: "AAAA", delayMs: 3_100 }],
    causes: banner("dns-forward", 3_100),
    sides: provedByLookups("dns-forward"),
  }),
];

const REPUTATION = [
  fault({
    name: "dnsbl-postfix",
    title: "reject_rbl_client before the banner, the list takes 1.9 s; Postfix",
    server: DNSBL_AT_CONNECT,
    dns: slowDnsbl(1_900),
    causes: banner("dns-reputation", 1_900),
    sides: provedByLookups("dns-reputation"),
  }),
  fault({
    name: "dnsbl-rcpt",
    title: "reject_rbl_client at RCPT, the list takes 0.8 s; Postfix",
    server: { kind: "postfix", settings: { smtpd_recipient_restrictions: "reject_rbl_client dnsbl.test" } },
    dns: slowDnsbl(800),
    sessions: plainSessions().map((session) => ({
      ...session,
      mails: session.mails.map((mail) => ({ ...mail, to: mail.to.slice(0, 1) })),
    })),
    causes: [{ id: "dns-reputation", phases: ["rcpt"], ms: 800 }],
    sides: provedByLookups("dns-reputation", SILENT_ENVELOPE),
  }),
  fault({
    name: "dnsbl-exim",
    title: "dnslists at connect, the list takes 1.1 s and knows one client, asked again for its TXT; Exim",
    server: { kind: "exim", acls: { connect: ["warn dnslists = dnsbl.test"] } },
    dns: slowDnsbl(1_100),
    records: [
      { name: LISTED, type: "A", data: "127.0.0.4" },
      { name: LISTED, type: "TXT", data: "listed for the lab" },
    ],
    causes: banner("dns-reputation", [1_100, 2_200, 1_100, 1_100]),
    sides: provedByLookups("dns-reputation"),
  }),
];

const SENDMAIL = [
  fault({
    name: "forward-sendmail",
    large: true,
    title: "A and AAAA of every client take 0.4 s; Sendmail asks several times",
    server: { kind: "sendmail" },
    dns: [
      { name: "out*.example.org", type: "A", delayMs: 400 },
      { name: "out*.example.org", type: "AAAA", delayMs: 400 },
    ],
    causes: [{ id: "dns-forward", phases: ["banner"], measured: true, healthyMs: 15 }],
    sides: provedByLookups("dns-forward"),
  }),
  fault({
    name: "dnsbl-sendmail",
    large: true,
    title: "FEATURE(dnsbl), the list takes 1.4 s; Sendmail",
    server: { kind: "sendmail", features: ["FEATURE(`dnsbl', `dnsbl.test')"] },
    dns: slowDnsbl(1_400),
    causes: [{ id: "dns-reputation", phases: ["banner"], measured: true, healthyMs: 15 }],
    sides: provedByLookups("dns-reputation"),
  }),
];

const SILENT = [
  fault({
    name: "resolver-dead",
    title: "no query is answered: 2 x 5 s; Postfix",
    dns: [{ name: "*", answer: "none" }],
    causes: banner("dns-timeout", 10_000),
    sides: provedByLookups("dns-timeout"),
  }),
  fault({
    name: "resolver-dead-exim",
    title: "no query is answered: 2 x 5 s; Exim",
    server: { kind: "exim" },
    dns: [{ name: "*", answer: "none" }],
    causes: banner("dns-timeout", 10_000),
    sides: provedByLookups("dns-timeout"),
  }),
  fault({
    name: "resolver-dead-short",
    title: "no query is answered, and the resolver is told to wait 2 x 2 s; Postfix",
    resolver: ["nameserver 203.0.113.53", "options timeout:2 attempts:2"],
    dns: [{ name: "*", answer: "none" }],
    causes: banner("dns-timeout", 4_000),
    sides: provedByLookups("dns-timeout"),
  }),
  fault({
    name: "resolver-dead-appliance",
    title: "no query is answered, and an appliance waits 20 s for its only one",
    server: BEHIND,
    dns: [{ name: "*", answer: "none" }],
    before: appliance({ lookupMs: 20_000 }),
    causes: banner("dns-timeout", 20_000),
    sides: provedByLookups("dns-timeout"),
  }),
  fault({
    name: "first-query-lost",
    title: "the first PTR query is lost, the second answered, 5 s later; Postfix",
    dns: [{ name: "*.in-addr.arpa", type: "PTR", dropFirst: 1 }],
    causes: banner("dns-loss", 5_000),
    sides: provedByLookups("dns-loss"),
  }),
  fault({
    name: "first-query-lost-exim",
    title: "the first PTR query is lost, the second answered, 3 s later; Exim",
    server: { kind: "exim" },
    resolver: ["nameserver 203.0.113.53", "options timeout:3"],
    dns: [{ name: "*.in-addr.arpa", type: "PTR", dropFirst: 1 }],
    causes: banner("dns-loss", 3_000),
    sides: provedByLookups("dns-loss"),
  }),
];

export const DNS_FAULTS = [...PTR, ...FORWARD, ...REPUTATION, ...SENDMAIL, ...SILENT];
