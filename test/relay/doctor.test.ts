/**
 * Rulesets judged: those that are printed, as nft itself tells of them, and look-alikes that do something
 * else. And routing that takes marked packets, or almost does.
 */
import { describe, expect, test } from "vitest";
import { checkClock } from "../../src/relay/doctor/host.ts";
import { takesMarked } from "../../src/relay/doctor/routes.ts";
import { judgeRuleset } from "../../src/relay/doctor/ruleset.ts";
import type { Native } from "../../src/relay/native/native.ts";
import { MARK, type RulePlan, rulesFor } from "../../src/relay/rules.ts";
import { run, whyNotAsRoot } from "./support/program.ts";

const REDIRECT: RulePlan = {
  mode: "redirect",
  source: "own",
  listenPort: 2525,
  serverPort: 25,
  serverAddresses: [],
  serverIsHere: false,
  interface: "eth1",
  ownMailButOf: null,
};
const TPROXY: RulePlan = { ...REDIRECT, mode: "tproxy", source: "client" };
const OWN_MAIL: RulePlan = { ...REDIRECT, interface: null, ownMailButOf: 995 };
const AS_CLIENT: RulePlan = { ...REDIRECT, mode: "explicit", source: "client", interface: null };
const HERE: RulePlan = { ...AS_CLIENT, serverIsHere: true };

const reason = whyNotAsRoot("nft", "ip", "unshare");
const mayRun = reason === undefined || Boolean(process.env.CI);

/** What nft tells of rules that were loaded. */
function told(script: string): unknown {
  expect(reason, "under CI this has to run").toBeUndefined();
  const { status, output, complaint } = run(
    ["unshare", "-n", "sh", "-e"],
    `ip link set lo up\n${script}\nnft -j list ruleset`,
  );
  expect(status, complaint).toBe(0);
  return JSON.parse(output);
}

const table = (...chains: string[]) => `nft -f - <<'NFT'\ntable inet mine {\n${chains.join("\n")}\n}\nNFT`;
const chain = (hook: string, ...rules: string[]) =>
  `chain c${hook.replaceAll(/\W/g, "")} {\ntype ${hook}; policy accept;\n${rules.join("\n")}\n}`;
const PREROUTING_NAT = "nat hook prerouting priority dstnat";
const OUTPUT_NAT = "nat hook output priority -100";
const MANGLE = "filter hook prerouting priority mangle";
const OUTPUT_ROUTE = "route hook output priority mangle";

