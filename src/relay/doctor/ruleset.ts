/**
 * Whether an nftables ruleset does what a mode needs: by what its rules say, whoever wrote them and in
 * whatever table, not by comparing text.
 *
 * A rule counts when it matches the connection as far as can be told from its protocol, port, address,
 * interface and family; other conditions (counters, limits, sets by name) are taken as fulfilled. Rules
 * that iptables wrote are not understood.
 */
import type { RulePlan } from "../rules.ts";
import {
  asksForTransparent,
  type Family,
  isForeign,
  isOfFamily,
  leavesOut,
  markOf,
  matchesInterface,
  matchesPort,
  matchesServers,
  type Rule,
  redirectsTo,
  rulesOf,
  tproxiesTo,
} from "./rule.ts";

export interface Judgement {
  /** What no rule does: a clause each. */
  readonly lacking: readonly string[];
  /** Marks that rules put on packets which are to be taken by this host. */
  readonly marks: readonly number[];
  /** Rules that are not understood are there. */
  readonly hasForeignRules: boolean;
}

/** @param ruleset as `nft -j list ruleset` prints it, parsed */
export function judgeRuleset(ruleset: unknown, plan: RulePlan): Judgement {
  const rules = rulesOf(ruleset);
  const lacking: string[] = [];
  const marks = new Set<number>();
  for (const need of needsOf(plan)) {
    const found = rules.filter((rule) => need.isMet(rule));
    if (found.length === 0) lacking.push(`no rule ${need.does}`);
    for (const rule of need.marks ? found : []) {
      const mark = markOf(rule, "meta");
      if (mark !== null) marks.add(mark);
    }
  }
  return { lacking, marks: [...marks], hasForeignRules: rules.some(isForeign) };
}

interface Need {
  /** "no rule …" */
  readonly does: string;
  readonly marks: boolean;
  isMet(rule: Rule): boolean;
}

function needsOf(plan: RulePlan): Need[] {
  const { mode, source, serverIsHere, serverPort } = plan;
  const needs: Need[] = [];
  if (mode !== "explicit") for (const family of familiesOf(plan)) needs.push(bringing(plan, family));
  if (source === "client" && !serverIsHere) {
    needs.push({
      does: "keeps the server's replies to clients here (socket transparent 1, with a mark)",
      marks: true,
      isMet: (rule) =>
        rule.hook === "prerouting" && asksForTransparent(rule) && markOf(rule, "meta") !== null,
    });
  }
  if (source === "client" && serverIsHere) {
    needs.push(
      {
        does: `remembers the connections to port ${serverPort} that come over lo (ct mark)`,
        marks: false,
        isMet: (rule) =>
          rule.hook === "prerouting" && matchesPort(rule, "dport", serverPort) && markOf(rule, "ct") !== null,
      },
      {
        does: `keeps the server's replies from port ${serverPort} here (a mark, in a chain of type route)`,
        marks: true,
        isMet: (rule) =>
          rule.hook === "output" &&
          rule.type === "route" &&
          matchesPort(rule, "sport", serverPort) &&
          markOf(rule, "meta") !== null,
      },
    );
  }
  return needs;
}

/** To the proxy, by a redirection or by tproxy. */
function bringing(plan: RulePlan, family: Family): Need {
  const { mode, listenPort, serverPort, ownMailButOf } = plan;
  const isOwnMail = ownMailButOf !== null;
  const hook = isOwnMail ? "output" : "prerouting";
  const shown = family === "ipv4" ? "IPv4" : "IPv6";
  const whose = isOwnMail ? `but the proxy's own (skuid != ${ownMailButOf}) ` : "";
  return {
    does: `brings ${shown} connections ${whose}to port ${serverPort} to port ${listenPort} (${mode})`,
    marks: mode === "tproxy",
    isMet: (rule) =>
      rule.hook === hook &&
      isOfFamily(rule, family) &&
      matchesPort(rule, "dport", serverPort) &&
      matchesInterface(rule, plan.interface) &&
      matchesServers(rule, plan.serverAddresses, family) &&
      (!isOwnMail || leavesOut(rule, ownMailButOf)) &&
      (mode === "tproxy" ? tproxiesTo(rule, family, listenPort) : redirectsTo(rule, listenPort)),
  };
}

const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];

function familiesOf({ serverAddresses }: RulePlan): readonly Family[] {
  if (serverAddresses.length === 0) return FAMILIES;
  const has = { ipv4: (text: string) => !text.includes(":"), ipv6: (text: string) => text.includes(":") };
  return FAMILIES.filter((family) => serverAddresses.some(has[family]));
}
