/** What relay and observer tell each other beside bytes and stamps; see observation.ts for how. */

/** With OPEN. `client` and `server` as address:port, IPv6 in brackets. */
export interface Opened {
  readonly client: string;
  /** Where it was sent on to: known addresses only; the one that answered comes with CONNECTED. */
  readonly server: string;
  readonly acceptedAtUs: number;
  /** When the connection to the server was begun; null if it never was. */
  readonly synAtUs: number | null;
}

/** With CONNECTED. */
export interface Connected {
  readonly server: string;
  /** The address that the server sees, as address:port: its log and captures at its side name this one. */
  readonly via: string;
  /** For so long (µs) other addresses of the server were tried before this one. */
  readonly othersTriedUs: number;
  /** How often the SYN was sent again; null where the kernel cannot be asked. */
  readonly synRetransmits: number | null;
}

export type FailureKind = "refused" | "unreachable" | "timeout" | "name" | "descriptors" | "other";

/** With FAILED: the server could not be reached. */
export interface Failed {
  readonly kind: FailureKind;
  /** For people: the system's own word. */
  readonly text: string;
}

/** With CLOSE: what the kernel knows of the connection to the server, where it can be asked. */
export interface Closed {
  readonly rttUs: number | null;
  readonly minRttUs: number | null;
  readonly retransmits: number | null;
}

/** Why a client was turned away before its connection was relayed. */
export type RefusalKind =
  | "max-conn"
  | "per-client"
  | "not-allowed"
  | "draining"
  /** A load balancer's connection began with no PROXY header, or a malformed one. */
  | "proxy-header"
  /** It was going to the proxy itself. */
  | "loop"
  /** Where it was going is not known: nobody redirected it. */
  | "no-destination"
  /** It was going to another server than the one that is relayed to. */
  | "elsewhere";

/** The relay's own condition, a few times a second. Counts are since it started. */
export interface RelayState {
  readonly startedAtUs: number;
  /** Where it listens and what it relays to, as the operator said. */
  readonly listen: readonly string[];
  readonly upstream: string;
  readonly mode: string;
  /** The server sees the client's own address, so that its lookups are about the client. */
  readonly sourcePreserved: boolean;
  readonly open: number;
  readonly accepted: number;
  readonly connected: number;
  readonly refused: Readonly<Partial<Record<RefusalKind, number>>>;
  readonly failed: Readonly<Partial<Record<FailureKind, number>>>;
  readonly relayedBytes: number;
  /** Bytes that this observer was not told of, for it was too far behind or not there. */
  readonly overrunBytes: number;
  readonly missedConnections: number;
  readonly observerRestarts: number;
  /** The longest that a turn of the event loop was busy: what came meanwhile waited. */
  readonly loopBusyMaxUs: number;
  readonly residentBytes: number;
}

/** What the relay asks of those who watch. `finish`: all is over, say what it came to. */
export type Order =
  | { readonly kind: "rotate" }
  | { readonly kind: "interim" }
  | { readonly kind: "finish"; readonly why: string }
  | { readonly kind: "say"; readonly text: string };
