/**
 * Firewalls that look into mail: in line they hold what passes, terminating they speak themselves.
 */
import { MAIL_SERVER } from "../topology.mjs";
import { provedByLookups, SILENT_ALWAYS, SILENT_BANNER } from "./alike.mjs";
import { fault } from "./fault.mjs";
import { plainSessions } from "./sessions.mjs";

const felt = (phases, healthyMs = 3) => [{ id: "firewall", phases, measured: true, healthyMs }];
/** Behind it the server answers at once, and only sees that its words arrive late. */
const behind = { applies: "quiet", alike: ["firewall", "packet-loss", "network-latency", "client"] };
const inLine = (...alike) => ({ client: { alike }, server: behind });

const IN_LINE = [
  fault({
    name: "firewall-holds-banner",
    title: "an in-line firewall holds the banner for 2 s; Postfix",
    link: { hold: [{ what: "banner", ms: 2_000 }] },
    causes: felt(["banner"], 15),
    sides: inLine("packet-loss"),
  }),
  fault({
    name: "firewall-holds-banner-exim",
    title: "an in-line firewall holds the banner for 0.6 to 4 s; Exim",
    server: { kind: "exim" },
    link: { hold: [{ what: "banner", ms: 600, jitterMs: 3_400 }], seed: 5 },
    causes: felt(["banner"], 20),
    sides: inLine("packet-loss"),
  }),
  fault({
    name: "firewall-holds-replies",
    title: "an in-line firewall holds every reply after the banner for 0.7 s; Postfix",
    link: { hold: [{ what: "reply", ms: 700, jitterMs: 60 }] },
    causes: felt(["ehlo", "mail", "rcpt", "data", "end-of-data", "quit"]),
    sides: inLine("packet-loss", "network-latency"),
  }),
  fault({
    name: "firewall-holds-command",
    title: "an in-line firewall holds MAIL for 1.6 s; Postfix",
    link: { hold: [{ what: "command:2", ms: 1_600 }] },
    causes: felt(["mail"]),
    sides: inLine("packet-loss"),
  }),
];

const REDIRECT = `table ip terminate {
chain lead {
type nat hook prerouting priority dstnat;
iifname "cli0" tcp dport 25 redirect to :2525
}
}
`;
const terminating = (config) => async (lab) => {
  await lab.startNode("firewall", "servers/appliance.mjs", {
    listen: 2_525,
    host: MAIL_SERVER,
    port: 25,
    ...config,
  });
};
/** Its own clock is in its packets, so the wire shows a silent server. */
const itself = (ids) => ({
  client: { alike: ids.filter((id) => id !== "firewall") },
  server: { applies: "quiet", alike: ["client"] },
});

const TERMINATING = [
  fault({
    name: "firewall-terminates-banner",
    title: "a terminating firewall takes the connection, and turns to the server 2.4 s later; Postfix",
    firewall: REDIRECT,
    before: terminating({ connectMs: 2_400 }),
    causes: [{ id: "firewall", phases: ["banner"], ms: 2_400 }],
    sides: itself(SILENT_BANNER),
  }),
  fault({
    name: "firewall-terminates-replies",
    title: "a terminating firewall passes every reply on after 0.9 s; Exim",
    server: { kind: "exim" },
    firewall: REDIRECT,
    before: terminating({ replyMs: 900, jitterMs: 40 }),
    sessions: plainSessions({ everyMs: 500 }),
    causes: felt(["ehlo", "mail", "rcpt", "data", "end-of-data", "quit"]),
    sides: itself([...SILENT_ALWAYS, "firewall"]),
  }),
];

/** It answers SYNs itself, and connects to the server when the client's ACK has come. */
const synProxy = (options) => `table ip proxy {
chain first {
type filter hook prerouting priority raw;
tcp dport 25 tcp flags syn notrack
}
chain pass {
type filter hook forward priority 0;
tcp dport 25 ct state invalid,untracked synproxy mss 1460 wscale 7 sack-perm ${options}
ct state invalid drop
}
}
`;
/** What has no entry yet must not be taken for a connection. */
const beStrict = (lab) =>
  lab.execute("firewall", ["sh", "-c", "echo 0 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose"]);

const SYN_PROXIES = [
  fault({
    name: "syn-proxy-ptr",
    title: "PTR takes 1.9 s behind a SYN proxy, which leaves no TCP timestamps; Postfix",
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 1_900 }],
    firewall: synProxy(""),
    before: beStrict,
    causes: [{ id: "dns-ptr", phases: ["banner"], ms: 1_900 }],
    sides: provedByLookups("dns-ptr"),
  }),
  fault({
    name: "syn-proxy-late",
    title: "a SYN proxy whose first ACK echoes a wrong timestamp: the server asks again, 1 s later; Postfix",
    firewall: synProxy("timestamp"),
    before: beStrict,
    causes: felt(["banner"], 15),
    sides: {
      client: { alike: SILENT_BANNER },
      server: { applies: "quiet", alike: ["connection-queue", "syn-loss", "packet-loss", "network-latency"] },
    },
  }),
  fault({
    name: "healthy-syn-proxy",
    title: "healthy, behind a SYN proxy; Exim",
    server: { kind: "exim" },
    firewall: synProxy(""),
    before: beStrict,
    sessions: plainSessions({ rounds: 2 }),
    causes: [],
  }),
];

export const FIREWALL_FAULTS = [...IN_LINE, ...TERMINATING, ...SYN_PROXIES];
