/**
 * Fault: one row of a table becomes a scenario whose capture says the truth about itself.
 *
 *     name, title  as a scenario's (../scenarios/index.mjs)
 *     server       {kind: "postfix", …}: see SERVERS below; absent: a plain Postfix
 *     dns          rules for the name server (../dns.mjs)
 *     records      more DNS records; `replace`: in place of all that such a name has
 *     resolver     lines of the server's resolv.conf, in place of the lab's
 *     cache        the server asks a cache on its own host (../dns-cache.mjs)
 *     policy       rules of a policy service (../servers/policy-service.mjs), and …
 *     policyAt     … the names of the Postfix restrictions that ask it
 *     firewall     an nftables ruleset
 *     link         rules for the device in between (../tun-link.mjs)
 *     tls          Postfix has a certificate, for STARTTLS and port 465
 *     before       what happens before anything is captured
 *     sessions     dialogues (../clients/smtp-client.mjs); absent: four plain ones
 *     during       what happens beside them
 *     large        its captures are not shipped
 *     alone        it may not share the machine with other runs
 *     causes       the truth, worst first; an empty list is "healthy": [{id, phases, and
 *                  ms: for every session, or one each; absent: no delay is meant
 *                  measured: what the client feels beyond healthyMs a reply, where nobody knows it better}]
 *     decoys       ids that look guilty and are not
 *     sides        captures it applies to: {client: {…}, server: {…}}; see label.mjs
 */
import { baseRecords } from "../dns-records.mjs";
import { postfixTls } from "../servers/certificate.mjs";
import { startEximServer } from "../servers/exim.mjs";
import { startPolicy } from "../servers/policy.mjs";
import { startPostfix } from "../servers/postfix.mjs";
import { startSendmail } from "../servers/sendmail.mjs";
import { plainSessions } from "./sessions.mjs";

const SERVERS = {
  postfix: (lab, options) => startPostfix(lab, "server", options),
  exim: (lab, options) => startEximServer(lab, "server", options),
  sendmail: (lab, options) => startSendmail(lab, "server", options),
  stutter: (lab, { msPerCharacter }) =>
    lab.startNode("server", "servers/stutter.mjs", { port: 25, msPerCharacter }),
};

export function fault(row) {
  const server = row.server ?? { kind: "postfix" };
  return {
    ...row,
    server,
    precision: row.precision ?? "micro",
    sessions: (row.sessions ?? plainSessions()).map((session) => ({ ...session, tellWaits: true })),

    async prepare(lab) {
      if (row.resolver) lab.setResolver(row.resolver);
      if (row.cache) await lab.startDnsCache();
      await lab.startDns({ records: recordsOf(row), rules: row.dns ?? [] });
      const settings = { ...server.settings, ...(row.tls ? postfixTls(lab) : {}) };
      if (row.policy) {
        const check = await startPolicy(lab, row.policy);
        for (const restriction of row.policyAt) settings[restriction] = check;
      }
      await SERVERS[server.kind](
        lab,
        server.kind === "postfix" ? { ...server, settings, submissions: row.tls } : server,
      );
      if (!server.listen) await lab.warmUp("server");
      if (row.firewall) await lab.setFirewall(row.firewall);
      if (row.link) await lab.startLink(row.link);
      await row.before?.(lab);
    },

    async run(lab) {
      const [outcomes] = await Promise.all([lab.converse(this.sessions), row.during?.(lab)]);
      return outcomes;
    },
  };
}

/** Rules for a name server whose list takes its time. */
export function slowDnsbl(delayMs) {
  return [{ name: "*.dnsbl.test", delayMs }];
}

function recordsOf({ records = [], replace = [] }) {
  const replaced = new Set(replace.map(({ name }) => name));
  return [...baseRecords().filter(({ name }) => !replaced.has(name)), ...records, ...replace];
}
