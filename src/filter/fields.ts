/**
 * What a filter can ask about. A field's type decides what it can be compared with and how; see
 * evaluate.ts. A `null` (for several lines: none) means that this exchange has no such value.
 */

import { portOf } from "../spine/address.ts";
import type { Taint } from "../spine/exchange.ts";
import { PHASES } from "../spine/phase.ts";
import type { EndCause } from "../spine/wire.ts";
import type { FilterSubject } from "./subject.ts";

type From<Value> = (subject: FilterSubject) => Value;

/** How a field's value is kept. `word`: a name, in any case; `known` lists all there are. */
type FieldType =
  | { readonly type: "flag"; readonly of: From<boolean> }
  | {
      readonly type: "word";
      readonly of: From<string | readonly string[] | null>;
      readonly known?: readonly string[];
      /** Names that exist, but that no exchange can have yet when it is looked at. */
      readonly late?: readonly string[];
    }
  | { readonly type: "text"; readonly of: From<string | readonly string[] | null> }
  | { readonly type: "number"; readonly of: From<number | null> }
  | { readonly type: "duration"; readonly of: From<number | null> }
  | { readonly type: "address"; readonly of: From<string> }
  | { readonly type: "frames"; readonly of: From<readonly (readonly [number, number] | null)[]> };

export type Field = FieldType & {
  readonly name: string;
  readonly doc: string;
  /** What the bare name means where that is not "has a value". */
  readonly bare?: From<boolean>;
};

const TAINTS = Object.keys({ gap: 1, clock: 1, unanswered: 1, early: 1 } satisfies Record<Taint, 1>);
const ENDS = Object.keys({ fin: 1, rst: 1, idle: 1, open: 1 } satisfies Record<EndCause, 1>);
const STARTTLS = ["offered", "used", "none"];

/**
 * To add a field: one entry here, and one member in subject.ts if the subject does not have it.
 * The parser, the error messages and the manual's table follow from this list.
 */
export const FIELDS: readonly Field[] = [
  { name: "phase", type: "word", doc: "stage of the dialogue", known: PHASES, of: (s) => s.phase },
  { name: "verb", type: "word", doc: 'verb, or a pseudo-verb in quotes: "(connect)"', of: (s) => s.verb },
  { name: "command", type: "text", doc: "the command line", of: (s) => s.command() },
  { name: "code", type: "number", doc: "reply code", of: (s) => s.code },
  { name: "text", type: "text", doc: "any line of the reply", of: (s) => s.lines() },
  { name: "dur", type: "duration", doc: "time the server took: the same as service", of: (s) => s.serviceUs },
  {
    name: "service",
    type: "duration",
    doc: "time from the command, or the reply before, to the reply",
    of: (s) => s.serviceUs,
  },
  { name: "think", type: "duration", doc: "time from the command's end to the reply", of: (s) => s.thinkUs },
  { name: "client", type: "address", doc: "address of the client, also with port", of: (s) => s.client },
  { name: "client.port", type: "number", doc: "port of the client", of: (s) => portOf(s.client) },
  { name: "server", type: "address", doc: "address of the server, also with port", of: (s) => s.server },
  { name: "server.port", type: "number", doc: "port of the server", of: (s) => portOf(s.server) },
  { name: "file", type: "text", doc: "capture file", of: (s) => s.file },
  { name: "tcp.stream", type: "number", doc: "connection, as Wireshark counts", of: (s) => s.tcpStream },
  {
    name: "frame",
    type: "frames",
    doc: "any packet of the command or the reply",
    of: (s) => [s.askedFrames, s.answeredFrames],
  },
  {
    name: "pipelined",
    type: "number",
    doc: "commands that were waiting before it",
    of: (s) => s.pipelinedBehind,
    bare: (s) => s.pipelinedBehind > 0,
  },
  {
    name: "retransmits",
    type: "number",
    doc: "further copies of its packets",
    of: (s) => s.retransmits,
    bare: (s) => s.retransmits > 0,
  },
  { name: "taint", type: "word", doc: "why its time does not count", known: TAINTS, of: (s) => s.taint },
  { name: "unanswered", type: "flag", doc: "no reply came", of: (s) => s.taint === "unanswered" },
  { name: "tls", type: "flag", doc: "the connection came to use TLS", of: (s) => s.conversation.tls },
  {
    name: "starttls",
    type: "word",
    doc: "what became of STARTTLS",
    known: STARTTLS,
    of: (s) => s.conversation.starttls,
    bare: (s) => s.conversation.starttls !== "none",
  },
  { name: "banner", type: "text", doc: "the server's greeting", of: (s) => s.conversation.banner() },
  {
    name: "ended",
    type: "word",
    doc: "how the connection ended; nothing while it goes on",
    known: ENDS,
    of: (s) => s.conversation.ended,
  },
  {
    name: "finding",
    type: "word",
    doc: "what was found in the dialogue so far, as banner-masked",
    of: (s) => s.findings().flatMap((id) => [id, id.slice(id.indexOf("/") + 1)]),
  },
  {
    name: "rewritten",
    type: "flag",
    doc: "the path changed something in the dialogue so far",
    of: (s) => s.findings().some((id) => id.startsWith("rewriting/")),
  },
];
