/**
 * The network between client and server: loss, latency, windows, and servers that cannot be reached.
 */
import { CLOSED_SERVER, MAIL_SERVER, SILENT_SERVER } from "../topology.mjs";
import { SILENT_BANNER } from "./alike.mjs";
import { dropping } from "./drops.mjs";
import { fault } from "./fault.mjs";
import { plainSessions } from "./sessions.mjs";

/** Sessions one after the other, so that `connections` counts them as listed. */
const inTurn = (everyMs) => plainSessions({ everyMs });
const felt = (id, phases, healthyMs = 2) => [{ id, phases, measured: true, healthyMs }];
const EVERY_REPLY = ["banner", "ehlo", "mail", "rcpt", "data", "end-of-data", "quit"];

/** At the server's side, what was lost before is not seen, and what is late afterwards is fast. */
const seenByClient = (...alike) => ({ client: {}, server: { applies: "quiet", alike } });

/** What reached the client is a later copy, with the clock of when that was sent: as if the server had been silent. */
const bannerLost = {
  client: { alike: SILENT_BANNER },
  server: { applies: "quiet", alike: ["firewall", "network-latency", "client"] },
};

const LOSS = [
  fault({
    name: "syn-lost",
    title: "the first SYN of two sessions is lost, the first two of a third; Postfix",
    link: {
      drop: [
        { what: "syn", times: 1, connections: [0, 2] },
        { what: "syn", times: 2, connections: [1] },
      ],
    },
    causes: felt("syn-loss", ["connect"]),
    sides: seenByClient("packet-loss"),
  }),
  fault({
    name: "syn-ack-lost",
    title: "the first SYN-ACK of three sessions is lost; Exim",
    server: { kind: "exim" },
    link: { drop: [{ what: "syn-ack", times: 1, connections: [0, 1, 2] }] },
    causes: felt("syn-loss", ["connect"]),
    sides: { client: {}, server: { applies: "quiet", alike: ["packet-loss"] } },
  }),
  fault({
    name: "handshake-ack-lost",
    title: "the ACK that ends the handshake is lost twice, so the server repeats its SYN-ACK; Postfix",
    link: { drop: [{ what: "handshake-ack", times: 2 }] },
    causes: felt("syn-loss", ["banner"], 15),
    sides: {
      // A full accept queue, and a firewall that swallows the ACK, look the same.
      client: { alike: ["packet-loss", "connection-queue", "firewall"], shares: ["packet-loss"] },
      server: { applies: "quiet", alike: ["packet-loss", "network-latency"] },
    },
  }),
  fault({
    name: "banner-lost",
    title: "the banner is lost three times; Postfix",
    link: { drop: [{ what: "banner", times: 3 }] },
    sessions: inTurn(700),
    causes: felt("packet-loss", ["banner"], 15),
    sides: bannerLost,
  }),
  fault({
    name: "banner-lost-exim",
    title: "the banner is lost four times; Exim",
    server: { kind: "exim" },
    link: { drop: [{ what: "banner", times: 4 }] },
    causes: felt("packet-loss", ["banner"], 20),
    sides: bannerLost,
  }),
  fault({
    name: "replies-lost",
    title: "the replies to EHLO and RCPT are lost two times; Postfix",
    link: {
      drop: [
        { what: "reply:1", times: 2 },
        { what: "reply:3", times: 2 },
      ],
    },
    causes: felt("packet-loss", ["ehlo", "mail", "rcpt"]),
    sides: { client: {}, server: { applies: "quiet", alike: ["firewall", "network-latency", "client"] } },
  }),
  fault({
    name: "commands-lost",
    title: "MAIL is lost three times; Postfix",
    link: { drop: [{ what: "command:2", times: 3 }] },
    causes: felt("packet-loss", ["mail"]),
    sides: seenByClient("packet-loss", "client"),
  }),
  fault({
    name: "random-loss",
    title: "every twelfth segment is lost, both ways; Postfix",
    link: { loss: 0.08, seed: 11 },
    sessions: plainSessions({ everyMs: 500, rounds: 2 }),
    causes: felt("packet-loss", ["connect", ...EVERY_REPLY], 3),
    sides: {
      client: { alike: ["syn-loss"], shares: ["syn-loss"] },
      server: { applies: "quiet", alike: ["packet-loss", "syn-loss", "client"] },
    },
  }),
];

/** The client's own host writes the zero, so that both captures have it. */
const CLOSED_WINDOW = `table inet window {
chain out {
type filter hook output priority 0;
tcp dport 25 tcp flags & (syn | fin | rst) == 0 tcp window set 0
}
}
`;

async function openWindow(lab) {
  await lab.settle(2_600);
  await lab.execute("client", ["nft", "delete", "table", "inet", "window"]);
}

const LATENCY = [
  fault({
    name: "high-rtt",
    title: "180 ms each way; Postfix",
    link: { delayMs: 180 },
    causes: felt("network-latency", ["connect", ...EVERY_REPLY], 1),
    sides: { client: {}, server: { applies: "quiet", alike: ["network-latency", "client"] } },
  }),
  fault({
    name: "high-rtt-jitter",
    title: "90 to 150 ms each way; Exim",
    server: { kind: "exim" },
    link: { delayMs: 90, jitterMs: 60, seed: 3 },
    causes: felt("network-latency", ["connect", ...EVERY_REPLY], 1),
    sides: { client: {}, server: { applies: "quiet", alike: ["network-latency", "client"] } },
  }),
  fault({
    name: "zero-window",
    title: "clients' windows are zero for some seconds, so the server may not send its banner; Postfix",
    before: (lab) => lab.execute("client", ["nft", "-f", "-"], { input: CLOSED_WINDOW }),
    during: (lab) => openWindow(lab),
    causes: felt("zero-window", ["banner"], 15),
    sides: { client: { alike: ["client"] }, server: { alike: ["client"] } },
  }),
];

const to = (host, more) => plainSessions({ more: { host, ...more } });

const UNREACHABLE = [
  fault({
    name: "refused",
    title: "nobody listens: refused at once",
    server: { kind: "postfix", settings: { inet_interfaces: MAIL_SERVER } },
    sessions: to(CLOSED_SERVER),
    causes: [{ id: "unreachable", phases: ["connect"], ms: 0 }],
  }),
  fault({
    name: "dropped",
    title: "SYNs are dropped for good; clients give up after 8 s",
    firewall: dropping("forward", `ip daddr ${SILENT_SERVER} tcp dport 25`),
    sessions: to(SILENT_SERVER, { patienceMs: 8_000 }),
    causes: [{ id: "unreachable", phases: ["connect"] }],
    sides: { client: { alike: ["syn-loss"] }, server: { applies: "quiet" } },
  }),
  fault({
    name: "banner-never",
    title: "connections are accepted and nothing follows: the server is stopped; clients give up after 6 s",
    before: (lab) => lab.freeze("server"),
    sessions: to(MAIL_SERVER, { patienceMs: 6_000 }),
    causes: [{ id: "unreachable", phases: ["banner"] }],
    sides: {
      client: { alike: ["client", "connection-queue", "cpu", "greet-pause", "firewall"] },
      server: { alike: ["client", "connection-queue", "cpu", "greet-pause"] },
    },
  }),
];

export const NETWORK_FAULTS = [...LOSS, ...LATENCY, ...UNREACHABLE];
