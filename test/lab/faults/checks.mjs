/**
 * Outside checks: what a server asks about a client or a mail before it answers.
 */
import { SILENT_CONTENT, SILENT_ENVELOPE, SILENT_ENVELOPE_AT_SERVER, within } from "./alike.mjs";
import { fault } from "./fault.mjs";
import { plainSessions } from "./sessions.mjs";

const MILTER_PORT = 10_032;
const throughMilter = { kind: "postfix", settings: { smtpd_milters: `inet:127.0.0.1:${MILTER_PORT}` } };
const AT_ONCE = { smtpd_delay_reject: "no" };
const envelope = (id) => within(id, SILENT_ENVELOPE, SILENT_ENVELOPE_AT_SERVER);
const content = within("content-scan", SILENT_CONTENT, SILENT_CONTENT);

/** Mails of growing size, so that a slope shows. */
const SIZES = [2_000, 20_000, 50_000, 90_000];
const growing = () =>
  plainSessions({ everyMs: 900 }).map((session, index) => ({
    ...session,
    mails: session.mails.map((mail) => ({ ...mail, size: SIZES[index] })),
  }));

const POLICY = [
  fault({
    name: "policy-connect",
    title: "a policy service takes 2.2 s, give or take, at connect; Postfix",
    server: { kind: "postfix", settings: AT_ONCE },
    policy: [{ state: "CONNECT", delayMs: 2_000, jitterMs: 400 }],
    policyAt: ["smtpd_client_restrictions"],
    causes: [{ id: "policy", phases: ["banner"], measured: true, healthyMs: 15 }],
    sides: within("policy"),
  }),
  fault({
    name: "policy-mail",
    title: "a policy service takes 0.7 s at MAIL; Postfix",
    server: { kind: "postfix", settings: AT_ONCE },
    policy: [{ state: "MAIL", delayMs: 700, jitterMs: 60 }],
    policyAt: ["smtpd_sender_restrictions"],
    causes: [{ id: "policy", phases: ["mail"], ms: 730 }],
    sides: envelope("policy"),
  }),
  fault({
    name: "policy-rcpt",
    title: "a policy service takes 1.1 s at each RCPT; Postfix",
    policy: [{ state: "RCPT", delayMs: 1_000, jitterMs: 200 }],
    policyAt: ["smtpd_recipient_restrictions"],
    causes: [{ id: "policy", phases: ["rcpt"], measured: true }],
    sides: envelope("policy"),
  }),
  fault({
    name: "policy-rcpt-pipelined",
    large: true,
    title: "a policy service takes 0.9 s at each RCPT, and clients pipeline; Postfix",
    policy: [{ state: "RCPT", delayMs: 900 }],
    policyAt: ["smtpd_recipient_restrictions"],
    sessions: plainSessions({ more: { pipelining: "envelope" } }),
    causes: [{ id: "policy", phases: ["mail", "rcpt", "data"], measured: true }],
    sides: envelope("policy"),
  }),
  fault({
    name: "milter-connect",
    title: "a milter takes 1.3 s at connect; Postfix",
    server: throughMilter,
    before: (lab) => startMilter(lab, { delays: { connect: 1_300 } }),
    causes: [{ id: "policy", phases: ["banner"], ms: 1_300 }],
    sides: within("policy"),
  }),
];

const CONTENT = [
  fault({
    name: "milter-content",
    title: "a milter reads each mail: 0.3 s and 18 ms for each KB; Postfix",
    server: throughMilter,
    before: (lab) => startMilter(lab, { delays: { end: 300 }, msPerKb: 18 }),
    sessions: growing(),
    causes: [{ id: "content-scan", phases: ["end-of-data"], measured: true, healthyMs: 5 }],
    sides: content,
  }),
  fault({
    name: "milter-sendmail",
    large: true,
    title: "a milter reads each mail: 0.6 s and 15 ms for each KB; Sendmail",
    server: {
      kind: "sendmail",
      features: [`INPUT_MAIL_FILTER(\`slow', \`S=inet:${MILTER_PORT}@127.0.0.1')`],
    },
    before: (lab) => startMilter(lab, { delays: { end: 600 }, msPerKb: 15 }),
    sessions: growing(),
    causes: [{ id: "content-scan", phases: ["end-of-data"], measured: true, healthyMs: 10 }],
    sides: content,
  }),
  fault({
    name: "policy-content",
    title: "a policy service at the end of data: 0.5 s and 8 ms for each KB; Postfix",
    policy: [{ state: "END-OF-MESSAGE", delayMs: 500, delayMsPerKb: 8 }],
    policyAt: ["smtpd_end_of_data_restrictions"],
    sessions: growing(),
    causes: [{ id: "content-scan", phases: ["end-of-data"], measured: true, healthyMs: 5 }],
    sides: content,
  }),
  fault({
    name: "filter-content",
    title: "a content filter before the queue (smtpd_proxy_filter): 0.7 s and 12 ms for each KB; Postfix",
    server: {
      kind: "postfix",
      settings: { smtpd_proxy_filter: "127.0.0.1:10025" },
      services: ["127.0.0.1:10026 inet n - n - - smtpd -o smtpd_proxy_filter="],
    },
    before: (lab) =>
      lab.startNode("server", "servers/appliance.mjs", {
        ...{ listen: 10_025, host: "127.0.0.1", port: 10_026 },
        ...{ contentMs: 700, msPerKb: 12 },
      }),
    sessions: growing(),
    causes: [{ id: "content-scan", phases: ["end-of-data"], measured: true, healthyMs: 10 }],
    sides: content,
  }),
  fault({
    name: "acl-content",
    title: "Exim's DATA ACL: 1 s, and 1 s for each 25 KB",
    server: {
      kind: "exim",
      acls: { data: [`warn delay = \${eval:1+$message_size/25000}s`] },
    },
    sessions: growing(),
    causes: [{ id: "content-scan", phases: ["end-of-data"], measured: true, healthyMs: 10 }],
    sides: content,
  }),
];

function startMilter(lab, config) {
  return lab.startNode("server", "servers/milter.mjs", { port: MILTER_PORT, ...config });
}

export const CHECK_FAULTS = [...POLICY, ...CONTENT];
