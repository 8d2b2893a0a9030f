/**
 * Healthy: servers, loads and sizes that nothing is wrong with. Whatever is blamed here is invented.
 */
import { fault } from "./fault.mjs";
import { plainSessions } from "./sessions.mjs";

const DNS = [{ name: "*", delayMs: 2, jitterMs: 12 }];
const ONE_MEGABYTE = 1_000_000;
const healthy = (row) => fault({ dns: DNS, causes: [], ...row });
const sized = (sizes) =>
  plainSessions({ everyMs: 400 }).map((session, index) => ({
    ...session,
    mails: session.mails.map((mail) => ({ ...mail, size: sizes[index] })),
  }));

export const HEALTHY = [
  healthy({ name: "healthy-postfix", title: "Postfix", sessions: plainSessions({ rounds: 3 }) }),
  healthy({
    name: "healthy-exim",
    title: "Exim",
    server: { kind: "exim" },
    sessions: plainSessions({ rounds: 2 }),
  }),
  healthy({
    name: "healthy-sendmail",
    title: "Sendmail",
    server: { kind: "sendmail" },
    sessions: plainSessions({ rounds: 2 }),
  }),
  healthy({
    name: "healthy-postscreen",
    title: "postscreen, with clients it knows",
    server: { kind: "postfix", postscreen: true, settings: { postscreen_greet_wait: "2s" } },
    before: async (lab) => {
      await lab.converse(plainSessions({ everyMs: 50 }));
    },
    sessions: plainSessions({ rounds: 2 }),
  }),
  healthy({
    name: "healthy-tls",
    title: "STARTTLS; Postfix",
    tls: true,
    sessions: plainSessions({ bytes: 300, more: { tls: "starttls", tlsVersion: "TLSv1.3" } }),
  }),
  healthy({
    name: "healthy-pipelining",
    title: "clients that pipeline envelopes, and one that doesn't stop there; Postfix",
    sessions: [
      ...plainSessions({ more: { pipelining: "envelope" } }),
      ...plainSessions({ more: { pipelining: "across" } }),
    ],
  }),
  healthy({
    name: "healthy-sizes",
    large: true,
    title: "mails from 1 KB to 1 MB; Exim",
    server: { kind: "exim" },
    sessions: sized([1_000, 30_000, 200_000, ONE_MEGABYTE]),
  }),
  healthy({
    name: "healthy-bdat",
    title: "mails in chunks; Postfix",
    sessions: plainSessions({ more: { chunkBytes: 1_500 } }),
  }),
  healthy({
    name: "healthy-far",
    title: "a path of 34 ms there and back, as between two cities; Postfix",
    link: { delayMs: 17, jitterMs: 1 },
    sessions: plainSessions({ rounds: 2 }),
  }),
  healthy({
    name: "healthy-milter",
    title: "a policy service and a scan that take some ms; Postfix",
    policy: [{ state: "RCPT", delayMs: 3, jitterMs: 8 }],
    policyAt: ["smtpd_recipient_restrictions"],
    sessions: plainSessions({ rounds: 2 }),
  }),
  healthy({
    name: "healthy-load",
    large: true,
    title: "smtp-source with four sessions at once, well within limits; Postfix",
    sessions: plainSessions({ everyMs: 300 }),
    during: (lab) => lab.pushMail({ sessions: 4, mails: 60, bytes: 3_000 }),
  }),
];
