import { parseNetwork } from "../spine/address.ts";
import type { Evidence } from "../spine/finding.ts";
import { escapeText } from "../spine/text.ts";
import { acrossNote, type Note } from "./ledger.ts";
import { DATE } from "./reference/pattern.ts";
import { hostIn, type Reply } from "./view.ts";

/**
 * Servers in unrelated networks that greet with one and the same name: somebody answers for all of them.
 * It takes several dialogues to see, and two threads may have read them.
 */

/** Greetings remembered; later ones are not looked at. */
const MAX_GREETINGS = 1_024;
/** Servers of one greeting; more say nothing more. */
const MAX_SERVERS = 32;
/** A host has one address at each of two providers at times; not at three. */
const MIN_NETWORKS = 3;

/** Names that many hosts have by right: of large services, and of hosts without a name. */
const COMMON_NAMES =
  /^localhost(?:\.localdomain)?$|(?:^|\.)(?:google\.com|gmail\.com|yandex\.(?:net|ru)|mail\.ru|qq\.com|icloud\.com|yahoo\.com|outlook\.com|messagelabs\.com|mimecast\.com|pphosted\.com|barracudanetworks\.com)$/i;

/** One greeting, and who gives it. */
export interface Greeting {
  readonly key: string;
  readonly banner: string;
  dialogues: number;
  readonly servers: { readonly server: string; readonly evidence: Evidence }[];
}

/** Plain values, between threads. */
export type GreetingsPart = readonly Greeting[];

export class SharedBanners {
  readonly #greetings = new Map<string, Greeting>();

  /** A server's greeting, for the first time. @returns null where it does not matter who else says it */
  greeting(banner: Reply, server: string, evidence: () => Evidence): Greeting | null {
    const host = hostIn(banner.lines[0]);
    if (host === null || banner.code !== 220 || COMMON_NAMES.test(host)) return null;
    const key = banner.lines.join("\n").replace(DATES, "date").replace(NUMBERED, "#");
    // Captures of several places, read together, are not one path.
    const shown = evidence();
    const greeting = this.#greeting(`${shown.file}\n${host}\n${key}`, escapeText(banner.lines[0]!));
    if (greeting !== null) addServer(greeting, server, shown);
    return greeting;
  }

  #greeting(key: string, banner: string): Greeting | null {
    let greeting = this.#greetings.get(key);
    if (greeting === undefined) {
      if (this.#greetings.size >= MAX_GREETINGS) return null;
      greeting = { key, banner, dialogues: 0, servers: [] };
      this.#greetings.set(key, greeting);
    }
    return greeting;
  }

  part(): GreetingsPart {
    return [...this.#greetings.values()];
  }

  add(part: GreetingsPart): void {
    for (const { key, banner, dialogues, servers } of part) {
      const greeting = this.#greeting(key, banner);
      if (greeting === null) continue;
      greeting.dialogues += dialogues;
      for (const { server, evidence } of servers) addServer(greeting, server, evidence);
    }
  }

  /** One note a server of each greeting that is shared, for the ledger. */
  notes(): { readonly note: Note; readonly evidence: Evidence; readonly dialogues: number }[] {
    return [...this.#greetings.values()].flatMap(({ banner, dialogues, servers }) => {
      const networks = new Set(servers.map(({ server }) => networkOf(server))).size;
      if (networks < MIN_NETWORKS) return [];
      const confidence = Math.min(0.9, 0.5 + 0.1 * (networks - MIN_NETWORKS));
      return servers.map(({ server, evidence }, i) => ({
        note: acrossNote("rewriting/shared-banner", confidence, banner, server, evidence.atUs),
        evidence,
        dialogues: i === 0 ? dialogues - servers.length + 1 : 1,
      }));
    });
  }
}

const DATES = new RegExp(DATE, "g");
const NUMBERED = /[A-Za-z]*\d[A-Za-z0-9]*/g;

function addServer(greeting: Greeting, server: string, evidence: Evidence): void {
  if (greeting.servers.length >= MAX_SERVERS || greeting.servers.some((known) => known.server === server))
    return;
  greeting.servers.push({ server, evidence });
}

/** The first 16 bits of an IPv4 address, the first 32 of an IPv6 one: beyond them, other owners. */
function networkOf(server: string): string {
  const [first = 0, ...more] = parseNetwork(server)?.words ?? [];
  return more.length === 0 ? `4/${first >>> 16}` : `6/${first}`;
}
