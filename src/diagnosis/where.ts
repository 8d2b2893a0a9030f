import { addressBytes, addressText } from "../spine/address.ts";

/** Whom a delay concerned: the smallest thing that holds all of them and nobody else. */

/** Who waited, and whether it was for this. */
export interface Concerned {
  readonly client: string;
  readonly server: string;
}

/**
 * A client, a network or a server; null where it concerned everybody, or no network holds just them.
 * @param others dialogues that it did not concern
 */
export function whereOf(concerned: readonly Concerned[], others: readonly Concerned[]): string | null {
  if (others.length === 0) return null;
  const clients = [...new Set(concerned.map(({ client }) => client))];
  const spared = new Set(others.map(({ client }) => client));
  const sparesOthers = clients.every((client) => !spared.has(client));
  if (sparesOthers) {
    if (clients.length === 1) return clients[0]!;
    const network = networkOf(clients);
    if (network !== null && ![...spared].some((client) => network.holds(client))) return network.text;
  }
  const servers = [...new Set(concerned.map(({ server }) => server))];
  const only = servers[0];
  if (servers.length === 1 && only !== undefined && others.every(({ server }) => server !== only))
    return only;
  return null;
}

/** The smallest network that holds all addresses; null of both versions of IP, or of half the Internet. */
function networkOf(clients: readonly string[]): { text: string; holds: (address: string) => boolean } | null {
  const bits = clients.map(bitsOf);
  const first = bits[0];
  if (first === undefined || bits.some((each) => each === null || each.length !== first!.length)) return null;
  let length = 0;
  while (length < first!.length && bits.every((each) => each![length] === first![length])) length++;
  if (length < 8) return null;
  const prefix = first!.slice(0, length);
  return {
    text: `${textOf(prefix.padEnd(first!.length, "0"))}/${length}`,
    holds: (address) => {
      const own = bitsOf(address);
      return own !== null && own.length === first!.length && own.startsWith(prefix);
    },
  };
}

function bitsOf(address: string): string | null {
  const bytes = addressBytes(address);
  return bytes === null ? null : Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
}

function textOf(bits: string): string {
  return addressText(Uint8Array.from(bits.match(/.{8}/g)!, (byte) => Number.parseInt(byte, 2)));
}
