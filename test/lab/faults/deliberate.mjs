/**
 * Deliberate delays: a server that makes clients wait because somebody wants it so. And what looks alike.
 */
import { SILENT_ALWAYS, SILENT_ENVELOPE, SILENT_ENVELOPE_AT_SERVER, within } from "./alike.mjs";
import { dropping } from "./drops.mjs";
import { fault } from "./fault.mjs";
import { plainSessions, scriptedSessions } from "./sessions.mjs";

const banner = (id, ms) => [{ id, phases: ["banner"], ms }];
const byClient = (odd, usual) => `\${if eq{$sender_host_address}{198.51.100.200}{${odd}}{${usual}}}`;
const RESTRICT_AT_CONNECT = { smtpd_delay_reject: "no" };
const EVERY_REPLY = ["ehlo", "mail", "rcpt", "data", "end-of-data"];
/** The teaser is seen: a first line at once, the last late. */
const NOTHING_ALIKE = { client: {}, server: {} };

const GREET_PAUSES = [
  fault({
    name: "greet-pause-exim",
    title: "delay = 3s in Exim's connect ACL",
    server: { kind: "exim", acls: { connect: ["warn delay = 3s"] } },
    causes: banner("greet-pause", 3_000),
    sides: within("greet-pause"),
  }),
  fault({
    name: "greet-pause-exim-long",
    title: "delay = 7s in Exim's connect ACL, 1s for one client",
    server: { kind: "exim", acls: { connect: [`warn delay = ${byClient("1s", "7s")}`] } },
    causes: banner("greet-pause", [7_000, 1_000, 7_000, 7_000]),
    sides: within("greet-pause"),
  }),
  fault({
    name: "greet-pause-postfix",
    title: "smtpd_client_restrictions = sleep 2; Postfix",
    server: { kind: "postfix", settings: { ...RESTRICT_AT_CONNECT, smtpd_client_restrictions: "sleep 2" } },
    causes: banner("greet-pause", 2_000),
    sides: within("greet-pause"),
  }),
  fault({
    name: "greet-pause-sendmail",
    title: "FEATURE(greet_pause, 1800); Sendmail",
    server: { kind: "sendmail", features: ["FEATURE(`greet_pause', `1800')"] },
    causes: banner("greet-pause", 1_800),
    sides: within("greet-pause"),
  }),
  fault({
    name: "postscreen-new",
    title: "postscreen's teaser at once, the rest 6 s later, for clients it doesn't know",
    server: { kind: "postfix", postscreen: true },
    causes: [{ id: "greet-pause", phases: ["banner"], measured: true, healthyMs: 30 }],
    sides: NOTHING_ALIKE,
  }),
  fault({
    name: "postscreen-repeat",
    title: "postscreen waits 2.6 s on the first visit and not on later ones",
    server: { kind: "postfix", postscreen: true, settings: { postscreen_greet_wait: "3s" } },
    sessions: plainSessions({ everyMs: 1_800, rounds: 2 }),
    causes: [{ id: "greet-pause", phases: ["banner"], measured: true, healthyMs: 30 }],
    sides: NOTHING_ALIKE,
  }),
];

