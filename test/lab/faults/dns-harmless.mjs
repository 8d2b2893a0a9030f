/**
 * Lookups that look guilty and are not: fast failures, and slow ones that nobody waited for.
 */
import { within } from "./alike.mjs";
import { fault, slowDnsbl } from "./fault.mjs";

const POSTSCREEN_WITH_LIST = {
  kind: "postfix",
  postscreen: true,
  settings: { postscreen_dnsbl_sites: "dnsbl.test", postscreen_greet_wait: "4s" },
};

export const HARMLESS_LOOKUPS = [
  fault({
    name: "nxdomain-fast",
    title: "healthy: clients without names, answered NXDOMAIN at once; Postfix",
    dns: [{ name: "*.in-addr.arpa", type: "PTR", answer: "NXDOMAIN", delayMs: 3, jitterMs: 9 }],
    causes: [],
  }),
  fault({
    name: "servfail-fast",
    title: "healthy: lookups fail at once; Exim",
    server: { kind: "exim" },
    dns: [{ name: "*.in-addr.arpa", type: "PTR", answer: "SERVFAIL", delayMs: 3 }],
    causes: [],
  }),
  fault({
    name: "dnsbl-behind-greet-wait",
    title: "a list takes 2.5 s while postscreen makes everybody wait 4 s: not the list's fault",
    server: POSTSCREEN_WITH_LIST,
    dns: slowDnsbl(2_500),
    causes: [{ id: "greet-pause", phases: ["banner"], measured: true, healthyMs: 30 }],
    decoys: ["dns-reputation"],
    sides: { client: {}, server: {} },
  }),
  fault({
    name: "slow-lookup-of-another",
    title: "slow PTR lookups that no session waited for, beside a policy check at connect that takes 1.5 s",
    policy: [{ state: "CONNECT", delayMs: 1_500 }],
    policyAt: ["smtpd_client_restrictions"],
    server: { kind: "postfix", settings: { smtpd_delay_reject: "no" } },
    dns: [{ name: "*.99.100.51.in-addr.arpa", delayMs: 1_500 }],
    during: (lab) => askForStrangers(lab),
    causes: [{ id: "policy", phases: ["banner"], ms: 1_500 }],
    decoys: ["dns-ptr"],
    sides: within("policy"),
  }),
];

/** A log reader on the server's host looks up addresses of its own. */
async function askForStrangers(lab) {
  const script = `
    const dns = require("dns");
    const resolver = new dns.Resolver();
    resolver.setServers(["203.0.113.53"]);
    let asked = 0;
    const ask = () => resolver.reverse("51.100.99." + ++asked, () => (asked < 6 ? ask() : process.exit()));
    ask();`;
  await lab.execute("server", [process.execPath, "-e", script]);
}
