/**
 * Later phases, and clients that are slow themselves.
 */
import { postfixTls } from "../servers/certificate.mjs";
import { provedByLookups, SILENT_BANNER, within } from "./alike.mjs";
import { appliance, BEHIND } from "./appliance.mjs";
import { fault } from "./fault.mjs";
import { plainSessions, scriptedSessions } from "./sessions.mjs";

const felt = (id, phases, healthyMs = 2) => [{ id, phases, measured: true, healthyMs }];
const nothingAlike = { client: {}, server: {} };
const named = (...alike) => ({ client: { applies: "named", alike }, server: { applies: "named", alike } });

/** What is encrypted cannot be packed, so mails are small. */
const startTls = () => plainSessions({ bytes: 300, more: { tls: "starttls", tlsVersion: "TLSv1.3" } });

const TLS = [
  fault({
    name: "tls-slow",
    title: "the handshake after STARTTLS takes 1.3 s, as with a slow key store; an appliance before Postfix",
    server: BEHIND,
    before: (lab) => {
      const { smtpd_tls_key_file: key, smtpd_tls_cert_file: certificate } = postfixTls(lab);
      return appliance({ handshakeMs: 1_300, key, certificate })(lab);
    },
    sessions: startTls(),
    causes: felt("tls", ["tls"], 5),
    sides: nothingAlike,
  }),
  fault({
    name: "tls-implicit-ptr",
    title: "PTR takes 1.7 s on port 465: what waits is the handshake, not a banner; Postfix",
    tls: true,
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 1_700 }],
    sessions: plainSessions({ bytes: 300, more: { tls: "implicit", tlsVersion: "TLSv1.3", port: 465 } }),
    causes: [{ id: "dns-ptr", phases: ["tls"], ms: 1_700 }],
    sides: provedByLookups("dns-ptr", [...SILENT_BANNER, "tls"]),
  }),
  fault({
    name: "auth-slow",
    title: "checking a password takes 1.5 s; Exim",
    server: {
      kind: "exim",
      authenticators: [
        "plain:",
        "  driver = plaintext",
        "  public_name = PLAIN",
        "  server_prompts = :",
        `  server_condition = \${run{/bin/sleep 1.5}{yes}{yes}}`,
      ],
    },
    sessions: plainSessions({ more: { auth: true } }),
    causes: felt("auth", ["auth"]),
    sides: within("auth", ["policy", "tarpit"], ["policy", "tarpit"]),
  }),
];

/** Only replies of several lines leave in pieces. */
const SEVERAL_LINES = Array.from({ length: 8 }, (_, index) => `EHLO host${index}.example.org`);

/** Exim allows ten commands that lead to no mail. */
const NOOPS = ["EHLO {name}", ...Array(8).fill("NOOP")];

const NAGLE = [
  fault({
    name: "nagle-server",
    title: "an appliance writes replies in two pieces with Nagle's algorithm on; clients delay their ACKs",
    server: BEHIND,
    before: appliance({ pieces: true }),
    sessions: plainSessions({ more: { commands: SEVERAL_LINES } }),
    causes: felt("delayed-ack", ["ehlo"]),
    sides: nothingAlike,
  }),
];

const NAGLE_CLIENT = [
  fault({
    name: "nagle-client",
    title: "clients write commands in two pieces with Nagle's algorithm on; the server delays its ACKs; Exim",
    server: { kind: "exim" },
    sessions: scriptedSessions(NOOPS, { more: { nagle: true, splitCommands: true } }),
    causes: [{ id: "delayed-ack", phases: [] }],
    sides: {
      client: { applies: "named", alike: ["client"] },
      server: { applies: "named", alike: ["client"] },
    },
  }),
];

const CLIENT = [
  fault({
    name: "client-thinks",
    title: "clients take 0.8 s before every command; the server is healthy; Postfix",
    sessions: plainSessions({ more: { thinkMs: 800 } }),
    causes: [{ id: "client", phases: [] }],
    sides: named(),
  }),
  fault({
    name: "client-waits-before-dot",
    title: "clients send the text, and the dot 10 s later, as Postfix does behind a masking PIX; Exim",
    server: { kind: "exim" },
    sessions: plainSessions({ more: { dotAfterMs: 10_000 } }),
    causes: [{ id: "client", phases: [] }],
    sides: named("firewall"),
  }),
  fault({
    name: "client-gives-up",
    title: "PTR takes 9 s, and the clients have patience for 3 s; Postfix",
    dns: [{ name: "*.in-addr.arpa", type: "PTR", delayMs: 9_000 }],
    sessions: plainSessions({ more: { patienceMs: 3_000 } }),
    causes: [{ id: "dns-ptr", phases: ["banner"] }],
    sides: {
      client: { applies: "quiet", alike: [...SILENT_BANNER, "client", "unreachable"] },
      server: { applies: "quiet", alike: ["client", "unreachable", "dns-timeout"] },
    },
  }),
  fault({
    name: "early-talker-exim",
    title: "clients talk before the banner, which a pause of 2 s makes obvious; Exim refuses them",
    server: {
      kind: "exim",
      acls: { connect: ["warn delay = 2s"] },
      // Otherwise Exim invites clients to talk early.
      settings: { pipelining_connect_advertise_hosts: "" },
    },
    sessions: plainSessions({ more: { earlyTalk: true } }),
    causes: [{ id: "early-talker", phases: ["banner"] }],
    sides: named("greet-pause", ...SILENT_BANNER),
  }),
  fault({
    name: "early-talker-postscreen",
    title: "clients talk before the banner; postscreen notes it",
    server: {
      kind: "postfix",
      postscreen: true,
      settings: { postscreen_greet_action: "enforce", postscreen_greet_wait: "3s" },
    },
    // The rest of the greeting never comes, so clients wait for it.
    sessions: plainSessions({ more: { earlyTalk: true, patienceMs: 4_000 } }),
    causes: [{ id: "early-talker", phases: ["banner"] }],
    sides: named("greet-pause"),
  }),
];

export const LATER_FAULTS = [...TLS, ...NAGLE, ...NAGLE_CLIENT, ...CLIENT];
