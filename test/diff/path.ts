/**
 * A path between clients and a server, captured on both sides: sessions as they are said, and what the path does
 * to them. Checksums stay zero; readers of captures do not verify them.
 */
import { Capture } from "../../src/capture/capture.ts";
import { Dialogues } from "../../src/dialogue/dialogues.ts";
import { type CapturedSide, diffCaptures } from "../../src/diff/diff.ts";
import { DialogueRecorder } from "../../src/diff/recorder.ts";
import type { DiffReport } from "../../src/spine/diff-report.ts";
import type { Side } from "../../src/spine/wire.ts";
import { ACK, FIN, type Packet, PSH, SYN, scrambled, Wire } from "../support/raw-ip.ts";

/** One packet's worth: who says it, and how long after it could be said. */
export interface Said {
  readonly from: Side;
  readonly text: string;
  readonly afterUs: number;
}

export interface Session {
  readonly startUs: number;
  readonly client: string;
  readonly clientPort: number;
  readonly server?: string;
  /** Its sequence numbers follow from it; its place, if it has none. */
  readonly number?: number;
  readonly said: readonly Said[];
}

export interface Path {
  /** Outside's clock less inside's, at this time of inside's. */
  readonly offsetUs: number | ((atUs: number) => number);
  /** µs a packet is on its way, besides what it is held. */
  readonly delayUs: (packet: number) => number;
  /** What becomes of a packet's text, `n` from 0 in each session; null: it is not passed on. */
  readonly rewrite: (text: string, from: Side, n: number, session: number) => string;
  readonly holdUs: (text: string, from: Side, session: number) => number;
  /** Inside, all clients have this address, and ports by chance. */
  readonly nat: string | null;
  /** Sequence numbers of this session are chosen anew by the firewall. */
  readonly newSequences: boolean;
  /** Packets are cut in two at this length on their way, if any. */
  readonly cutAt: number | null;
  /** Which sessions are missing. */
  readonly missingInside: (session: number) => boolean;
  readonly missingOutside: (session: number) => boolean;
}

export const PLAIN: Path = {
  offsetUs: 0,
  delayUs: () => 50,
  rewrite: (text) => text,
  holdUs: () => 0,
  nat: null,
  newSequences: false,
  cutAt: null,
  missingInside: () => false,
  missingOutside: () => false,
};

/** Sends sessions over a path. */
export function travel(sessions: readonly Session[], path: Path): { inside: Packet[]; outside: Packet[] } {
  const inside: Packet[] = [];
  const outside: Packet[] = [];
  sessions.forEach((session, place) => {
    const number = session.number ?? place;
    const [i, o] = send(session, number, path);
    if (!path.missingInside(number)) inside.push(...i);
    if (!path.missingOutside(number)) outside.push(...o);
  });
  const byTime = (a: Packet, b: Packet) => a.atUs - b.atUs;
  return { inside: inside.sort(byTime), outside: outside.sort(byTime) };
}

function send(session: Session, number: number, path: Path): [Packet[], Packet[]] {
  const sequences = { client: scrambled(number * 4), server: scrambled(number * 4 + 1) };
  const others = { client: scrambled(number * 4 + 2), server: scrambled(number * 4 + 3) };
  const server = [session.server ?? "192.0.2.25", 25] as const;
  const outside = new Wire({ client: [session.client, session.clientPort], server }, sequences);
  const source = path.nat === null ? session.client : path.nat;
  const port = path.nat === null ? session.clientPort : 1_024 + (scrambled(number) % 60_000);
  const inside = new Wire({ client: [source, port], server }, path.newSequences ? others : sequences);
  let now = session.startUs;
  let packet = number * 1_000;
  const { offsetUs } = path;
  const ahead = (atUs: number) => (typeof offsetUs === "number" ? offsetUs : Math.round(offsetUs(atUs)));
  const pass = (from: Side, flags: number, text: string, n: number) => {
    const [sent, arrived] = from === "client" ? [outside, inside] : [inside, outside];
    const stamp = (wire: Wire, atUs: number) => (wire === outside ? atUs + ahead(atUs) : atUs);
    sent.put(stamp(sent, now), from, flags, bytesOf(text));
    now += path.delayUs(packet++) + (text === "" ? 0 : path.holdUs(text, from, number));
    const after = text === "" ? "" : path.rewrite(text, from, n, number);
    const at = path.cutAt ?? after.length;
    arrived.put(stamp(arrived, now), from, flags, bytesOf(after.slice(0, at)));
    if (at < after.length) arrived.put(stamp(arrived, now), from, flags, bytesOf(after.slice(at)));
  };
  pass("client", SYN, "", 0);
  now += 20;
  pass("server", SYN | ACK, "", 0);
  now += 20;
  pass("client", ACK, "", 0);
  session.said.forEach(({ from, text, afterUs }, n) => {
    now += afterUs;
    pass(from, PSH | ACK, text, n);
  });
  now += 100;
  pass("client", FIN | ACK, "", 0);
  pass("server", FIN | ACK, "", 0);
  pass("client", ACK, "", 0);
  return [inside.packets, outside.packets];
}

