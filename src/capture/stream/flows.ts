import type { Connection } from "./connection.ts";
import { FlowTable } from "./flow-table.ts";

/**
 * All connections of one address family, live and past, in bounded memory.
 *
 * A past connection leaves a few numbers behind: a packet that comes late must neither start a new
 * dialogue nor shift the numbering of later ones. When the table is full, the flows heard least
 * recently are forgotten, live ones closed first; a packet of a forgotten flow would be counted as a
 * new connection where Wireshark, which forgets nothing, would not.
 */

/** Flows remembered, past ones included. 3.5 MB for IPv4, 7 MB for IPv6. */
const MAX_FLOWS = 65_536;

/**
 * Live connections of both families together, at about 6 KB each with their dialogue and its analysis. Mail
 * servers let in some hundreds by default. Past it the longest unheard are closed.
 */
const MAX_LIVE = 4_096;

/** Counts the live connections of all families. */
export interface LiveCount {
  connections: number;
}

export class Flows {
  readonly table: FlowTable;
  readonly connections: (Connection | null)[] = [];
  /** Which file of the ring the flow was last numbered in. */
  readonly #file = new Int32Array(MAX_FLOWS);
  /** The number it has there. */
  readonly #number = new Int32Array(MAX_FLOWS);
  readonly #heard = new Float64Array(MAX_FLOWS);
  /** Closed for lack of room, not because it was over. */
  readonly #forgotten = new Uint8Array(MAX_FLOWS);
  /** First sequence numbers of past connections, lower and upper end. */
  readonly #base = new Int32Array(MAX_FLOWS * 2);
  readonly #refused = new Uint8Array(MAX_FLOWS);
  readonly #baseKnown = new Uint8Array(MAX_FLOWS * 2);
  #count = 0;
  #live = 0;
  readonly #total: LiveCount;

  constructor(addressBytes: 4 | 16, total: LiveCount) {
    this.#total = total;
    this.table = new FlowTable(addressBytes, MAX_FLOWS);
  }

  /** Enters a new flow at the slot that `table.find` gave. */
  add(slot: number, connection: Connection, file: number, number: number, frame: number): number {
    let flow = this.table.flowAt(slot);
    if (flow < 0) {
      flow = this.#count++;
      this.table.place(slot, flow);
    } else if (this.connections[flow] !== null) this.#countLive(-1);
    this.connections[flow] = connection;
    this.#forgotten[flow] = 0;
    this.#file[flow] = file;
    this.#number[flow] = number;
    this.#heard[flow] = frame;
    this.#countLive(1);
    return flow;
  }

  #countLive(more: number): void {
    this.#live += more;
    this.#total.connections += more;
  }

  get live(): number {
    return this.#live;
  }

  fileOf(flow: number): number {
    return this.#file[flow]!;
  }

  numberOf(flow: number): number {
    return this.#number[flow]!;
  }

  setFile(flow: number, file: number, number: number): void {
    this.#file[flow] = file;
    this.#number[flow] = number;
  }

  /** The flow is still going on, but its connection was closed for lack of room. */
  wasForgotten(flow: number): boolean {
    return this.#forgotten[flow] === 1;
  }

  heard(flow: number, frame: number): void {
    this.#heard[flow] = frame;
  }

  /** A past connection began with this sequence number in this direction: its SYN once more is a late copy. */
  beganWith(flow: number, fromLow: boolean, sequence: number): boolean {
    const at = flow * 2 + (fromLow ? 0 : 1);
    return this.#baseKnown[at] === 1 && this.#base[at] === sequence;
  }

  /** A connection was closed for lack of room before this direction of its handshake came. */
  wasForgottenBefore(flow: number, fromLow: boolean): boolean {
    return this.#forgotten[flow] === 1 && this.#baseKnown[flow * 2 + (fromLow ? 0 : 1)] === 0;
  }

  /** A past connection was refused: its SYN once more is another attempt (Windows repeats the number). */
  wasRefused(flow: number): boolean {
    return this.#refused[flow] === 1;
  }

  /** The connection is over; its numbers stay. */
  retire(flow: number): void {
    const connection = this.connections[flow];
    if (connection === null || connection === undefined) return;
    this.#refused[flow] = connection.refused ? 1 : 0;
    this.#base[flow * 2] = connection.lowBase;
    this.#base[flow * 2 + 1] = connection.highBase;
    this.#baseKnown[flow * 2] = connection.lowBaseKnown ? 1 : 0;
    this.#baseKnown[flow * 2 + 1] = connection.highBaseKnown ? 1 : 0;
    this.connections[flow] = null;
    this.#countLive(-1);
  }

  /** No further flow can be remembered. */
  get full(): boolean {
    return this.#count >= MAX_FLOWS;
  }

  /** No further connection of any family can be followed. */
  get crowded(): boolean {
    return this.#total.connections >= MAX_LIVE;
  }

  /** Closes half of the live connections: first those on which nothing was said, then those heard least recently. */
  closeHalf(close: (connection: Connection) => void): void {
    const live = new Int32Array(this.#live);
    let count = 0;
    for (let flow = 0; flow < this.#count; flow++) {
      const connection = this.connections[flow];
      if (connection !== null && connection !== undefined) live[count++] = flow;
    }
    const saysNothing = (flow: number) => (this.connections[flow]!.saidNothing ? 0 : 1);
    live.sort((a, b) => saysNothing(a) - saysNothing(b) || this.#heard[a]! - this.#heard[b]!);
    for (const flow of live.subarray(0, (count + 1) >>> 1)) this.#forget(flow, close);
  }

  /** Forgets the half of all flows that was heard least recently; the numbers of the others change. */
  forgetHalf(close: (connection: Connection) => void): void {
    const count = this.#count;
    const since = this.#heard.slice(0, count).sort()[count >>> 1]!;
    const renumber = new Int32Array(count).fill(-1);
    let now = 0;
    for (let flow = 0; flow < count; flow++) {
      if (this.#heard[flow]! < since) this.#forget(flow, close);
      else {
        this.#move(flow, now);
        renumber[flow] = now++;
      }
    }
    this.connections.length = now;
    this.#count = now;
    this.table.rebuild(renumber);
  }

  #forget(flow: number, close: (connection: Connection) => void): void {
    const connection = this.connections[flow]!;
    if (connection === null) return;
    close(connection);
    this.retire(flow);
    this.#forgotten[flow] = 1;
  }

  #move(flow: number, to: number): void {
    this.connections[to] = this.connections[flow]!;
    for (const column of [this.#file, this.#number, this.#heard, this.#forgotten, this.#refused])
      column[to] = column[flow]!;
    for (const column of [this.#base, this.#baseKnown]) {
      column[to * 2] = column[flow * 2]!;
      column[to * 2 + 1] = column[flow * 2 + 1]!;
    }
  }
}