describe.skipIf(!mayRun)(`rulesets${mayRun ? "" : ` (skipped: ${reason})`}`, () => {
  test.each<[string, RulePlan]>([
    ["redirect", REDIRECT],
    ["redirect for servers", { ...REDIRECT, serverAddresses: ["192.0.2.25", "2001:db8::25"] }],
    ["own mail", OWN_MAIL],
    ["tproxy", TPROXY],
    ["tproxy for an IPv6 server", { ...TPROXY, serverAddresses: ["2001:db8::25"], serverPort: 587 }],
    ["the client's address", AS_CLIENT],
    ["the client's address to a server here", HERE],
  ])("those that are printed are what is needed: %s", (_, plan) => {
    const judged = judgeRuleset(told(rulesFor(plan).up.join("\n")), plan);
    expect(judged.lacking).toEqual([]);
    const isMarked = plan.mode === "tproxy" || plan.source === "client";
    expect(judged.marks).toEqual(isMarked ? [MARK] : []);
  });

  test.each<[string, RulePlan, string]>([
    [
      "among other ports, from a table of both",
      REDIRECT,
      table(chain(PREROUTING_NAT, "tcp dport { 25, 587 } redirect to :2525")),
    ],
    ["in a range", REDIRECT, table(chain(PREROUTING_NAT, "tcp dport 20-30 counter redirect to :2525"))],
    [
      "a rule for each family, by dnat",
      REDIRECT,
      table(
        chain(
          PREROUTING_NAT,
          'iifname "eth*" meta nfproto ipv4 tcp dport 25 dnat ip to 127.0.0.1:2525',
          "ip6 daddr 2001:db8::/32 tcp dport 25 redirect to :2525",
        ),
      ),
    ],
    [
      "for a network that the server is in",
      { ...REDIRECT, serverAddresses: ["192.0.2.25"] },
      table(chain(PREROUTING_NAT, "ip daddr { 198.51.100.1, 192.0.2.0/24 } tcp dport 25 redirect to :2525")),
    ],
    [
      "another mark",
      AS_CLIENT,
      table(chain(MANGLE, "meta l4proto tcp socket transparent 1 meta mark set 1 accept")),
    ],
  ])("others that do the same: %s", (_, plan, script) => {
    expect(judgeRuleset(told(script), plan).lacking).toEqual([]);
  });

  test.each<[string, RulePlan, string, RegExp]>([
    ["nothing", REDIRECT, "", /IPv4.*,no rule.*IPv6/],
    ["another port", REDIRECT, table(chain(PREROUTING_NAT, "tcp dport 26 redirect to :2525")), /IPv4.*IPv6/],
    [
      "to another port",
      REDIRECT,
      table(chain(PREROUTING_NAT, "tcp dport 25 redirect to :2526")),
      /IPv4.*IPv6/,
    ],
    [
      "the source port",
      REDIRECT,
      table(chain(PREROUTING_NAT, "tcp sport 25 redirect to :2525")),
      /IPv4.*IPv6/,
    ],
    ["all but the port", REDIRECT, table(chain(PREROUTING_NAT, "tcp dport != 25 redirect to :2525")), /IPv4/],
    [
      "another interface",
      REDIRECT,
      table(chain(PREROUTING_NAT, 'iifname "eth2" tcp dport 25 redirect to :2525')),
      /IPv4.*IPv6/,
    ],
    ["of what leaves", REDIRECT, table(chain(OUTPUT_NAT, "tcp dport 25 redirect to :2525")), /IPv4.*IPv6/],
    [
      "IPv4 only",
      REDIRECT,
      table(chain(PREROUTING_NAT, "meta nfproto ipv4 tcp dport 25 redirect to :2525")),
      /^no rule brings IPv6[^,]*$/,
    ],
    [
      "another server",
      { ...REDIRECT, serverAddresses: ["192.0.2.25"] },
      table(chain(PREROUTING_NAT, "ip daddr 192.0.2.26 tcp dport 25 redirect to :2525")),
      /IPv4/,
    ],
    [
      "of the proxy too",
      OWN_MAIL,
      table(chain(OUTPUT_NAT, "tcp dport 25 redirect to :2525")),
      /skuid != 995.*skuid != 995/,
    ],
    [
      "but another user's",
      OWN_MAIL,
      table(chain(OUTPUT_NAT, "meta skuid != 994 tcp dport 25 redirect to :2525")),
      /skuid != 995/,
    ],
    [
      "tproxy without the way back",
      TPROXY,
      table(
        chain(
          MANGLE,
          "meta nfproto ipv4 tcp dport 25 tproxy ip to :2525 meta mark set 1",
          "meta nfproto ipv6 tcp dport 25 tproxy ip6 to :2525 meta mark set 1",
        ),
      ),
      /^no rule keeps the server's replies[^,]*, with a mark\)$/,
    ],
    [
      "the way back without a mark",
      AS_CLIENT,
      table(chain(MANGLE, "meta l4proto tcp socket transparent 1 accept")),
      /replies/,
    ],
    [
      "replies marked too late to be routed",
      HERE,
      table(
        chain(MANGLE, 'iifname "lo" tcp dport 25 ct mark set 7'),
        chain("filter hook output priority mangle", "tcp sport 25 ct mark 7 meta mark set 7"),
      ),
      /^no rule keeps.*type route/,
    ],
    [
      "replies of connections that nobody remembers",
      HERE,
      table(chain(OUTPUT_ROUTE, "tcp sport 25 ct mark 7 meta mark set 7")),
      /^no rule remembers[^,]*$/,
    ],
  ])("look-alikes: %s", (_, plan, script, lacking) => {
    expect(judgeRuleset(told(script), plan).lacking.join()).toMatch(lacking);
  });

  test("anything else is no ruleset, and no fault", () => {
    for (const odd of [
      null,
      7,
      "x",
      [],
      {},
      { nftables: [null, 1, { rule: 3 }, { rule: { expr: [null, 5] } }] },
    ]) {
      expect(judgeRuleset(odd, REDIRECT).lacking).toHaveLength(2);
    }
  });
});

test("a clock that nobody sets is noted, with what helps: mail flows all the same", () => {
  const withClock = (isSynchronised: boolean) =>
    checkClock({ clock: () => ({ isSynchronised, maxErrorUs: 2_000 }) } as unknown as Native);
  expect(withClock(true)).toMatchObject({ verdict: "fine", commands: [] });
  expect(withClock(false)).toMatchObject({ verdict: "note", commands: ["timedatectl set-ntp true"] });
});

describe("marked packets", () => {
  const rules = [{ fwmark: "0x2525", table: "2525" }];
  const routes = [{ type: "local", dst: "default", dev: "lo", table: "2525" }];

  test.each<[string, object, boolean]>([
    ["are taken", { rules, routes }, true],
    ["by a mask too", { rules: [{ fwmark: "0x25", fwmask: "0xff", table: 2525 }], routes }, true],
    [
      "by iproute2's older way of telling",
      { rules: [{ fwmark: "0x2525/0xffff", table: "2525" }], routes },
      true,
    ],
    ["not by another mark", { rules: [{ fwmark: "0x1", table: "2525" }], routes }, false],
    ["not by another table", { rules: [{ fwmark: "0x2525", table: "100" }], routes }, false],
    ["not by an empty table", { rules, routes: [] }, false],
    ["not by a route of another kind", { rules, routes: [{ ...routes[0], type: "unicast" }] }, false],
    ["not by another device", { rules, routes: [{ ...routes[0], dev: "eth0" }] }, false],
    ["not by part of the addresses", { rules, routes: [{ ...routes[0], dst: "10.0.0.0/8" }] }, false],
    ["not by rules without a mark", { rules: [{ table: "2525" }], routes }, false],
    ["not by nonsense", { rules: "x", routes: null }, false],
  ])("%s", (_, routing, taken) => {
    expect(takesMarked(routing as { rules: unknown; routes: unknown }, MARK)).toBe(taken);
  });
});
