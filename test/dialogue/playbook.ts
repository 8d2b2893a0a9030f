import { inspect } from "node:util";
import { Dialogues } from "../../src/dialogue/dialogues.ts";
import type { Conversation, DialogueListener } from "../../src/spine/conversation.ts";
import type { Exchange } from "../../src/spine/exchange.ts";
import {
  type EndCause,
  NO_TIME,
  type Side,
  type SourceSink,
  type StreamSink,
  type Transport,
} from "../../src/spine/wire.ts";
import { type Collected, Collector, PORTS } from "../support/collect.ts";

/**
 * Dialogues written down as text, a line for each thing that a source says:
 *
 *     25                                 the server's port (25 where there is no such line)
 *     0 SYN / 10 SYN-ACK / 20 ACK        the handshake; without it the stream was joined midway
 *     5000 S< 220 mx ESMTP\r\n           the server's bytes, µs from the start; \r \n \t \0 \\ \xNN
 *     5100 C> EHLO a\r\n
 *     5200 S# 16 03 03 00 01             bytes in hex
 *     5300 C! 100                        100 bytes of the client are missing
 *     5400 C= 0 8                        a further copy of the client's bytes [0, 8)
 *     6000 tick
 *     7000 C. fin                        an end: fin, rst, idle, open
 *     server 198.51.100.25:25            another server's address
 *     oneway / refused / syns 3          facts about the connection
 *
 * Every line is a packet and has the next frame number, `@7` before the mark says otherwise. `?` for a
 * time is a packet without one. The source closes at its latest time.
 */

/** 14 November 2023: realistic sizes of numbers. */
export const START_US = 1_700_000_000_000_000;

export type Step =
  | { kind: "bytes"; from: Side; atUs: number; frame: number; bytes: Uint8Array }
  | { kind: "gap"; from: Side; atUs: number; frame: number; lengthBytes: number }
  | { kind: "copy"; from: Side; fromOffset: number; toOffset: number; frame: number }
  | { kind: "end"; from: Side; atUs: number; how: EndCause }
  | { kind: "tick"; atUs: number };

export interface Facts {
  port: number;
  /** `address:port`, where it is another one than usual. */
  server?: string;
  synAtUs: number | null;
  synFrame: number;
  synCount: number;
  synAckAtUs: number | null;
  synAckFrame: number;
  handshakeAtUs: number | null;
  handshakeFrame: number;
  refused: boolean;
  oneWay: boolean;
}

export interface Script {
  facts: Facts;
  steps: Step[];
}

export const NO_HANDSHAKE: Facts = {
  port: 25,
  synAtUs: null,
  synFrame: 0,
  synCount: 0,
  synAckAtUs: null,
  synAckFrame: 0,
  handshakeAtUs: null,
  handshakeFrame: 0,
  refused: false,
  oneWay: false,
};

const ESCAPES: Record<string, string> = { r: "\r", n: "\n", t: "\t", "0": "\0", "\\": "\\" };

/** Text with escapes to bytes; what is not ASCII goes as UTF-8. */
function bytesOf(text: string): Uint8Array {
  const pieces = text.split(/(\\x[0-9a-fA-F]{2}|\\.)/);
  return Buffer.concat(
    pieces.map((piece) => {
      if (/^\\x../.test(piece)) return Buffer.from([Number.parseInt(piece.slice(2), 16)]);
      if (piece.startsWith("\\")) return Buffer.from(ESCAPES[piece[1]!] ?? piece[1]!);
      return Buffer.from(piece);
    }),
  );
}

