import type { Segment } from "../packet.ts";

/**
 * Which connection does this segment belong to? Address and port pairs → the number of a flow.
 *
 * Open addressing over one Int32Array, the whole tuple compared: a string key costs three times as
 * much a packet, and a hash alone merges flows that collide. Both directions of a tuple are one
 * entry: the lower end (address, then port) comes first in the key.
 *
 * Flows are never taken out one by one; the owner empties the table and enters the survivors anew.
 */
export class FlowTable {
  /** True after find() when the segment travels from the key's upper end to its lower end. */
  swapped = false;
  #slots: Int32Array;
  readonly #words: number;
  readonly #stride: number;
  readonly #mask: number;
  readonly #key: Int32Array;
  readonly #addressWords: number;

  /** @param capacity flows it may hold at once; a power of two; slots are twice that, so probes stay short */
  constructor(addressBytes: 4 | 16, capacity: number) {
    this.#addressWords = addressBytes / 4;
    this.#words = this.#addressWords * 2 + 1;
    this.#stride = this.#words + 1;
    this.#slots = new Int32Array(capacity * 2 * this.#stride);
    this.#mask = capacity * 2 - 1;
    this.#key = new Int32Array(this.#words);
  }

  /** The slot of the segment's tuple, taken or free: see flowAt() and place(). */
  find(segment: Segment): number {
    const key = this.#key;
    const words = this.#addressWords;
    const { buffer, sourcePort, destinationPort } = segment;
    let source = segment.sourceAt;
    let destination = segment.destinationAt;
    let swapped = sourcePort > destinationPort;
    let hash = 0;
    for (let word = 0; word < words; word++) {
      const a =
        (buffer[source]! << 24) |
        (buffer[source + 1]! << 16) |
        (buffer[source + 2]! << 8) |
        buffer[source + 3]!;
      const b =
        (buffer[destination]! << 24) |
        (buffer[destination + 1]! << 16) |
        (buffer[destination + 2]! << 8) |
        buffer[destination + 3]!;
      key[word] = a;
      key[word + words] = b;
      source += 4;
      destination += 4;
    }
    for (let word = 0; word < words; word++) {
      const a = key[word]!;
      const b = key[word + words]!;
      if (a !== b) {
        swapped = a > b;
        break;
      }
    }
    if (swapped) {
      for (let word = 0; word < words; word++) {
        const a = key[word]!;
        key[word] = key[word + words]!;
        key[word + words] = a;
      }
    }
    this.swapped = swapped;
    const last = words * 2;
    key[last] = swapped ? (destinationPort << 16) | sourcePort : (sourcePort << 16) | destinationPort;
    for (let word = 0; word <= last; word++) {
      hash = Math.imul(hash ^ key[word]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return this.#probe(hash);
  }

  #probe(hash: number): number {
    const slots = this.#slots;
    const key = this.#key;
    const words = this.#words;
    const stride = this.#stride;
    const mask = this.#mask;
    let index = hash & mask;
    for (;;) {
      const slot = index * stride;
      if (slots[slot + words] === 0) return slot;
      let same = true;
      for (let word = 0; word < words; word++) {
        if (slots[slot + word] !== key[word]) {
          same = false;
          break;
        }
      }
      if (same) return slot;
      index = (index + 1) & mask;
    }
  }

  /** The flow at a slot, or −1. */
  flowAt(slot: number): number {
    return this.#slots[slot + this.#words]! - 1;
  }

  /** Enters a flow for the tuple that find() was last asked for, or replaces the one there. */
  place(slot: number, flow: number): void {
    for (let word = 0; word < this.#words; word++) this.#slots[slot + word] = this.#key[word]!;
    this.#slots[slot + this.#words] = flow + 1;
  }

  /** Empties the table but for the flows that `renumber` maps to a number ≥ 0. */
  rebuild(renumber: Int32Array): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length);
    for (let slot = 0; slot < old.length; slot += this.#stride) {
      const flow = old[slot + this.#words]! - 1;
      if (flow < 0) continue;
      const now = renumber[flow]!;
      if (now < 0) continue;
      let hash = 0;
      for (let word = 0; word < this.#words; word++) {
        this.#key[word] = old[slot + word]!;
        hash = Math.imul(hash ^ this.#key[word]!, 0x9e3779b1);
        hash ^= hash >>> 15;
      }
      this.place(this.#probe(hash), now);
    }
  }
}
