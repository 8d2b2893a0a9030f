/**
 * The commands that are printed: what a mode needs and nothing more, as nft takes them. That they do what
 * they should is shown by transparency.test.ts, which stands on them.
 */
import { describe, expect, test } from "vitest";
import { MARK, type RulePlan, rulesFor } from "../../src/relay/rules.ts";
import { run, whyNotAsRoot } from "./support/program.ts";

const PLAN: RulePlan = {
  mode: "explicit",
  source: "own",
  listenPort: 2525,
  serverPort: 25,
  serverAddresses: [],
  serverIsHere: false,
  interface: null,
  ownMailButOf: null,
};

const PLANS: Record<string, Partial<RulePlan>> = {
  "a redirect": { mode: "redirect" },
  "a redirect of what comes in somewhere": { mode: "redirect", interface: "eth1.25" },
  "a redirect for servers of both families": {
    mode: "redirect",
    serverAddresses: ["192.0.2.25", "2001:db8:25::25", "192.0.2.26"],
  },
  "a redirect of the host's own mail": { mode: "redirect", ownMailButOf: 995 },
  tproxy: { mode: "tproxy", source: "client", interface: "eth1" },
  "tproxy for an IPv6 server": { mode: "tproxy", serverAddresses: ["2001:db8:25::25"], serverPort: 587 },
  "the client's address": { source: "client" },
  "the client's address to a server here": { source: "client", serverIsHere: true },
};

const table = (plan: Partial<RulePlan>) => rulesFor({ ...PLAN, ...plan }).up.join("\n");

test("explicit mode needs none", () => {
  expect(rulesFor(PLAN)).toEqual({ up: [], down: [], notes: [] });
});

test.each<[string, string[], string[]]>([
  [
    "a redirect",
    ["\n    tcp dport 25 redirect to :2525\n", "hook prerouting"],
    ["ip rule", "mark", "output"],
  ],
  ["a redirect of what comes in somewhere", ['\n    iifname "eth1.25" tcp dport 25 redirect'], ["daddr"]],
  [
    "a redirect for servers of both families",
    ["ip daddr { 192.0.2.25, 192.0.2.26 } tcp dport", "ip6 daddr { 2001:db8:25::25 } tcp dport"],
    ["\n    tcp dport"],
  ],
  ["a redirect of the host's own mail", ["meta skuid != 995 tcp dport 25", "hook output"], ["prerouting"]],
  [
    "tproxy",
    ["tproxy ip to :2525", "tproxy ip6 to :2525", "socket transparent 1", "ip -6 rule add"],
    ["redirect"],
  ],
  [
    "tproxy for an IPv6 server",
    ['iifname != "lo" ip6 daddr', "tcp dport 587 tproxy ip6 to :2525"],
    ["tproxy ip to"],
  ],
  ["the client's address", ["socket transparent 1", "ip rule add fwmark 0x2525"], ["tproxy", "dport"]],
  ["the client's address to a server here", ["tcp sport 25 ct mark 0x2525", 'iifname "lo"'], ["socket"]],
])("%s: what is there and what is not", (name, has, lacks) => {
  const text = table(PLANS[name]!);
  for (const part of has) expect(text).toContain(part);
  for (const part of lacks) expect(text).not.toContain(part);
});

const reason = whyNotAsRoot("nft", "ip", "unshare");
const mayRun = reason === undefined || Boolean(process.env.CI);

describe.skipIf(!mayRun)(`in a namespace${mayRun ? "" : ` (skipped: ${reason})`}`, () => {
  test.each(Object.keys(PLANS))("%s: comes up, up again the same, and down to nothing", (name) => {
    expect(reason, "under CI this has to run").toBeUndefined();
    const { up, down } = rulesFor({ ...PLAN, ...PLANS[name]! });
    const state = "nft list ruleset; ip rule; ip -6 rule; ip route show table all | grep 2525 || true";
    const script = [
      ["ip link set lo up", state, "echo =="],
      [...up, state, "echo =="],
      [...up, state, "echo =="],
      [...down, state],
    ].flat();
    const { status, output, complaint } = run(["unshare", "-n", "sh", "-e"], script.join("\n"));
    expect([status, complaint]).toEqual([0, ""]);
    const [before, once, twice, after] = output.split("==\n");
    expect(once).toContain("table inet smtpscope");
    expect(once !== before && once === twice && after === before).toBe(true);
    expect(once?.includes(`0x${MARK.toString(16)}`)).toBe(up.join().includes("ip rule"));
  });
});
