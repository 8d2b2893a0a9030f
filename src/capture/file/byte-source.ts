/**
 * Bytes asked for in the amounts a container format wants them, from chunks that come as they come.
 *
 * Holds what was pulled and not yet taken: at most what was asked for and one chunk.
 */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #over = false;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `bytes` bytes, without taking them; fewer when the input ends before. */
  async peek(bytes: number): Promise<Buffer> {
    // Joined once at the end: a pipe may bring a block in very many chunks.
    const pulled = [this.#held];
    let heldBytes = this.#held.length;
    while (heldBytes < bytes && !this.#over) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#over = true;
      else {
        pulled.push(next.value);
        heldBytes += next.value.length;
      }
    }
    if (pulled.length > 1)
      this.#held = this.#held.length === 0 && pulled.length === 2 ? pulled[1]! : Buffer.concat(pulled);
    return this.#held.subarray(0, bytes);
  }

  /** Takes `bytes` bytes, or none and null when the input ends before. */
  async take(bytes: number): Promise<Buffer | null> {
    const taken = await this.peek(bytes);
    if (taken.length < bytes) return null;
    this.drop(bytes);
    return taken;
  }

  /** Between 1 and `bytes` bytes, without taking them and without waiting for more than one; empty at the end. */
  async some(bytes: number): Promise<Buffer> {
    await this.peek(1);
    return this.#held.subarray(0, bytes);
  }

  drop(bytes: number): void {
    this.#held = this.#held.subarray(bytes);
  }

  /** What is left, chunk by chunk. */
  async *rest(): AsyncGenerator<Buffer> {
    while ((await this.some(1)).length > 0) {
      const held = this.#held;
      this.#held = this.#held.subarray(held.length);
      yield held;
    }
  }

  /** Lets the chunks go, read or not. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
