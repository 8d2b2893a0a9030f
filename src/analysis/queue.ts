/** First in, first out. What was taken is let go now and then, in one go. */
export class Queue<T> {
  #entries: T[] = [];
  #taken = 0;

  get length(): number {
    return this.#entries.length - this.#taken;
  }

  add(entry: T): void {
    this.#entries.push(entry);
  }

  take(): T | undefined {
    if (this.length === 0) return undefined;
    const entry = this.#entries[this.#taken++];
    if (this.#taken > 1_024 && this.#taken > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#taken);
      this.#taken = 0;
    }
    return entry;
  }
}
