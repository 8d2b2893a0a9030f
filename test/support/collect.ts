import { Capture } from "../../src/capture/capture.ts";
import { Dialogues } from "../../src/dialogue/dialogues.ts";
import type { Conversation, DialogueListener } from "../../src/spine/conversation.ts";
import type { Exchange } from "../../src/spine/exchange.ts";

/** Everything an exchange says, copied: a listener is only lent it. */
export interface Collected {
  tcpStream: number;
  ordinal: number;
  phase: string;
  verb: string;
  command: string | null;
  code: number | null;
  lines: string[];
  octets: string | null;
  unkept: Exchange["unkept"];
  askedFirstAtUs: number | null;
  askedLastAtUs: number | null;
  answeredFirstAtUs: number | null;
  answeredLineAtUs: number | null;
  answeredLastAtUs: number | null;
  thinkUs: number | null;
  serviceUs: number | null;
  waitedUs: number;
  pipelinedBehind: number;
  retransmits: number;
  askedFrames: [number, number];
  answeredFrames: [number, number];
  taint: string | null;
}

export interface CollectedConversation {
  client: string;
  server: string;
  ended: string;
  messages: number;
  flags: string[];
  tls: Conversation["tls"];
  banner: readonly string[];
  starttls: string;
  encrypted: ReturnType<Conversation["encrypted"]>[];
  accountUs: Record<string, number>;
  lengthUs: number | null;
}

export class Collector implements DialogueListener {
  readonly exchanges: Collected[] = [];
  readonly conversations: CollectedConversation[] = [];
  readonly bodies: { durationUs: number; lengthBytes: number }[] = [];
  others = 0;
  silent: string[] = [];

  exchange(e: Exchange, conversation: Conversation): void {
    this.exchanges.push({
      tcpStream: conversation.transport.tcpStreamAt(e.answeredFirstFrame || e.askedFirstFrame),
      ordinal: e.ordinal,
      phase: e.phase,
      verb: e.verb,
      command: e.command(),
      code: e.code,
      lines: e.lines(),
      octets: e.commandOctets(),
      unkept: e.unkept,
      askedFirstAtUs: e.askedFirstAtUs,
      askedLastAtUs: e.askedLastAtUs,
      answeredFirstAtUs: e.answeredFirstAtUs,
      answeredLineAtUs: e.answeredLineAtUs,
      answeredLastAtUs: e.answeredLastAtUs,
      thinkUs: e.thinkUs,
      serviceUs: e.serviceUs,
      waitedUs: e.waitedUs,
      pipelinedBehind: e.pipelinedBehind,
      retransmits: e.retransmits,
      askedFrames: [e.askedFirstFrame, e.askedLastFrame],
      answeredFrames: [e.answeredFirstFrame, e.answeredLastFrame],
      taint: e.taint,
    });
  }

  body(durationUs: number, lengthBytes: number): void {
    this.bodies.push({ durationUs, lengthBytes });
  }

  conversation(c: Conversation): void {
    const { connectUs, serverUs, pathUs, clientUs, transferUs, unknownUs } = c.account;
    const start = c.transport.synAtUs ?? c.transport.firstAtUs;
    this.conversations.push({
      client: c.transport.client,
      server: c.transport.server,
      ended: c.ended,
      messages: c.messages,
      flags: [...c.flags],
      tls: c.tls,
      banner: c.banner(),
      starttls: c.starttls,
      encrypted: [c.encrypted("client"), c.encrypted("server")],
      accountUs: { connectUs, serverUs, pathUs, clientUs, transferUs, unknownUs },
      lengthUs: c.endedAtUs === null || start === null ? null : c.endedAtUs - start,
    });
  }

  other(): void {
    this.others++;
  }

  undecided(transport: { server: string }): void {
    this.silent.push(transport.server);
  }
}

export const PORTS: ReadonlySet<number> = new Set([25, 465, 587, 2525]);

/** Reads a capture file and returns everything that its dialogues said. */
export async function collect(path: string): Promise<{ collector: Collector; capture: Capture }> {
  const collector = new Collector();
  const dialogues = new Dialogues(collector, { ports: PORTS, copiesPossible: true });
  const capture = new Capture(dialogues, PORTS);
  await capture.readFile(path, {});
  capture.end();
  return { collector, capture };
}
