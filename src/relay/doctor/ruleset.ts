/**
 * Whether an nftables ruleset does what a mode needs: by what its rules say, whoever wrote them and in
 * whatever table, not by comparing text.
 *
 * A rule counts when it matches the connection as far as can be told from its protocol, port, address,
 * interface and family; other conditions (counters, limits, sets by name) are taken as fulfilled. Rules
 * that iptables wrote are not understood.
 */
import { inNetworks, parseNetwork } from "../../spine/address.ts";
import type { RulePlan } from "../rules.ts";

export interface Judgement {
  /** What no rule does: a clause each. */
  readonly lacking: readonly string[];
  /** Marks that rules put on packets which are to be taken by this host. */
  readonly marks: readonly number[];
  /** Rules that are not understood are there. */
  readonly hasForeignRules: boolean;
}

type Json = Readonly<Record<string, unknown>>;
type Family = "ipv4" | "ipv6";
const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];

interface Rule {
  readonly hook: string;
  readonly type: string;
  /** Of its table: ip, ip6, inet. */
  readonly family: string;
  readonly expressions: readonly Json[];
}

/** @param ruleset as `nft -j list ruleset` prints it, parsed */
export function judgeRuleset(ruleset: unknown, plan: RulePlan): Judgement {
  const rules = rulesOf(ruleset);
  const lacking: string[] = [];
  const marks = new Set<number>();
  for (const need of needsOf(plan)) {
    const found = rules.filter((rule) => need.isMet(rule));
    if (found.length === 0) lacking.push(`no rule ${need.does}`);
    if (need.marks) for (const rule of found) addMarks(rule, marks);
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
      isMet: (rule) => rule.hook === "prerouting" && asksForTransparent(rule) && setsMark(rule, "meta"),
    });
  }
  if (source === "client" && serverIsHere) {
    needs.push(
      {
        does: `remembers the connections to port ${serverPort} that come over lo (ct mark)`,
        marks: false,
        isMet: (rule) =>
          rule.hook === "prerouting" && matchesPort(rule, "dport", serverPort) && setsMark(rule, "ct"),
      },
      {
        does: `keeps the server's replies from port ${serverPort} here (a mark, in a chain of type route)`,
        marks: true,
        isMet: (rule) =>
          rule.hook === "output" &&
          rule.type === "route" &&
          matchesPort(rule, "sport", serverPort) &&
          setsMark(rule, "meta"),
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

function familiesOf({ serverAddresses }: RulePlan): readonly Family[] {
  if (serverAddresses.length === 0) return FAMILIES;
  const has = { ipv4: (text: string) => !text.includes(":"), ipv6: (text: string) => text.includes(":") };
  return FAMILIES.filter((family) => serverAddresses.some(has[family]));
}

// ---- reading rules

function rulesOf(ruleset: unknown): Rule[] {
  const entries = asArray(asJson(ruleset)?.nftables).map(asJson);
  const chains = new Map<string, Json>();
  const key = (of: Json, name: unknown) => `${of.family} ${of.table} ${name}`;
  for (const entry of entries) {
    const chain = asJson(entry?.chain);
    if (chain !== null) chains.set(key(chain, chain.name), chain);
  }
  return entries.flatMap((entry) => {
    const rule = asJson(entry?.rule);
    if (rule === null) return [];
    const chain = chains.get(key(rule, rule.chain));
    const expressions = asArray(rule.expr)
      .map(asJson)
      .filter((expression) => expression !== null);
    return [
      { hook: String(chain?.hook), type: String(chain?.type), family: String(rule.family), expressions },
    ];
  });
}

interface Match {
  readonly isNegated: boolean;
  readonly left: Json;
  readonly right: unknown;
}

function matchesOf(rule: Rule): Match[] {
  return rule.expressions.flatMap((expression) => {
    const match = asJson(expression.match);
    const left = asJson(match?.left);
    return match === null || left === null
      ? []
      : [{ isNegated: match.op === "!=", left, right: match.right }];
  });
}

const metaKey = ({ left }: Match): unknown => asJson(left.meta)?.key;

function payload({ left }: Match, protocol: string, field: string): boolean {
  const of = asJson(left.payload);
  return of?.protocol === protocol && of.field === field;
}

/** It asks for the port, and it is this one. */
function matchesPort(rule: Rule, field: "dport" | "sport", port: number): boolean {
  const asked = matchesOf(rule).filter(
    (match) => payload(match, "tcp", field) || payload(match, "th", field),
  );
  return asked.length > 0 && asked.every((match) => holds(match.right, port) !== match.isNegated);
}

/** A number, a range, or a set of these. */
function holds(right: unknown, port: number): boolean {
  if (typeof right === "number") return right === port;
  const range = asArray(asJson(right)?.range);
  if (range.length === 2) return Number(range[0]) <= port && port <= Number(range[1]);
  return asArray(asJson(right)?.set).some((element) => holds(element, port));
}

function isOfFamily(rule: Rule, family: Family): boolean {
  const version = family === "ipv4" ? "ip" : "ip6";
  if (rule.family !== "inet" && rule.family !== version) return false;
  const other = family === "ipv4" ? "ip6" : "ip";
  return matchesOf(rule).every((match) => {
    if (asJson(match.left.payload)?.protocol === other) return false;
    return metaKey(match) !== "nfproto" || (match.right === family) !== match.isNegated;
  });
}

/** An interface that is asked for by the rule has to be the one that is meant, if one is. */
function matchesInterface(rule: Rule, name: string | null): boolean {
  if (name === null) return true;
  const isMeant = (right: unknown): boolean => {
    if (typeof right === "string")
      return right.endsWith("*") ? name.startsWith(right.slice(0, -1)) : right === name;
    return asArray(asJson(right)?.set).some(isMeant);
  };
  return matchesOf(rule)
    .filter((match) => metaKey(match) === "iifname" || metaKey(match) === "iif")
    .every((match) => isMeant(match.right) !== match.isNegated);
}

function matchesServers(rule: Rule, addresses: readonly string[], family: Family): boolean {
  const meant = addresses.filter((address) => address.includes(":") === (family === "ipv6"));
  return matchesOf(rule)
    .filter((match) => payload(match, "ip", "daddr") || payload(match, "ip6", "daddr"))
    .every((match) => {
      const texts = networkTexts(match.right);
      const networks = texts.map(parseNetwork).filter((network) => network !== null);
      const isIn = inNetworks(networks);
      return meant.every(
        (address) => isIn(address.includes(":") ? `[${address}]` : address) !== match.isNegated,
      );
    });
}

function networkTexts(right: unknown): string[] {
  if (typeof right === "string") return [right];
  const prefix = asJson(asJson(right)?.prefix);
  if (prefix !== null) return [`${prefix.addr}/${prefix.len}`];
  return asArray(asJson(right)?.set).flatMap(networkTexts);
}

/** The proxy's own connections must not come back to it. */
function leavesOut(rule: Rule, user: number): boolean {
  return matchesOf(rule).some(
    (match) => metaKey(match) === "skuid" && match.isNegated && holds(match.right, user),
  );
}

function redirectsTo(rule: Rule, port: number): boolean {
  return rule.expressions.some((expression) => {
    const target = asJson(expression.redirect) ?? asJson(expression.dnat);
    return target?.port === port;
  });
}

function tproxiesTo(rule: Rule, family: Family, port: number): boolean {
  const version = family === "ipv4" ? "ip" : "ip6";
  return rule.expressions.some((expression) => {
    const target = asJson(expression.tproxy);
    return target !== null && target.port === port && (target.family ?? version) === version;
  });
}

function asksForTransparent(rule: Rule): boolean {
  return matchesOf(rule).some(
    ({ left, right, isNegated }) => asJson(left.socket)?.key === "transparent" && right === 1 && !isNegated,
  );
}

function setsMark(rule: Rule, of: "meta" | "ct"): boolean {
  return markOf(rule, of) !== null;
}

function markOf(rule: Rule, of: "meta" | "ct"): number | null {
  for (const expression of rule.expressions) {
    const mangle = asJson(expression.mangle);
    if (asJson(asJson(mangle?.key)?.[of])?.key === "mark" && typeof mangle?.value === "number")
      return mangle.value;
  }
  return null;
}

function addMarks(rule: Rule, marks: Set<number>): void {
  const mark = markOf(rule, "meta");
  if (mark !== null) marks.add(mark);
}

function isForeign(rule: Rule): boolean {
  return rule.expressions.some((expression) => "xt" in expression);
}

function asJson(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