const LINE = /^(?:(\d+|\?) )?(?:@(\d+) )?(SYN-ACK|SYN|ACK|tick|[CS][>!#.<=])(?: (.*))?$/;

/** Reads a playbook. */
export function parse(text: string): Script {
  const facts: Facts = { ...NO_HANDSHAKE };
  const steps: Step[] = [];
  let frame = 0;
  for (const line of text.split(/\n| \/ /).map((each) => each.trimStart())) {
    if (line.trim() === "" || line.startsWith("--")) continue;
    if (/^\d+$/.test(line)) facts.port = Number(line);
    else if (line.startsWith("server ")) facts.server = line.slice(7);
    else if (line === "oneway") facts.oneWay = true;
    else if (line === "refused") facts.refused = true;
    else if (line.startsWith("syns ")) facts.synCount = Number(line.slice(5));
    else frame = parseLine(line, frame, facts, steps);
  }
  return { facts, steps };
}

function parseLine(line: string, previousFrame: number, facts: Facts, steps: Step[]): number {
  const match = LINE.exec(line);
  if (match === null) throw new Error(`not a line of a playbook: ${line}`);
  const [, time, at, mark, rest = ""] = match;
  const atUs = time === "?" || time === undefined ? NO_TIME : START_US + Number(time);
  const timeOrNull = atUs === NO_TIME ? null : atUs;
  const from: Side = mark!.startsWith("C") ? "client" : "server";
  let frame = previousFrame + 1;
  if (at !== undefined) frame = Number(at);
  switch (mark!.length > 2 ? mark : mark!.slice(1)) {
    case "SYN":
      Object.assign(facts, { synAtUs: timeOrNull, synFrame: frame, synCount: Math.max(1, facts.synCount) });
      return frame;
    case "SYN-ACK":
      Object.assign(facts, { synAckAtUs: timeOrNull, synAckFrame: frame });
      return frame;
    case "ACK":
      Object.assign(facts, { handshakeAtUs: timeOrNull, handshakeFrame: frame });
      return frame;
    case "tick":
      steps.push({ kind: "tick", atUs });
      return previousFrame;
    case "!":
      steps.push({ kind: "gap", from, atUs, frame, lengthBytes: Number(rest) });
      return previousFrame;
    case "=": {
      const [fromOffset, toOffset] = rest.split(" ").map(Number) as [number, number];
      steps.push({ kind: "copy", from, fromOffset, toOffset, frame });
      return frame;
    }
    case ".":
      steps.push({ kind: "end", from, atUs, how: rest.trim() as EndCause });
      return frame;
    case "#":
      steps.push({
        kind: "bytes",
        from,
        atUs,
        frame,
        bytes: Buffer.from(rest.replace(/[^0-9a-f]/gi, ""), "hex"),
      });
      break;
    default:
      steps.push({ kind: "bytes", from, atUs, frame, bytes: bytesOf(rest) });
  }
  return at === undefined ? frame : Math.max(previousFrame, frame);
}

/** Other addresses than the usual ones. */
interface Ends {
  client: string;
  server: string;
}

/** A connection that is what the playbook says. */
class ScriptedTransport implements Transport {
  readonly clockSteps = 0;
  readonly client: string;
  readonly server: string;
  readonly serverPort: number;
  readonly sawHandshake: boolean;
  readonly firstFrame = 1;
  readonly firstAtUs: number | null;
  readonly synAtUs: number | null;
  readonly synFrame: number;
  readonly synCount: number;
  readonly synAckAtUs: number | null;
  readonly synAckFrame: number;
  readonly handshakeAtUs: number | null;
  readonly handshakeFrame: number;
  readonly refused: boolean;
  readonly oneWay: boolean;
  lastAtUs: number | null;
  readonly delivered: Record<Side, number> = { client: 0, server: 0 };

  constructor(facts: Facts, firstAtUs: number | null, ends?: Ends) {
    this.client = ends?.client ?? "192.0.2.1:40000";
    this.server = ends?.server ?? facts.server ?? `192.0.2.25:${facts.port}`;
    this.serverPort = facts.port;
    this.sawHandshake = facts.synFrame > 0 || facts.synAckFrame > 0;
    this.firstAtUs = facts.synAtUs ?? facts.synAckAtUs ?? firstAtUs;
    this.lastAtUs = facts.handshakeAtUs ?? facts.synAckAtUs ?? this.firstAtUs;
    this.synAtUs = facts.synAtUs;
    this.synFrame = facts.synFrame;
    this.synCount = facts.synCount;
    this.synAckAtUs = facts.synAckAtUs;
    this.synAckFrame = facts.synAckFrame;
    this.handshakeAtUs = facts.handshakeAtUs;
    this.handshakeFrame = facts.handshakeFrame;
    this.refused = facts.refused;
    this.oneWay = facts.oneWay;
  }

  tcpStreamAt(): number {
    return 0;
  }
  acknowledged(side: Side): number {
    return this.delivered[side];
  }
}

/** Keeps what an exchange says, and the bytes behind it: a secret must be in neither. */
class Keeper extends Collector {
  readonly sinceSynAckUs: (number | null)[] = [];
  readonly #behind: string[] = [];
  readonly #how: "keep" | "look behind" | "drop";

  constructor(how: "keep" | "look behind" | "drop") {
    super();
    this.#how = how;
  }

  override exchange(exchange: Exchange, conversation: Conversation): void {
    if (this.#how === "drop") return;
    super.exchange(exchange, conversation);
    this.sinceSynAckUs.push(exchange.sinceSynAckUs);
    if (this.#how !== "look behind") return;
    this.#behind.push(inspect(exchange, { depth: 9, showHidden: true, getters: true, maxArrayLength: null }));
    for (const value of Object.values(exchange)) {
      const bytes = (value as { bytes?: unknown } | null)?.bytes;
      if (bytes instanceof Uint8Array) this.#behind.push(Buffer.from(bytes).toString("latin1"));
    }
    this.#look(conversation);
  }
  override conversation(conversation: Conversation): void {
    super.conversation(conversation);
    if (this.#how === "look behind") this.#look(conversation);
  }
  #look(conversation: Conversation): void {
    this.#behind.push(inspect(conversation, { depth: 9, showHidden: true, getters: true }));
  }
  /** All that a listener could lay its hands on, as text. */
  everything(): string {
    return [JSON.stringify(this), inspect(this, { depth: 9, maxStringLength: null }), ...this.#behind].join(
      "\n",
    );
  }
}

export interface Run {
  /** One short line an exchange: see brief(). */
  readonly brief: string[];
  readonly exchanges: Collected[];
  readonly sinceSynAckUs: (number | null)[];
  readonly conversation: Collector["conversations"][number] | undefined;
  readonly flags: string[];
  readonly bodies: Collector["bodies"];
  readonly others: number;
  readonly undecided: number;
  everything(): string;
}

export interface PlayOptions {
  /** Exchanges settle only after a while, as for a capture. */
  copiesPossible?: boolean;
  ports?: ReadonlySet<number>;
  /** Whether exchanges are kept, and looked into for everything() (slow); else they are dropped. */
  how?: "keep" | "look behind" | "drop";
  /** Looks at the sink after every step. */
  watch?: (sink: StreamSink) => void;
}

export function play(script: string | Script, options: PlayOptions = {}): Run {
  const keeper = new Keeper(options.how ?? "keep");
  playTo(keeper, script, options);
  const conversation = keeper.conversations[0];
  return {
    brief: keeper.exchanges.map(brief),
    exchanges: keeper.exchanges,
    sinceSynAckUs: keeper.sinceSynAckUs,
    conversation,
    flags: conversation?.flags ?? [],
    bodies: keeper.bodies,
    others: keeper.others,
    undecided: keeper.silent.length,
    everything: () => keeper.everything(),
  };
}

/** Lets a listener hear what is played. */
export function playTo(listener: DialogueListener, script: string | Script, options: PlayOptions = {}): void {
  const { facts, steps } = typeof script === "string" ? parse(script) : script;
  const dialogues = new Dialogues(listener, {
    ports: options.ports ?? PORTS,
    copiesPossible: options.copiesPossible ?? true,
    digests: true,
  });
  tell({ facts, steps }, dialogues, options.watch);
}

/** Says the script to a sink, as its source. */
export function tell(
  script: Script,
  source: SourceSink,
  watch?: (sink: StreamSink) => void,
  ends?: Ends,
): void {
  const telling = tellStepwise(script, source, ends);
  for (let next = telling.next(); !next.done; next = telling.next())
    if (next.value.sink !== null) watch?.(next.value.sink);
}

/** The same step by step. Yields after each the sink, and the time of the next one: null when there is none. */
export function* tellStepwise(
  { facts, steps }: Script,
  source: SourceSink,
  ends?: Ends,
): Generator<{ readonly sink: StreamSink | null; readonly nextAtUs: number | null }, void> {
  const timeOf = (step: Step | undefined) =>
    step === undefined ? null : step.kind === "copy" ? NO_TIME : step.atUs;
  yield { sink: null, nextAtUs: timeOf(steps[0]) };
  const timed = steps.find((step) => step.kind !== "tick" && "atUs" in step && step.atUs !== NO_TIME);
  const transport = new ScriptedTransport(
    facts,
    timed !== undefined && "atUs" in timed ? timed.atUs : null,
    ends,
  );
  const sink = source.open(transport);
  let last = facts.handshakeAtUs ?? facts.synAckAtUs ?? facts.synAtUs ?? NO_TIME;
  for (const [index, step] of steps.entries()) {
    if (step.kind !== "copy" && step.atUs > last) last = step.atUs;
    if (step.kind !== "copy" && step.kind !== "tick" && step.atUs > (transport.lastAtUs ?? NO_TIME))
      transport.lastAtUs = step.atUs;
    run(step, sink, transport, source);
    yield { sink, nextAtUs: timeOf(steps[index + 1]) };
  }
  sink.close(last);
}

function run(step: Step, sink: StreamSink, transport: ScriptedTransport, source: SourceSink): void {
  switch (step.kind) {
    case "bytes": {
      // Lent: what is around the bytes, and what becomes of them afterwards, must not matter.
      const lent = Buffer.alloc(step.bytes.length + 6, 0x0a);
      lent.set(step.bytes, 3);
      sink.bytes(step.from, step.atUs, step.frame, lent, 3, 3 + step.bytes.length);
      lent.fill(0x58);
      transport.delivered[step.from] += step.bytes.length;
      break;
    }
    case "gap":
      sink.gap(step.from, step.atUs, step.frame, step.lengthBytes, "lost");
      transport.delivered[step.from] += step.lengthBytes;
      break;
    case "copy":
      sink.copy(step.from, step.fromOffset, step.toOffset, step.frame);
      break;
    case "end":
      sink.end(step.from, step.atUs, step.how);
      break;
    case "tick":
      source.tick(step.atUs);
      break;
  }
}

/**
 * `EHLO a → 250 think 100`: command or pseudo-verb, code, and then only what is out of the ordinary:
 * `service` where it is not the think time, `behind` where it is not 0, `!gap` for a taint.
 */
function brief(e: Collected): string {
  const parts = [e.command ?? e.verb, "→", e.code === null ? "-" : String(e.code)];
  if (e.thinkUs !== null) parts.push(`think ${e.thinkUs}`);
  if (e.serviceUs !== e.thinkUs) parts.push(`service ${e.serviceUs}`);
  if (e.pipelinedBehind > 0) parts.push(`behind ${e.pipelinedBehind}`);
  if (e.retransmits > 0) parts.push(`copies ${e.retransmits}`);
  if (e.taint !== null) parts.push(`!${e.taint}`);
  return parts.join(" ");
}

/** The usual beginning: handshake, banner at 1000, EHLO at 1100, its reply at 1200. */
export const HELLO = String.raw`
  0 SYN / 10 SYN-ACK / 20 ACK
  1000 S< 220 mx ESMTP\r\n
  1100 C> EHLO a\r\n
  1200 S< 250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n`;

/** What HELLO gives, so that a test can say what comes after it. */
export const HELLO_BRIEF = ["(connect) → 220 think 980", "EHLO a → 250 think 100"];

/** Plays what follows a HELLO and returns the exchanges after it. */
export function afterHello(text: string, options: PlayOptions = {}): Run {
  const run = play(`${HELLO}\n${text}`, options);
  const head = run.brief.slice(0, 2);
  if (head.join() !== HELLO_BRIEF.join()) throw new Error(`the beginning went wrong: ${head.join(", ")}`);
  return { ...run, brief: run.brief.slice(2), exchanges: run.exchanges.slice(2) };
}

/** Cuts every chunk of bytes after each byte that `cutAfter` says; the pieces keep stamp and frame. */
export function resplit(script: Script, cutAfter: (step: number, at: number) => boolean): Script {
  const steps = script.steps.flatMap((step, index): Step[] => {
    if (step.kind !== "bytes") return [step];
    const pieces: Step[] = [];
    let from = 0;
    for (let at = 1; at <= step.bytes.length; at++) {
      if (at < step.bytes.length && !cutAfter(index, at)) continue;
      pieces.push({ ...step, bytes: step.bytes.subarray(from, at) });
      from = at;
    }
    return pieces;
  });
  return { facts: script.facts, steps };
}

/** A run without its functions, for comparing two. */
export function comparable(run: Run): unknown {
  const { everything: _, ...rest } = run;
  return rest;
}
