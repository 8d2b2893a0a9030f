import { hostOf, plainAddress, reversedAddress } from "../spine/address.ts";
import type { Lookup } from "../spine/packets.ts";
import type { Reference } from "../spine/reference.ts";
import { sampleOf } from "./reference/pattern.ts";
import { hostIn, isHost } from "./view.ts";

/**
 * What the host behind an address is called, by what else says so than its banner: DNS answers that were seen
 * beside the mail, and references. A masked banner most likely began with one of these names.
 *
 * Answers come after the questions, and after the dialogue perhaps: names are made of lookups when they are
 * asked for, or when too many lookups wait.
 */

/** A name for a server, and who says so: "the reply to EHLO", "a PTR lookup in the capture". */
export interface KnownHost {
  readonly host: string;
  readonly from: string;
  /** How likely the banner begins with it, against one that the server says itself. */
  readonly trust: number;
}

/** On its way between threads. */
export type ServerNamesPart = ReadonlyMap<string, readonly KnownHost[]>;

/** It may be of another server of the capture. */
const BY_REFERENCE = 0.7;
/** A reverse record is made by the network's owner, and may be a made-up one. */
const BY_PTR = 0.5;
/** An address may have many names, of which the banner has one. */
const BY_ADDRESS = 0.3;

/** Lookups that wait for their answers. */
const MAX_WAITING = 4_096;
/** Addresses whose names are remembered, the latest. */
const MAX_ADDRESSES = 16_384;
/** Names of one address: the first few. */
const MAX_NAMES = 4;

export class ServerNames {
  #waiting: Lookup[] = [];
  readonly #names = new Map<string, KnownHost[]>();

  note(lookup: Lookup): void {
    if (lookup.type !== "PTR" && lookup.type !== "A" && lookup.type !== "AAAA") return;
    if (this.#waiting.push(lookup) >= 2 * MAX_WAITING) this.#settle(MAX_WAITING);
  }

  /** @param server address:port */
  of(server: string): readonly KnownHost[] {
    this.#settle(this.#waiting.length);
    return this.#names.get(plainAddress(hostOf(server))) ?? [];
  }

  part(): ServerNamesPart {
    this.#settle(this.#waiting.length);
    return this.#names;
  }

  add(part: ServerNamesPart): void {
    for (const [address, hosts] of part) for (const known of hosts) this.#name(address, known);
  }

  /** Makes names of the oldest; what has no answer yet waits on, unless there is no more room. */
  #settle(count: number): void {
    const unanswered: Lookup[] = [];
    for (const lookup of this.#waiting.slice(0, count)) {
      if (lookup.answeredAtUs === null) unanswered.push(lookup);
      else this.#learn(lookup);
    }
    const later = this.#waiting.slice(count);
    this.#waiting = [...unanswered.slice(-(MAX_WAITING - Math.min(MAX_WAITING, later.length))), ...later];
  }

  #learn({ type, name, answers }: Lookup): void {
    if (type === "PTR") {
      const address = reversedAddress(name)?.address;
      if (address === undefined) return;
      const from = "a PTR lookup in the capture";
      for (const host of answers) this.#name(address, { host, from, trust: BY_PTR });
      return;
    }
    // Aliases are among the answers.
    const from = `${type === "A" ? "an A" : "an AAAA"} lookup in the capture`;
    for (const answer of answers) this.#name(plainAddress(answer), { host: name, from, trust: BY_ADDRESS });
  }

  #name(address: string, known: KnownHost): void {
    if (!isHost(known.host)) return;
    const names = this.#names.get(address) ?? [];
    const same = names.findIndex(({ host }) => host === known.host);
    if (same >= 0) {
      if (names[same]!.trust < known.trust) names[same] = known;
      return;
    }
    if (names.length === MAX_NAMES) return;
    names.push(known);
    this.#names.delete(address);
    this.#names.set(address, names);
    if (this.#names.size > MAX_ADDRESSES) this.#names.delete(this.#names.keys().next().value!);
  }
}

/** What servers that were asked beforehand call themselves. */
export function namesInReferences(references: readonly Reference[]): KnownHost[] {
  const hosts = references.flatMap(({ replies }) =>
    NAMING.flatMap((command) => hostIn(sampleOf(replies[command]?.[0] ?? [])) ?? []),
  );
  return hosts.map((host) => ({ host, from: "a reference", trust: BY_REFERENCE }));
}

const NAMING: readonly string[] = ["(connect)", "EHLO", "HELO"];
