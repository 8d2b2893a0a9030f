import type { Conversation } from "../spine/conversation.ts";
import type { FileFrames } from "../spine/files.ts";
import type { Report } from "../spine/report.ts";
import type { Settled } from "../spine/settled.ts";
import type { Transport } from "../spine/wire.ts";
import { jsonText } from "./json.ts";

/**
 * One JSON object a line: each exchange when it has settled, each dialogue when it is over, then the
 * findings and one summary at the end. schema.ts describes them.
 */

/** Text from the wire on its way out: the identity, or one that masks addresses. */
export type Redact = (text: string) => string;

export function exchangeLine({ exchange: e, conversation, ...place }: Settled, redact: Redact): string {
  const { transport } = conversation;
  const command = e.command();
  return jsonText({
    kind: "exchange",
    file: place.file,
    tcpStream: place.tcpStream,
    client: transport.client,
    server: transport.server,
    ordinal: e.ordinal,
    phase: e.phase,
    verb: e.verb,
    command: command === null ? null : redact(command),
    code: e.code,
    lines: e.lines().map(redact),
    askedFirstAtUs: e.askedFirstAtUs,
    askedLastAtUs: e.askedLastAtUs,
    answeredFirstAtUs: e.answeredFirstAtUs,
    answeredLineAtUs: e.answeredLineAtUs,
    answeredLastAtUs: e.answeredLastAtUs,
    thinkUs: e.thinkUs,
    serviceUs: e.serviceUs,
    ...(e.verb === "(connect)" ? { sinceSynAckUs: e.sinceSynAckUs } : {}),
    pipelinedBehind: e.pipelinedBehind,
    retransmits: e.retransmits,
    askedFrames: place.askedFrames,
    answeredFrames: place.answeredFrames,
    ...(place.askedFile === null ? {} : { askedFile: place.askedFile }),
    ...(place.uncertaintyUs === null ? {} : { uncertaintyUs: place.uncertaintyUs }),
    taint: e.taint,
  });
}

export function conversationLine(conversation: Conversation, frames: FileFrames, redact: Redact): string {
  const { transport: t, account } = conversation;
  const { connectUs, serverUs, pathUs, clientUs, transferUs, unknownUs } = account;
  return jsonText({
    kind: "conversation",
    file: frames.locate(t.firstFrame).file,
    tcpStream: t.tcpStreamAt(t.firstFrame),
    client: t.client,
    server: t.server,
    synAtUs: t.synAtUs,
    synAckAtUs: t.synAckAtUs,
    handshakeAtUs: t.handshakeAtUs,
    endedAtUs: conversation.endedAtUs,
    ended: conversation.ended,
    tls: tlsView(conversation.tls),
    starttls: conversation.starttls,
    vantage: vantage(t),
    rttUs: roundTripUs(t),
    banner: conversation.banner().map(redact),
    messages: conversation.messages,
    time: { connectUs, serverUs, pathUs, clientUs, transferUs, unknownUs },
    flags: [...conversation.flags],
    ...(t.live === undefined ? {} : { live: t.live }),
  });
}

/** What comes when all has been read: each finding, and the summary last. With a line end behind each. */
export function closingLines(report: Report): string {
  const lines = [...report.findings, { ...report, kind: "summary" }];
  return lines.map((line) => `${jsonText(line)}\n`).join("");
}

function tlsView(tls: Conversation["tls"]): object | null {
  if (tls === null) return null;
  const { certificateFrame: _, ...view } = tls;
  return view;
}

/** SYN → SYN-ACK → ACK, past the point of capture: client to server and back, wherever that point is. */
function roundTripUs({ synAtUs, synAckAtUs, handshakeAtUs, synCount }: Transport): number | null {
  if (synAtUs === null || synAckAtUs === null || handshakeAtUs === null || synCount !== 1) return null;
  return handshakeAtUs >= synAtUs ? handshakeAtUs - synAtUs : null;
}

/** Below this the round trip is the host's own, and its halves say nothing of where the capture was made. */
const LOCAL_US = 200;

/** Where the capture was made: near the end whose half of the handshake's round trip is short. */
function vantage(t: Transport): "client" | "server" | "middle" | null {
  const total = roundTripUs(t);
  if (total === null || total < LOCAL_US || t.synAtUs === null || t.synAckAtUs === null) return null;
  const toServerUs = t.synAckAtUs - t.synAtUs;
  if (toServerUs >= 0.8 * total) return "client";
  return toServerUs <= 0.2 * total ? "server" : "middle";
}
