import { BlockList, isIP } from "node:net";
import { SmtpscopeError } from "../spine/errors.ts";

/** A host and a port as written by the operator. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * `HOST:PORT`, `[IPv6]:PORT`, or a port alone where a default host is given.
 * @throws SmtpscopeError
 */
export function parseHostPort(text: string, option: string, defaultHost: string | null): HostPort {
  const parts = /^(?:\[([^\]]+)\]:|([^:[\]\s]+):)?(\d{1,5})$/.exec(text.trim());
  const host = parts?.[1] ?? parts?.[2] ?? defaultHost;
  const port = Number(parts?.[3]);
  const isWrongIpv6 = parts?.[1] !== undefined && isIP(parts[1]) !== 6;
  if (parts === null || host === null || host === undefined || isWrongIpv6 || port < 1 || port > 65_535) {
    const example =
      defaultHost === null
        ? "HOST:PORT, such as mx.example.net:25 or [2001:db8::25]:25"
        : "a port or ADDRESS:PORT, such as 2525 or 0.0.0.0:2525";
    throw new SmtpscopeError("usage", `--${option} takes ${example}; not "${text}"`);
  }
  return { host, port };
}

/** Where to listen: an address and port, or a descriptor that is listening already. */
export type ListenOn = HostPort | { readonly fd: number };

/**
 * `fd:N`, or as `parseHostPort`.
 * @throws SmtpscopeError
 */
export function parseListen(text: string, defaultHost: string): ListenOn {
  const fd = /^fd:(\d{1,4})$/.exec(text.trim());
  return fd === null ? parseHostPort(text, "listen", defaultHost) : { fd: Number(fd[1]) };
}

/**
 * Networks as `192.0.2.0/24`, `2001:db8::/32`, or single addresses.
 * @throws SmtpscopeError
 */
export function parseNetworks(texts: readonly string[], option: string): BlockList {
  const networks = new BlockList();
  for (const text of texts.flatMap((part) => part.split(","))) {
    const [address = "", prefix] = text.trim().split("/");
    const family = isIP(address);
    const longest = family === 6 ? 128 : 32;
    const length = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (family === 0 || length < 0 || length > longest) {
      throw new SmtpscopeError(
        "usage",
        `--${option} takes networks such as 192.0.2.0/24 or 2001:db8::/32; not "${text}"`,
      );
    }
    networks.addSubnet(address, length, family === 6 ? "ipv6" : "ipv4");
  }
  return networks;
}

/** Whether an address is of the machine itself only: all of 127.0.0.0/8 is. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
