import type { Conversation } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import type { FileFrames } from "../spine/files.ts";
import type { SlowReply } from "../spine/report.ts";
import type { Settled } from "../spine/settled.ts";

/** Where exchanges are: file, frames and stream as Wireshark numbers them. */

/** An exchange's file is that of its reply (of its command, where there is no reply); frames count within it. */
export function locate(
  exchange: Exchange,
  conversation: Conversation,
  frames: FileFrames,
  findings: Settled["findings"],
): Settled {
  const { transport } = conversation;
  const anchor = exchange.answeredFirstFrame || exchange.askedFirstFrame || transport.firstFrame;
  const { file } = frames.locate(anchor);
  const askedFile = exchange.askedFirstFrame === 0 ? file : frames.locate(exchange.askedFirstFrame).file;
  return {
    exchange,
    conversation,
    file,
    tcpStream: transport.tcpStreamAt(anchor),
    askedFrames: span(exchange.askedFirstFrame, exchange.askedLastFrame, frames),
    answeredFrames: span(exchange.answeredFirstFrame, exchange.answeredLastFrame, frames),
    askedFile: askedFile === file ? null : askedFile,
    findings,
    uncertaintyUs: frames.uncertaintyUs(exchange.answeredFirstFrame),
  };
}

function span(first: number, last: number, frames: FileFrames): readonly [number, number] | null {
  if (first === 0 && last === 0) return null;
  const from = frames.locate(first || last);
  const to = frames.locate(last || first);
  if (from.frame === null || to.frame === null) return null;
  // What goes on in the next file of a ring has its first frame only: those of two files are no span.
  return [from.frame, to.file === from.file ? to.frame : from.frame];
}

/** @param redact applied to text from the wire */
export function slowReply(
  { exchange, conversation, file, tcpStream, answeredFrames }: Settled,
  waitedUs: number,
  frames: FileFrames,
  redact: (text: string) => string,
): SlowReply {
  const { transport } = conversation;
  const command = exchange.command();
  const reply = exchange.lines()[0];
  const asked = frames.locate(exchange.askedLastFrame || exchange.askedFirstFrame || transport.firstFrame);
  return {
    file,
    tcpStream,
    client: transport.client,
    server: transport.server,
    phase: exchange.phase,
    verb: exchange.verb,
    command: command === null ? null : redact(command),
    code: exchange.code,
    reply: reply === undefined ? null : redact(reply),
    remark: reply === undefined ? remarkOn(exchange, conversation) : null,
    atUs: exchange.answeredFirstAtUs ?? exchange.askedLastAtUs ?? transport.synAtUs,
    waitedUs,
    serviceUs: exchange.serviceUs,
    askedFrame: asked.file === file ? asked.frame : null,
    answeredFrame: answeredFrames?.[0] ?? null,
  };
}

function remarkOn(exchange: Exchange, conversation: Conversation): string {
  if (exchange.answeredFirstAtUs !== null) return exchange.phase === "tls" ? "ServerHello" : "(encrypted)";
  if (conversation.transport.refused) return "connection refused or rejected on the way";
  if (!isConnected(conversation)) return "no answer to the SYN";
  return conversation.ended === "open" ? "no reply before the capture ended" : "no reply";
}

/** The server accepted the connection (or its start was not captured, or only one direction of it). */
export function isConnected({ transport, flags }: Conversation): boolean {
  return transport.synFrame === 0 || transport.synAckFrame > 0 || flags.has("one-way");
}
