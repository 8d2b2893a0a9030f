import { plainAddress, reversedAddress } from "../spine/address.ts";
import type { Lookup } from "../spine/packets.ts";
import type { LookupSubject } from "./facts.ts";

/**
 * The lookups seen beside the mail, and which of them a dialogue caused: by the client's address in the
 * name (PTR, or reversed before a list's zone), then by the names that came back, then by the names said
 * in HELO, MAIL and RCPT. Who asked does not matter, unless it was the client: a server may look names up
 * from another address.
 */

/** Lookups remembered, latest first to be found; a dialogue that lasts longer than these loses its first ones. */
const MAX_LOOKUPS = 16_384;
/** Lookups looked at for one dialogue. */
const MAX_LOOKED_AT = 4_096;
/** Names followed from answers (PTR, MX, CNAME). */
const MAX_FOLLOWED = 64;

/** What a lookup is about, worked out once. `zone`: what follows a reversed address. */
interface Noted {
  readonly lookup: Lookup;
  readonly address: string | null;
  readonly listed: boolean;
}

export interface Caused {
  readonly lookup: Lookup;
  readonly subject: LookupSubject;
}

/** What of a dialogue lookups are matched with. */
export interface Asking {
  readonly client: string;
  readonly server: string;
  readonly fromUs: number;
  readonly toUs: number;
  /** When the greeting was complete: a client's address is looked up before. */
  readonly greetedAtUs: number;
  readonly domains: readonly { readonly domain: string; readonly atUs: number }[];
}

export class LookupBook {
  #noted: Noted[] = [];

  clear(): void {
    this.#noted = [];
  }

  note(lookup: Lookup): void {
    this.#noted.push({ lookup, ...subjectOf(lookup) });
    if (this.#noted.length >= 2 * MAX_LOOKUPS) this.#noted = this.#noted.slice(-MAX_LOOKUPS);
  }

  get empty(): boolean {
    return this.#noted.length === 0;
  }

  /** The lookups that a dialogue caused, in the order in which they were asked. */
  causedBy(asking: Asking): Caused[] {
    const noted = this.#noted;
    const client = plainAddress(asking.client);
    const caused: Caused[] = [];
    const forward = new Set<string>();
    const senders = new Set<string>();
    let i = this.#firstFrom(asking.fromUs);
    for (const until = Math.min(noted.length, i + MAX_LOOKED_AT); i < until; i++) {
      const { lookup, address, listed } = noted[i]!;
      if (lookup.askedAtUs > asking.toUs) break;
      if (isClientsOwn(lookup.asker, asking)) continue;
      const subject = this.#subject(lookup, address === client, listed, asking, forward, senders);
      if (subject === null) continue;
      caused.push({ lookup, subject });
      const followed = subject === "ptr" || subject === "forward" ? forward : senders;
      for (const answer of lookup.answers) if (followed.size < MAX_FOLLOWED) followed.add(answer);
    }
    return caused;
  }

  #subject(
    { name, askedAtUs, type }: Lookup,
    isClient: boolean,
    listed: boolean,
    { domains, greetedAtUs }: Asking,
    forward: ReadonlySet<string>,
    senders: ReadonlySet<string>,
  ): LookupSubject | null {
    if (isClient) {
      if (listed) return "reputation";
      // Later ones belong to another connection of the same client.
      return askedAtUs <= greetedAtUs ? "ptr" : null;
    }
    if (askedAtUs <= greetedAtUs && forward.has(name) && type !== "PTR") return "forward";
    if (senders.has(name)) return "sender";
    for (const { domain, atUs } of domains) {
      if (askedAtUs < atUs) continue;
      if (name === domain || name.endsWith(`.${domain}`)) return "sender";
      if (name.startsWith(`${domain}.`)) return "reputation";
    }
    return null;
  }

  /** Stamps can be slightly out of order; what is missed by that is at the very start. */
  #firstFrom(atUs: number): number {
    const noted = this.#noted;
    let low = 0;
    let high = noted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (noted[middle]!.lookup.askedAtUs < atUs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** On the loopback everybody asks from the same address. */
function isClientsOwn(asker: string, { client, server }: Asking): boolean {
  return asker === client && client !== server && !client.startsWith("127.");
}

function subjectOf({ name, type }: Lookup): Pick<Noted, "address" | "listed"> {
  const reversed = reversedAddress(name);
  if (reversed === null) return { address: null, listed: false };
  const { address, zone } = reversed;
  return { address, listed: type !== "PTR" && zone !== "in-addr.arpa" && zone !== "ip6.arpa" };
}