/** One character a byte. */
const bytesOf = (text: string) => Buffer.from(text, "latin1");

const PORTS: ReadonlySet<number> = new Set([25, 465, 587, 2525]);
const RAW_IP = 101;

export function captured(packets: readonly Packet[], file: string, linkType = RAW_IP): CapturedSide {
  const reader = new Reader();
  reader.capture.frames.begin(file, 0);
  for (const { atUs, bytes } of packets)
    reader.capture.record(atUs, bytes, 0, bytes.length, bytes.length, linkType);
  return reader.end();
}

export async function capturedFile(path: string): Promise<CapturedSide> {
  const reader = new Reader();
  await reader.capture.readFile(path, {});
  return reader.end();
}

class Reader {
  readonly recorder = new DialogueRecorder(() => this.capture.frames);
  readonly capture: Capture = new Capture(
    this.recorder.tee(new Dialogues(this.recorder, { ports: PORTS, copiesPossible: true, digests: true })),
    PORTS,
  );

  end(): CapturedSide {
    this.capture.end();
    const { packets, firstAtUs, lastAtUs } = this.capture.counts;
    const { dialogues, leftOut } = this.recorder;
    const { frames } = this.capture;
    return { dialogues, leftOut, frames, files: [], packets, firstAtUs, lastAtUs };
  }
}

export const OPTIONS = { version: "0", redact: (text: string) => text };

export function diffOver(sessions: readonly Session[], path: Partial<Path>): DiffReport {
  const { inside, outside } = travel(sessions, { ...PLAIN, ...path });
  return diffCaptures(captured(inside, "inside"), captured(outside, "outside"), OPTIONS);
}

/** What is said is not the same on both sides: a proxy speaks for itself. */
export function diffBetween(
  inside: readonly Session[],
  outside: readonly Session[],
  path: Partial<Path> = {},
): DiffReport {
  const all = { ...PLAIN, ...path };
  return diffCaptures(
    captured(travel(inside, all).inside, "inside"),
    captured(travel(outside, all).outside, "outside"),
    OPTIONS,
  );
}

export interface MailOptions {
  /** µs the server takes for the n-th reply, and the client for the n-th command. */
  readonly serverUs?: (n: number) => number;
  readonly clientUs?: (n: number) => number;
  readonly body?: string;
  readonly queueId?: string;
  readonly from?: string;
}

export const EHLO_LINES = [
  "mx.example.net",
  "PIPELINING",
  "SIZE 10240000",
  "STARTTLS",
  "8BITMIME",
  "CHUNKING",
];

export function replyOf(lines: readonly string[], code = 250): string {
  return lines.map((line, i) => `${code}${i === lines.length - 1 ? " " : "-"}${line}\r\n`).join("");
}

/** A mail as most are. */
export function mail(options: MailOptions = {}): Said[] {
  const { serverUs = () => 2_000, clientUs = () => 300, body = "Subject: hello\r\n\r\nhello\r\n" } = options;
  const { queueId = "4F1A2B", from = "alice@example.org" } = options;
  const turns: [string | null, string][] = [
    [null, "220 mx.example.net ESMTP Postfix\r\n"],
    ["EHLO client.example.org\r\n", replyOf(EHLO_LINES)],
    [`MAIL FROM:<${from}>\r\n`, "250 2.1.0 Ok\r\n"],
    ["RCPT TO:<bob@example.net>\r\n", "250 2.1.5 Ok\r\n"],
    ["DATA\r\n", "354 End data with <CR><LF>.<CR><LF>\r\n"],
    [`${body}.\r\n`, `250 2.0.0 Ok: queued as ${queueId}\r\n`],
    ["QUIT\r\n", "221 2.0.0 Bye\r\n"],
  ];
  return turns.flatMap(([command, reply], n): Said[] => {
    const answer: Said = { from: "server", text: reply, afterUs: serverUs(n) };
    return command === null ? [answer] : [{ from: "client", text: command, afterUs: clientUs(n) }, answer];
  });
}
