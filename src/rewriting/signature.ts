import type { Difference, Explanation, RewritingFinding, Severity } from "../spine/finding.ts";
import type { PacketTable } from "../spine/packets.ts";
import type { Certificate } from "../spine/reference.ts";
import type { KnownHost } from "./server-names.ts";
import type { Heard, Moment } from "./view.ts";

export type RewritingId = RewritingFinding["id"];

/** A signature was recognised in a dialogue. */
export interface Sighting {
  /** What tells one appearance from another, as it came over the wire: the masked banner, the keyword. */
  readonly variant: string;
  /** 0 … 1 */
  readonly confidence: number;
  /** What the evidence shows, as it came over the wire. */
  readonly text: string;
  /** Packet number over the whole source, where it is another one than the signature looked at. */
  readonly frame?: number;
  /** Compared with what the server says. */
  readonly difference?: Difference;
}

/** All sightings of one signature: what the claim is made of. Texts are escaped and redacted. */
export interface Sum {
  readonly dialogues: number;
  /** Distinct servers; with `manyServers` at least so many. */
  readonly servers: readonly string[];
  readonly manyServers: boolean;
  /** Commonest first. */
  readonly variants: readonly SumVariant[];
}

interface SumVariant {
  readonly variant: string;
  readonly dialogues: number;
  /** What the servers' hosts are known to be called, the most trusted first. */
  readonly hosts: readonly KnownHost[];
}

interface Described {
  readonly id: RewritingId;
  readonly severity: Severity;
  readonly remedy: string;
  readonly source: string;
  /** One sentence. */
  claim(sum: Sum): string;
  /** What the variants were before, where that can be told. */
  readonly originals?: (sum: Sum) => NonNullable<RewritingFinding["originals"]>;
  readonly explanation: Omit<Explanation, "id">;
}

/** Looks at what a server says of itself. What was found is remembered for a dialogue that says the same. */
interface OfHeard<Stage extends "banner" | "hello"> extends Described {
  /** Behind the banner, or behind the reply to EHLO or HELO. */
  readonly stage: Stage;
  detect(heard: Heard): Sighting | null;
}

/** Looks at an exchange that went wrong or was odd: see `isOdd` in looking.ts for which. */
interface OfExchange extends Described {
  readonly stage: "exchange";
  detect(moment: Moment): Sighting | null;
}

/** Looks at the packets of a connection that is over: see paths.ts for which. */
interface OfConnection extends Described {
  readonly stage: "end";
  detect(packets: PacketTable, path: Path): Sighting | null;
}

/** Looks at the server's certificate, when the connection is over. */
interface OfCertificate extends Described {
  readonly stage: "certified";
  detect(heard: Heard, certificate: Certificate): Sighting | null;
}

/** What all connections to a server so far show of the way to it. */
export interface Path {
  /** Handshakes seen from SYN to SYN-ACK, and the fastest of them. */
  readonly handshakes: number;
  readonly leastHandshakeUs: number;
}

/** Found across dialogues: has no look of its own. */
interface Across extends Described {
  readonly stage: "across";
}

/** Found by comparing with what the server itself says: has no look of its own. */
interface Compared extends Omit<Described, "claim" | "explanation"> {
  readonly stage: "compared";
}

export type Signature =
  | OfHeard<"banner">
  | OfHeard<"hello">
  | OfExchange
  | OfConnection
  | OfCertificate
  | Across
  | Compared;
