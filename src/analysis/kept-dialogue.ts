import { type Conversation, NO_TIME_SPENT } from "../spine/conversation.ts";
import type { KeptDialogue, KeptExchange, PendingWait } from "../spine/kept.ts";
import type { OpenConnection } from "./open-connections.ts";

/** A dialogue while it goes on. */
export interface Draft {
  readonly id: number;
  readonly conversation: Conversation;
  readonly file: string;
  readonly tcpStream: number;
  readonly exchanges: KeptExchange[];
  bytes: number;
  count: number;
  recipients: number;
  waitedUs: number;
  slowest: KeptExchange | null;
  outcome: KeptDialogue["outcome"];
  lastAtUs: number | null;
  findings: KeptDialogue["findings"];
}

const NONE: readonly never[] = [];
export const NO_OUTCOME = { code: null, text: "" };
/** Of a line; RFC 5321 allows 512 octets. */
export const MAX_LINE = 512;

/** A dialogue as it is now, to be handed out. */
export function view(
  draft: Draft,
  redact: (text: string) => string,
  ended: KeptDialogue["ended"],
  pending: PendingWait | null,
): KeptDialogue {
  const { conversation, exchanges, count, recipients, waitedUs, slowest, outcome } = draft;
  const { transport, account } = conversation;
  const banner = conversation.banner()[0];
  const { connectUs, serverUs, pathUs, clientUs, transferUs, unknownUs } = account;
  return {
    id: draft.id,
    file: draft.file,
    tcpStream: draft.tcpStream,
    client: transport.client,
    server: transport.server,
    startAtUs: transport.synAtUs ?? transport.firstAtUs,
    synAtUs: transport.synAtUs,
    synAckAtUs: transport.synAckAtUs,
    handshakeAtUs: transport.handshakeAtUs,
    synCount: transport.synCount,
    lastAtUs: conversation.endedAtUs ?? draft.lastAtUs ?? transport.lastAtUs,
    ended,
    messages: conversation.messages,
    recipients,
    waitedUs: waitedUs + connectUs,
    slowest,
    outcome,
    banner: banner === undefined ? null : redact(banner).slice(0, MAX_LINE),
    tls: conversation.tls === null ? null : { ...conversation.tls },
    starttls: conversation.starttls,
    account: { connectUs, serverUs, pathUs, clientUs, transferUs, unknownUs },
    flags: conversation.flags.size === 0 ? NONE : [...conversation.flags],
    findings: draft.findings,
    pending,
    exchangeCount: count,
    exchanges: [...exchanges],
  };
}

/** A connection on which nothing has come of it yet. */
export function untold(
  { transport, file }: OpenConnection,
  id: number,
  wait: PendingWait | null,
): KeptDialogue {
  const { client, server, firstFrame, firstAtUs, synAtUs, synAckAtUs, handshakeAtUs, synCount, lastAtUs } =
    transport;
  return {
    id,
    file,
    tcpStream: transport.tcpStreamAt(firstFrame),
    client,
    server,
    startAtUs: synAtUs ?? firstAtUs,
    synAtUs,
    synAckAtUs,
    handshakeAtUs,
    synCount,
    lastAtUs,
    ended: null,
    messages: 0,
    recipients: 0,
    waitedUs: 0,
    slowest: null,
    outcome: NO_OUTCOME,
    banner: null,
    tls: null,
    starttls: "none",
    account: NO_TIME_SPENT,
    flags: synCount > 1 ? SYN_REPEATED : NONE,
    findings: NONE,
    pending: wait,
    exchangeCount: 0,
    exchanges: NONE,
  };
}

const SYN_REPEATED: KeptDialogue["flags"] = ["syn-retransmitted"];
