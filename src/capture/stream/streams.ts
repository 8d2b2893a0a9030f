import { NO_TIME, type SourceSink } from "../../spine/wire.ts";
import { DNS_PORT, DnsStream, Lookups } from "../dns/lookups.ts";
import { ACK, type Segment, type SegmentSink, SYN } from "../packet.ts";
import { CausalOrder } from "./causal-order.ts";
import { Connection } from "./connection.ts";
import { addressOf, Endpoint } from "./endpoint.ts";
import { Flows, type LiveCount } from "./flows.ts";
import { PacketLog } from "./packet-log.ts";

/**
 * Segments in, connections out: finds each segment's connection, numbers connections as Wireshark
 * does, opens a sink for each that says something, and lets go of those that are over.
 */

/** A finished connection stays this long for later copies of its last segments (µs of capture time) … */
const LINGER_US = 2_000_000;
/** … but not more than so many of them. */
const MAX_LINGERING = 128;

/** The ports that are mail whatever is said on them: RFC 5321, 8314, 6409 and the usual alternative. */
export const MAIL_PORTS: readonly number[] = [25, 465, 587, 2525];

/** Time is told this often (µs). Where it has stepped back very often, not more often than every so many packets. */
const TICK_US = 1_000_000;
const WILD_STEPS = 1_000;
const TICK_PACKETS = 64;

interface Lingering {
  flows: Flows;
  connection: Connection;
  flow: number;
}

export class Streams implements SegmentSink {
  /** Connections in the current file, as Wireshark numbers them: the next one's number. */
  tcpStreams = 0;
  /** Connections that the whole source had. */
  connections = 0;
  readonly #sink: SourceSink;
  readonly #ports: ReadonlySet<number>;
  readonly #live: LiveCount = { connections: 0 };
  readonly #v4 = new Flows(4, this.#live);
  #v6: Flows | null = null;
  readonly #order = new CausalOrder();
  readonly #log = new PacketLog();
  /** Null when nobody wants to know. */
  readonly #lookups: Lookups | null;
  readonly #waiting = new Set<Connection>();
  #lingering: Lingering[] = [];
  #lingerHead = 0;
  #atUs = NO_TIME;
  #frame = 0;
  #file = 0;
  #tickedUs = NO_TIME;
  #tickedFrame = 0;
  #stepsBack = 0;

  constructor(sink: SourceSink, ports: ReadonlySet<number>) {
    this.#sink = sink;
    this.#ports = ports;
    this.#lookups = sink.lookup === undefined ? null : new Lookups((lookup) => sink.lookup?.(lookup));
  }