const TARPITS = [
  fault({
    name: "tarpit-rcpt-exim",
    title: "delay = 2s in Exim's RCPT ACL",
    server: { kind: "exim", acls: { rcpt: ["warn delay = 2s"] } },
    causes: [{ id: "tarpit", phases: ["rcpt"], ms: [2_000, 4_000, 6_000, 2_000] }],
    sides: within("tarpit", SILENT_ENVELOPE, SILENT_ENVELOPE_AT_SERVER),
  }),
  fault({
    name: "tarpit-many-rcpt-exim",
    title: "1 s more for each recipient after the second; Exim",
    server: {
      kind: "exim",
      acls: { rcpt: [`warn condition = \${if >{$rcpt_count}{2}}`, `  delay = \${eval:$rcpt_count-2}s`] },
    },
    sessions: plainSessions().map((session, index) => ({
      ...session,
      mails: session.mails.map((mail) => ({
        ...mail,
        to: ["alice", "bob", "carol", "dave", "info"]
          .slice(0, index + 2)
          .map((name) => `${name}@example.net`),
      })),
    })),
    causes: [{ id: "tarpit", phases: ["rcpt"], ms: [0, 1_000, 3_000, 6_000] }],
    sides: within("tarpit", ["policy", "dns-sender"], ["policy"]),
  }),
  fault({
    name: "tarpit-unknown-exim",
    title: "4 s before a recipient is refused, as some servers do against guessing; Exim",
    server: { kind: "exim", acls: { rcpt: ["deny local_parts = ^nobody", "  delay = 4s"] } },
    sessions: plainSessions({ clients: 3 }).map((session) => ({
      ...session,
      mails: session.mails.map((mail) => ({ ...mail, to: ["nobody@example.net", ...mail.to] })),
    })),
    causes: [{ id: "tarpit", phases: ["rcpt"], ms: 4_000 }],
    sides: within("tarpit", SILENT_ENVELOPE, SILENT_ENVELOPE_AT_SERVER),
  }),
  fault({
    name: "tarpit-all-exim",
    title: "delay = 1s in every ACL of Exim: all replies but the banner and QUIT's",
    server: {
      kind: "exim",
      acls: Object.fromEntries(
        ["helo", "mail", "rcpt", "predata", "data"].map((stage) => [stage, ["warn delay = 1s"]]),
      ),
    },
    causes: [{ id: "tarpit", phases: EVERY_REPLY, ms: [5_000, 6_000, 7_000, 5_000] }],
    sides: within("tarpit", SILENT_ALWAYS, SILENT_ALWAYS),
  }),
  fault({
    name: "error-sleep",
    title: "Postfix sleeps 1 s before every reply once a client made its third error",
    server: { kind: "postfix", settings: { smtpd_soft_error_limit: "3", smtpd_error_sleep_time: "1s" } },
    sessions: scriptedSessions([
      "EHLO {name}",
      "MAIL FROM:<info@example.org>",
      ...[1, 2, 3, 4, 5, 6].map((number) => `RCPT TO:<nobody${number}@example.net>`),
      "RCPT TO:<alice@example.net>",
      "NOOP",
      "RSET",
    ]),
    causes: [{ id: "tarpit", phases: ["rcpt", "noop", "rset", "quit"], measured: true }],
    sides: within("tarpit", [], []),
  }),
  fault({
    name: "spamd-stutter",
    title: "a tarpit that says one character every 0.15 s",
    server: { kind: "stutter", msPerCharacter: 150 },
    sessions: plainSessions({ clients: 3 }),
    causes: [{ id: "tarpit", phases: ["banner", ...EVERY_REPLY, "quit"], measured: true }],
    sides: NOTHING_ALIKE,
  }),
  fault({
    name: "greylist",
    title:
      "450 for pairs never seen before, at once; accepted on the second try; Postfix with a policy service",
    policy: [{ state: "RCPT", once: true, action: "450 4.2.0 Greylisted, please come back" }],
    policyAt: ["smtpd_recipient_restrictions"],
    sessions: plainSessions({ everyMs: 600, rounds: 2 }),
    causes: [{ id: "greylist", phases: ["rcpt"], ms: 0 }],
    sides: { client: { applies: "named" }, server: { applies: "named" } },
  }),
];

const IDENT_DROPPED = dropping("forward", 'iifname "srv0" tcp dport 113');
const askingIdent = (timeout) => ({
  kind: "exim",
  settings: { rfc1413_hosts: "*", rfc1413_query_timeout: timeout },
});
const IDENT = [
  fault({
    name: "ident-dropped",
    title: "Exim asks the client's ident service for 4 s, and a firewall drops the question",
    server: askingIdent("4s"),
    firewall: IDENT_DROPPED,
    causes: banner("ident", 4_000),
    sides: { ...within("ident"), server: {} },
  }),
  fault({
    name: "ident-dropped-at-client",
    title: "Exim asks for 2 s, and the client's own host drops the question",
    server: askingIdent("2s"),
    before: (lab) => dropIdentAtClient(lab),
    causes: [{ id: "ident", phases: ["banner"], measured: true, healthyMs: 15 }],
    sides: NOTHING_ALIKE,
  }),
  fault({
    name: "ident-dropped-sendmail",
    title: "Sendmail asks the client's ident service for 5 s, and a firewall drops the question",
    server: { kind: "sendmail", define: { confTO_IDENT: "5s" } },
    firewall: IDENT_DROPPED,
    causes: banner("ident", 5_000),
    sides: { ...within("ident"), server: {} },
  }),
  fault({
    name: "ident-refused",
    title: "healthy: Exim asks, and the client's host refuses at once",
    server: askingIdent("5s"),
    causes: [],
  }),
];

async function dropIdentAtClient(lab) {
  await lab.execute("client", ["nft", "-f", "-"], { input: dropping("input", "tcp dport 113") });
}

export const DELIBERATE_FAULTS = [...GREET_PAUSES, ...TARPITS, ...IDENT];
