/** nftables' rules as `nft -j` tells of them: what they match and what they do, as far as it is understood. */
import { inNetworks, parseNetwork } from "../../spine/address.ts";

type Json = Readonly<Record<string, unknown>>;
export type Family = "ipv4" | "ipv6";

export interface Rule {
  readonly hook: string;
  readonly type: string;
  /** Of its table: ip, ip6, inet. */
  readonly family: string;
  readonly expressions: readonly Json[];
}

export function rulesOf(ruleset: unknown): Rule[] {
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
export function matchesPort(rule: Rule, field: "dport" | "sport", port: number): boolean {
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

export function isOfFamily(rule: Rule, family: Family): boolean {
  const version = family === "ipv4" ? "ip" : "ip6";
  if (rule.family !== "inet" && rule.family !== version) return false;
  const other = family === "ipv4" ? "ip6" : "ip";
  return matchesOf(rule).every((match) => {
    if (asJson(match.left.payload)?.protocol === other) return false;
    return metaKey(match) !== "nfproto" || (match.right === family) !== match.isNegated;
  });
}

/** An interface that is asked for by the rule has to be the one that is meant, if one is. */
export function matchesInterface(rule: Rule, name: string | null): boolean {
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

export function matchesServers(rule: Rule, addresses: readonly string[], family: Family): boolean {
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
export function leavesOut(rule: Rule, user: number): boolean {
  return matchesOf(rule).some(
    (match) => metaKey(match) === "skuid" && match.isNegated && holds(match.right, user),
  );
}

export function redirectsTo(rule: Rule, port: number): boolean {
  return rule.expressions.some((expression) => {
    const target = asJson(expression.redirect) ?? asJson(expression.dnat);
    return target?.port === port;
  });
}

export function tproxiesTo(rule: Rule, family: Family, port: number): boolean {
  const version = family === "ipv4" ? "ip" : "ip6";
  return rule.expressions.some((expression) => {
    const target = asJson(expression.tproxy);
    return target !== null && target.port === port && (target.family ?? version) === version;
  });
}

export function asksForTransparent(rule: Rule): boolean {
  return matchesOf(rule).some(
    ({ left, right, isNegated }) => asJson(left.socket)?.key === "transparent" && right === 1 && !isNegated,
  );
}

/** The mark it puts on a packet (meta) or its connection (ct); null when none. */
export function markOf(rule: Rule, of: "meta" | "ct"): number | null {
  for (const expression of rule.expressions) {
    const mangle = asJson(expression.mangle);
    if (asJson(asJson(mangle?.key)?.[of])?.key === "mark" && typeof mangle?.value === "number")
      return mangle.value;
  }
  return null;
}

/** Written by iptables, and not understood. */
export function isForeign(rule: Rule): boolean {
  return rule.expressions.some((expression) => "xt" in expression);
}

function asJson(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