  /** The packet that the following segment is in. */
  at(atUs: number, frame: number): void {
    this.#atUs = atUs;
    this.#frame = frame;
    const elapsedUs = atUs - this.#tickedUs;
    if (Math.abs(elapsedUs) < TICK_US || atUs === NO_TIME) return;
    // Backwards too: else one stamp far ahead would stop all ticks. But clocks can go wild.
    if (elapsedUs < 0) this.#stepsBack++;
    if (this.#stepsBack < WILD_STEPS || frame - this.#tickedFrame >= TICK_PACKETS) this.tick(atUs);
  }

  /** A new file of a ring begins: numbering starts anew. */
  nextFile(): void {
    this.#file++;
    this.tcpStreams = 0;
  }

  tick(atUs: number): void {
    this.#tickedUs = atUs;
    this.#tickedFrame = this.#frame;
    for (const connection of this.#waiting) {
      connection.tick(atUs);
      if (!connection.waiting) this.#waiting.delete(connection);
    }
    this.#letGo(atUs - LINGER_US);
    this.#sink.tick(atUs);
  }

  segment(segment: Segment): void {
    segment.atUs = this.#atUs;
    segment.frame = this.#frame;
    const flows = segment.addressBytes === 4 ? this.#v4 : this.#sixes();
    if (flows.full || flows.crowded) this.#makeRoom(flows);
    const slot = flows.table.find(segment);
    const fromLow = !flows.table.swapped;
    let flow = flows.table.flowAt(slot);
    let connection = flow >= 0 ? flows.connections[flow]! : null;
    const opens = (segment.flags & (SYN | ACK)) === SYN;
    if (flow < 0) {
      connection = this.#create(flows, slot, segment, fromLow);
      flow = flows.table.flowAt(slot);
    } else if (opens && isOther(flows, flow, connection, segment, fromLow)) {
      if (connection !== null) this.#close(connection);
      connection = this.#create(flows, slot, segment, fromLow);
    } else if (flows.fileOf(flow) !== this.#file) {
      connection?.renumber(this.#frame, this.tcpStreams);
      flows.setFile(flow, this.#file, this.tcpStreams++);
    }
    const returns = connection === null && flows.wasForgotten(flow) && segment.payloadLength > 0;
    if (returns || (segment.flags & SYN && reopens(flows, flow, connection, segment, fromLow))) {
      const older = connection;
      if (older !== null) this.#close(older);
      connection = this.#create(flows, slot, segment, fromLow, flows.numberOf(flow));
      if (older !== null) connection.takeBases(older);
    }
    flows.heard(flow, this.#frame);
    if (connection === null) return;
    connection.noteBase(fromLow, segment);
    if (segment.flags & SYN) connection.handshake(segment, fromLow);
    if (connection.sink === null && connection.finishedAtUs === 0) this.#open(connection, segment, fromLow);
    const wasOver = connection.finishedAtUs > 0;
    connection.accept(segment, fromLow);
    if (connection.sink !== null && !connection.sink.wanted) this.#unwanted(connection);
    if (connection.waiting && connection.sink !== null) this.#waiting.add(connection);
    if (connection.finishedAtUs > 0 && !wasOver) this.#over(flows, connection, flow);
  }

  unreachable(quoted: Segment): void {
    const flows = quoted.addressBytes === 4 ? this.#v4 : this.#sixes();
    if (flows.full || flows.crowded) this.#makeRoom(flows);
    const slot = flows.table.find(quoted);
    const fromLow = !flows.table.swapped;
    const flow = flows.table.flowAt(slot);
    const connection = flow < 0 ? null : flows.connections[flow]!;
    const opens = (quoted.flags & (SYN | ACK)) === SYN;
    if (flow < 0 || (opens && isOther(flows, flow, connection, quoted, fromLow))) {
      // Wireshark numbers a connection it knows only from a quote, if enough is quoted.
      if (quoted.flags === 0) return;
      if (connection !== null) this.#close(connection);
      this.#create(flows, slot, quoted, fromLow).noteBase(fromLow, quoted);
      return;
    }
    if (connection !== null && connection.synAckFrame === 0 && connection.synFrame > 0)
      connection.refused = true;
  }

  dns(
    buffer: Uint8Array,
    at: number,
    end: number,
    addressBytes: 4 | 16,
    sourceAt: number,
    destinationAt: number,
  ): void {
    if (this.#lookups === null) return;
    const sender = new Endpoint(buffer, sourceAt, addressBytes, 0).address;
    const receiver = new Endpoint(buffer, destinationAt, addressBytes, 0).address;
    this.#lookups.message(buffer, at, end, sender, receiver, false, this.#atUs, this.#frame);
  }

  /** The source is over: every connection is closed, in the order in which they began. */
  end(): void {
    const open: Connection[] = [];
    for (const flows of this.#v6 === null ? [this.#v4] : [this.#v4, this.#v6]) {
      for (const connection of flows.connections) if (connection !== null) open.push(connection);
    }
    open.sort((a, b) => a.firstFrame - b.firstFrame);
    for (const connection of open) this.#close(connection);
  }

  #sixes(): Flows {
    this.#v6 ??= new Flows(16, this.#live);
    return this.#v6;
  }

  #create(flows: Flows, slot: number, segment: Segment, fromLow: boolean, number = -1): Connection {
    const { buffer, addressBytes } = segment;
    const source = new Endpoint(buffer, segment.sourceAt, addressBytes, segment.sourcePort);
    const destination = new Endpoint(buffer, segment.destinationAt, addressBytes, segment.destinationPort);
    const low = fromLow ? source : destination;
    const high = fromLow ? destination : source;
    const tcpStream = number < 0 ? this.tcpStreams++ : number;
    const connection = new Connection(low, high, this.#frame, this.#atUs, tcpStream, this.#order, this.#log);
    if (number < 0) this.connections++;
    flows.add(slot, connection, this.#file, tcpStream, this.#frame);
    return connection;
  }

  /** Opens a sink once it is known who is the server: by the handshake, the port, or what is said first. */
  #open(connection: Connection, segment: Segment, fromLow: boolean): void {
    if (connection.sinkRefused) return;
    if (!connection.rolesKnown) {
      if (segment.payloadLength === 0) return;
      const toMail = this.#ports.has(segment.destinationPort);
      const fromMail = this.#ports.has(segment.sourcePort);
      const senderIsServer = toMail === fromMail ? startsLikeReply(segment) : fromMail;
      connection.setServer(senderIsServer ? !fromLow : fromLow);
    }
    connection.sink = this.#sink.open(connection);
    if (connection.serverPort === DNS_PORT && this.#lookups !== null) {
      const { client, server } = connection;
      const lookups = this.#lookups;
      connection.sink = new DnsStream(connection.sink, lookups, addressOf(client), addressOf(server));
    }
  }

  #unwanted(connection: Connection): void {
    connection.sinkRefused = true;
    connection.sink?.close(this.#atUs);
    connection.drop();
    this.#waiting.delete(connection);
  }

  #over(flows: Flows, connection: Connection, flow: number): void {
    if (connection.sink === null) {
      this.#retire({ flows, connection, flow });
      return;
    }
    this.#lingering.push({ flows, connection, flow });
    if (this.#lingering.length - this.#lingerHead > MAX_LINGERING)
      this.#retire(this.#lingering[this.#lingerHead++]!);
    if (this.#lingerHead > MAX_LINGERING) {
      this.#lingering = this.#lingering.slice(this.#lingerHead);
      this.#lingerHead = 0;
    }
  }

  #letGo(before: number): void {
    while (this.#lingerHead < this.#lingering.length) {
      const next = this.#lingering[this.#lingerHead]!;
      if (next.connection.finishedAtUs > before) break;
      this.#lingerHead++;
      this.#retire(next);
    }
  }

  #retire({ flows, connection, flow }: Lingering): void {
    this.#close(connection);
    if (flows.connections[flow] === connection) flows.retire(flow);
  }

  #close(connection: Connection): void {
    this.#waiting.delete(connection);
    connection.close();
  }

  #makeRoom(flows: Flows): void {
    // What is over goes first.
    while (this.#lingerHead < this.#lingering.length) this.#retire(this.#lingering[this.#lingerHead++]!);
    const close = (connection: Connection) => {
      connection.forget();
      this.#close(connection);
    };
    if (flows.full) flows.forgetHalf(close);
    if (!flows.crowded) return;
    const other = flows === this.#v4 ? this.#v6 : this.#v4;
    (other !== null && other.live > flows.live ? other : flows).closeHalf(close);
  }
}

/** Wireshark's rule: a SYN with another sequence number is a new connection. */
function isOther(
  flows: Flows,
  flow: number,
  connection: Connection | null,
  segment: Segment,
  fromLow: boolean,
): boolean {
  if (connection === null) return !flows.beganWith(flow, fromLow, segment.sequence);
  const known = fromLow ? connection.lowBaseKnown : connection.highBaseKnown;
  return known && (fromLow ? connection.lowBase : connection.highBase) !== segment.sequence;
}

/** A refused SYN tried again (Windows does), or the answer to a new SYN that was not captured: Wireshark keeps the number. */
function reopens(
  flows: Flows,
  flow: number,
  connection: Connection | null,
  segment: Segment,
  fromLow: boolean,
): boolean {
  const handshake = segment.flags & (SYN | ACK);
  if (connection === null) {
    if (!(handshake & ACK)) return flows.wasRefused(flow);
    return !flows.beganWith(flow, fromLow, segment.sequence) && !flows.wasForgottenBefore(flow, fromLow);
  }
  if (connection.finishedAtUs === 0) return false;
  if (!(handshake & ACK)) return connection.refused;
  return (fromLow ? connection.lowBase : connection.highBase) !== segment.sequence;
}

/** `220 `, `250-`: three digits and a separator. */
function startsLikeReply(segment: Segment): boolean {
  const { buffer, payloadAt, capturedEnd } = segment;
  if (capturedEnd - payloadAt < 4) return false;
  for (let i = 0; i < 3; i++) {
    const byte = buffer[payloadAt + i]!;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  const separator = buffer[payloadAt + 3]!;
  return separator === 0x20 || separator === 0x2d;
}
