/**
 * Load: servers that are short of a processor, of processes, or that slow themselves down.
 */
import { SILENT_ALWAYS, SILENT_BANNER, SILENT_BANNER_AT_SERVER, within } from "./alike.mjs";
import { appliance, BEHIND } from "./appliance.mjs";
import { fault } from "./fault.mjs";
import { plainSessions, scriptedSessions } from "./sessions.mjs";

const EVERY_REPLY = ["banner", "ehlo", "mail", "rcpt", "data", "end-of-data", "quit"];
const CONSERVATION_PHASES = ["ehlo", "mail", "rcpt", "data", "end-of-data", "noop", "rset", "quit"];
const NOOPS = ["EHLO {name}", "NOOP", "MAIL FROM:<info@example.org>", "RSET", "NOOP", "NOOP", "RSET"];
const conservation = (more) => ({
  server: BEHIND,
  causes: [{ id: "resource-conservation", phases: CONSERVATION_PHASES, measured: true, healthyMs: 1 }],
  sides: within("resource-conservation", SILENT_ALWAYS, SILENT_ALWAYS),
  ...more,
});

const CONSERVATION = [
  fault(
    conservation({
      name: "conservation",
      title: "an appliance that conserves resources: every reply 0.9 s late, drifting by 0.15 s",
      before: appliance({ replyMs: 900, driftMs: 150, driftPeriodMs: 25_000, jitterMs: 15 }),
      sessions: [
        ...plainSessions({ everyMs: 2_500 }),
        ...scriptedSessions(NOOPS, { everyMs: 2_500, clients: 2 }),
      ],
    }),
  ),
  fault(
    conservation({
      name: "conservation-mild",
      title: "an appliance that conserves resources: every reply 0.4 s late, the banner too",
      before: appliance({ replyMs: 400, driftMs: 60, driftPeriodMs: 12_000, jitterMs: 8, bannerToo: true }),
      sessions: [
        ...plainSessions({ everyMs: 1_500 }),
        ...scriptedSessions(NOOPS, { everyMs: 1_500, clients: 3 }),
      ],
      causes: [
        {
          id: "resource-conservation",
          phases: ["banner", ...CONSERVATION_PHASES],
          measured: true,
          healthyMs: 1,
        },
      ],
    }),
  ),
];

const starved = { alone: true, sides: within("cpu", [...SILENT_ALWAYS, ...SILENT_BANNER], SILENT_ALWAYS) };
const busy = () => plainSessions({ everyMs: 250, rounds: 4 });
const cpu = () => [{ id: "cpu", phases: EVERY_REPLY, measured: true, healthyMs: 5 }];

const CPU = [
  fault({
    name: "cpu-quota",
    title: "the server may use 3 % of a processor; Exim",
    server: { kind: "exim" },
    before: (lab) => lab.limitCpu("server", 0.03),
    sessions: busy(),
    causes: cpu(),
    ...starved,
  }),
  fault({
    name: "cpu-competitor",
    title: "the server shares one processor with busy programs of higher priority; Postfix",
    before: (lab) => lab.startCompetitors("server", 6),
    sessions: busy(),
    causes: cpu(),
    ...starved,
  }),
  fault({
    name: "cpu-stopped",
    title: "the server is stopped and continued again and again, as by a hypervisor; Postfix",
    during: (lab) => lab.stopAndContinue("server", { stoppedMs: 900, runningMs: 120, forMs: 14_000 }),
    sessions: plainSessions({ everyMs: 400, rounds: 4, more: { thinkMs: 70 } }),
    causes: cpu(),
    ...starved,
  }),
];

/** At the client's side a SYN that found the backlog full was simply lost. */
function queued() {
  const { client, server } = within(
    "connection-queue",
    [...SILENT_BANNER, "syn-loss"],
    SILENT_BANNER_AT_SERVER,
  );
  return { client: { ...client, shares: ["syn-loss"] }, server };
}

const QUEUE = [
  fault({
    name: "process-limit",
    title: "Postfix may run two smtpd; twelve clients come at once and take their time",
    server: { kind: "postfix", settings: { default_process_limit: "2" } },
    sessions: plainSessions({ everyMs: 250, rounds: 3, more: { thinkMs: 160 } }),
    causes: [{ id: "connection-queue", phases: ["connect", "banner"], measured: true, healthyMs: 20 }],
    sides: queued(),
  }),
  fault({
    name: "backlog",
    title: "Postfix may run one smtpd; its short backlog overflows, and SYNs are retried",
    server: { kind: "postfix", settings: { default_process_limit: "1" } },
    sessions: plainSessions({ everyMs: 60, rounds: 2, more: { thinkMs: 150 } }),
    causes: [{ id: "connection-queue", phases: ["connect", "banner"], measured: true, healthyMs: 20 }],
    sides: queued(),
  }),
  fault({
    name: "process-limit-source",
    large: true,
    title: "Postfix may run three smtpd under smtp-source; a policy check keeps each busy for 0.25 s a mail",
    server: { kind: "postfix", settings: { default_process_limit: "3" } },
    policy: [{ state: "RCPT", delayMs: 250 }],
    policyAt: ["smtpd_recipient_restrictions"],
    sessions: plainSessions({ everyMs: 700 }),
    during: (lab) => lab.pushMail({ sessions: 9, mails: 110, bytes: 2_000 }),
    causes: [
      { id: "connection-queue", phases: ["connect", "banner"] },
      { id: "policy", phases: ["rcpt"] },
    ],
    sides: {
      client: { alike: [...SILENT_BANNER, "dns-sender", "tarpit"] },
      server: { alike: [...SILENT_BANNER_AT_SERVER, "tarpit"] },
    },
  }),
];

export const LOAD_FAULTS = [...CONSERVATION, ...CPU, ...QUEUE];
