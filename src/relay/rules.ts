/**
 * The nftables and routing commands that bring connections to the proxy, and replies back to it. Printed
 * for the operator to paste; nothing here touches the system.
 *
 * All of it lives in one nftables table, under one mark and in one routing table of its own, so that
 * bringing it up twice changes nothing and taking it down leaves nothing.
 */
import { addressBytes } from "../spine/address.ts";

/** How connections come to the proxy. */
export type Mode = "explicit" | "redirect" | "tproxy";

/** Whose address the server sees. */
export type Source = "own" | "client";

export interface RulePlan {
  readonly mode: Mode;
  readonly source: Source;
  readonly listenPort: number;
  readonly serverPort: number;
  /** Only mail to these; any server when empty. */
  readonly serverAddresses: readonly string[];
  /** The server runs on this host: replies to clients have to be kept from leaving it. */
  readonly serverIsHere: boolean;
  /** Where clients' connections come in. Null: anywhere. */
  readonly interface: string | null;
  /** Mail that this host sends itself, except by this user, who runs the proxy. Null: mail of others. */
  readonly ownMailButOf: number | null;
}

export interface Rules {
  /** Shell commands, a line each but for here-documents. Empty when nothing is needed. */
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** What a firewall that drops by default needs besides. */
  readonly notes: readonly string[];
}

const TABLE = "smtpscope";
/** Of packets that this host shall take although they are not addressed to it. */
export const MARK = 0x2525;
/** The routing table that takes them. */
const ROUTING_TABLE = 2525;

const MARK_TEXT = `0x${MARK.toString(16)}`;

export function rulesFor(plan: RulePlan): Rules {
  const chains = chainsOf(plan);
  if (chains.length === 0) return { up: [], down: [], notes: [] };
  const isMarked = needsMark(plan);
  const tableText = [
    // Declared, deleted, made: replaces what is there in one step, and is no error when nothing is.
    `table inet ${TABLE}`,
    `delete table inet ${TABLE}`,
    `table inet ${TABLE} {`,
    ...chains.flatMap(({ name, hook, rules }) => [
      `  chain ${name} {`,
      `    ${hook}`,
      ...rules.map((rule) => `    ${rule}`),
      "  }",
    ]),
    "}",
  ];
  return {
    up: [`nft -f - <<'NFT'`, ...tableText, "NFT", ...(isMarked ? ROUTES_UP : [])],
    down: [`nft delete table inet ${TABLE}`, ...(isMarked ? ROUTES_DOWN : [])],
    notes: notesOf(plan, isMarked),
  };
}

/** Whether marked packets have to be routed to this host. */
export function needsMark({ mode, source }: RulePlan): boolean {
  return mode === "tproxy" || source === "client";
}

const RULE = `fwmark ${MARK_TEXT} lookup ${ROUTING_TABLE}`;
const ROUTE = `local default dev lo table ${ROUTING_TABLE}`;
const ROUTES_UP = ["ip", "ip -6"].flatMap((ip) => [
  `${ip} rule del ${RULE} 2>/dev/null || true`,
  `${ip} rule add ${RULE}`,
  `${ip} route replace ${ROUTE}`,
]);
const ROUTES_DOWN = ["ip", "ip -6"].flatMap((ip) => [`${ip} rule del ${RULE}`, `${ip} route del ${ROUTE}`]);

interface Chain {
  readonly name: string;
  readonly hook: string;
  readonly rules: readonly string[];
}

function chainsOf(plan: RulePlan): Chain[] {
  const chains: Chain[] = [];
  const { mode, source, serverIsHere, serverPort } = plan;
  if (mode === "redirect") chains.push(redirection(plan));
  const diverted = mode === "tproxy" || (source === "client" && !serverIsHere) ? [DIVERT_OWN] : [];
  if (mode === "tproxy") diverted.push(...tproxying(plan));
  if (diverted.length > 0) {
    chains.push({
      name: "divert",
      hook: "type filter hook prerouting priority mangle; policy accept;",
      rules: diverted,
    });
  }
  if (source === "client" && serverIsHere) chains.push(...keepingReplies(serverPort));
  return chains;
}

/** Packets of connections that a transparent socket of this host has: those to a client that the server answers. */
const DIVERT_OWN = `meta l4proto tcp socket wildcard 0 socket transparent 1 meta mark set ${MARK_TEXT} accept`;

function redirection(plan: RulePlan): Chain {
  const { listenPort, serverPort, ownMailButOf } = plan;
  const to = (match: string) => `${match}tcp dport ${serverPort} redirect to :${listenPort}`;
  if (ownMailButOf === null) {
    return {
      name: "incoming",
      hook: "type nat hook prerouting priority dstnat; policy accept;",
      rules: destinations(plan, false).map(({ match }) => to(`${incoming(plan)}${match}`)),
    };
  }
  return {
    name: "own_mail",
    hook: "type nat hook output priority -100; policy accept;",
    rules: destinations(plan, false).map(({ match }) => to(`meta skuid != ${ownMailButOf} ${match}`)),
  };
}

function tproxying(plan: RulePlan): string[] {
  return destinations(plan, true).map(
    ({ family, match }) =>
      `${incoming(plan)}${match}tcp dport ${plan.serverPort} tproxy ${family} to :${plan.listenPort} meta mark set ${MARK_TEXT} accept`,
  );
}

/** The server's replies to a client would leave this host: those of connections that came over lo stay. */
function keepingReplies(serverPort: number): Chain[] {
  return [
    {
      name: "over_lo",
      hook: "type filter hook prerouting priority mangle; policy accept;",
      rules: [`iifname "lo" tcp dport ${serverPort} ct mark set ${MARK_TEXT}`],
    },
    {
      name: "replies",
      hook: "type route hook output priority mangle; policy accept;",
      rules: [`tcp sport ${serverPort} ct mark ${MARK_TEXT} meta mark set ${MARK_TEXT}`],
    },
  ];
}

/** Over lo come the proxy's own connections to a server on this host, which would go round in circles. */
function incoming({ interface: name, mode }: RulePlan): string {
  if (name !== null) return `iifname "${name}" `;
  return mode === "tproxy" ? `iifname != "lo" ` : "";
}

interface Destination {
  readonly family: "ip" | "ip6";
  readonly match: string;
}

/** A match for each family that matters; `tproxy` wants the family said even where any server is meant. */
function destinations({ serverAddresses }: RulePlan, saysFamily: boolean): Destination[] {
  const families = [
    { family: "ip", nfproto: "ipv4", lengthBytes: 4 },
    { family: "ip6", nfproto: "ipv6", lengthBytes: 16 },
  ] as const;
  if (serverAddresses.length === 0) {
    if (!saysFamily) return [{ family: "ip", match: "" }];
    return families.map(({ family, nfproto }) => ({ family, match: `meta nfproto ${nfproto} ` }));
  }
  return families.flatMap(({ family, lengthBytes }) => {
    const ofFamily = serverAddresses.filter((address) => addressBytes(address)?.length === lengthBytes);
    return ofFamily.length === 0 ? [] : [{ family, match: `${family} daddr { ${ofFamily.join(", ")} } ` }];
  });
}

function notesOf({ mode, listenPort, ownMailButOf }: RulePlan, isMarked: boolean): string[] {
  const notes: string[] = [];
  if (isMarked)
    notes.push(`a firewall whose input drops by default has to let in: meta mark ${MARK_TEXT} accept`);
  if (mode === "redirect" && ownMailButOf === null)
    notes.push(
      `a firewall whose input drops by default has to let in: tcp dport ${listenPort} ct status dnat accept`,
    );
  return notes;
}
