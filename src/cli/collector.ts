import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Collections at moments of our choosing.
 *
 * V8 lets garbage pile up to several times what is live before it looks for old objects. Many thousand
 * dialogues at once, as in a flood, would so take more memory than they need.
 */

/** Heap and buffers (bytes) of a thread beyond which garbage is worth a look; an ordinary reading stays below. */
const COLLECT_FROM_BYTES = 48 << 20;
/** After a collection, so much more has to come before the next. */
const COLLECT_STEP_BYTES = 6 << 20;

/**
 * Young objects are many and die at once: space for them that grows costs memory and saves no time, and
 * helpers that look through so little cost more (a twentieth of a replay's CPU) than they save.
 */
export function keepYoungSpaceSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--no-parallel-scavenge");
}

export function collect(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** Asked between batches of input. */
export class Collector {
  readonly #stepShare: number;
  #nextBytes = COLLECT_FROM_BYTES;

  /** @param stepShare where much is kept on purpose: this share of it more has to come before the next collection */
  constructor(stepShare = 0) {
    this.#stepShare = stepShare;
  }

  check(): void {
    if (heldBytes() < this.#nextBytes) return;
    collect();
    const kept = heldBytes();
    const step = Math.max(COLLECT_STEP_BYTES, kept * this.#stepShare);
    this.#nextBytes = Math.max(COLLECT_FROM_BYTES, kept + step);
  }
}

function heldBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
