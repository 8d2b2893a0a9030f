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

/** Live connections, at up to 3 KB each with their dialogue. Past it the longest unheard are closed. */
const MAX_LIVE = 8_192;

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

  constructor(addressBytes: 4 | 16) {
    this.table = new FlowTable(addressBytes, MAX_FLOWS);
  }

  /** Enters a new flow at the slot that `table.find` gave. */
  add(slot: number, connection: Connection, file: number, number: number, frame: number): number {
    let flow = this.table.flowAt(slot);
    if (flow < 0) {
      flow = this.#count++;
      this.table.place(slot, flow);
    } else if (this.connections[flow] !== null) this.#live--;
    this.connections[flow] = connection;
    this.#forgotten[flow] = 0;
    this.#file[flow] = file;
    this.#number[flow] = number;
    this.#heard[flow] = frame;
    this.#live++;
    return flow;
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
    this.#live--;
  }

  get full(): boolean {
    return this.#count >= MAX_FLOWS || this.#live >= MAX_LIVE;
  }

  /**
   * Makes room: the older half of all flows is forgotten, and of the live ones half are closed, first
   * those on which nothing was said, then those heard least recently.
   * Numbers of the remaining flows change, so nobody may keep one across this call.
   */
  forget(close: (connection: Connection) => void): void {
    const count = this.#count;
    const order = Array.from({ length: count }, (_, flow) => flow).sort(
      (a, b) => this.#heard[a]! - this.#heard[b]!,
    );
    const forgotten = count >= MAX_FLOWS ? count >>> 1 : 0;
    const drop = (flow: number) => {
      const connection = this.connections[flow]!;
      if (connection === null) return;
      close(connection);
      this.retire(flow);
      this.#forgotten[flow] = 1;
    };
    for (const flow of order.slice(0, forgotten)) drop(flow);
    for (const saidNothing of [true, false]) {
      for (const flow of order) {
        if (this.#live <= MAX_LIVE >>> 1) break;
        if (this.connections[flow]?.saidNothing === saidNothing) drop(flow);
      }
    }
    const keep = order.slice(forgotten);
    const renumber = new Int32Array(count).fill(-1);
    const connections = keep.map((flow) => this.connections[flow]!);
    const files = keep.map((flow) => this.#file[flow]!);
    const numbers = keep.map((flow) => this.#number[flow]!);
    const heard = keep.map((flow) => this.#heard[flow]!);
    const gone = keep.map((flow) => this.#forgotten[flow]!);
    const refused = keep.map((flow) => this.#refused[flow]!);
    const bases = keep.flatMap((flow) => [this.#base[flow * 2]!, this.#base[flow * 2 + 1]!]);
    const known = keep.flatMap((flow) => [this.#baseKnown[flow * 2]!, this.#baseKnown[flow * 2 + 1]!]);
    keep.forEach((flow, now) => {
      renumber[flow] = now;
    });
    this.connections.length = 0;
    this.connections.push(...connections);
    this.#file.set(files);
    this.#number.set(numbers);
    this.#heard.set(heard);
    this.#forgotten.set(gone);
    this.#refused.set(refused);
    this.#base.set(bases);
    this.#baseKnown.set(known);
    this.#count = keep.length;
    this.table.rebuild(renumber);
  }
}
