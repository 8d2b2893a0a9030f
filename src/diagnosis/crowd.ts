import { BANNER } from "../spine/phase.ts";
import { LATE_US } from "./bundles.ts";
import type { DialogueFacts } from "./facts.ts";
import type { Sample } from "./sample.ts";

/** Things about an input that many patterns need. */
export class Crowd {
  readonly #starts = new Map<string, number[]>();
  readonly #ends = new Map<string, number[]>();
  readonly #greeted = new Map<string, number[]>();
  readonly sample: Sample;
  readonly serversWithLookups = new Set<string>();
  readonly serversWithLoss = new Set<string>();

  constructor(sample: Sample) {
    this.sample = sample;
    for (const { server, fromUs, toUs } of [...sample.late, ...sample.visits]) {
      listOf(this.#starts, server).push(fromUs);
      listOf(this.#ends, server).push(toUs);
    }
    for (const { server, fromUs } of sample.visits) listOf(this.#greeted, server).push(fromUs);
    for (const dialogue of sample.late) {
      const greeting = dialogue.replies.find(({ phase }) => phase === BANNER);
      const { fromUs, waitedUs } = greeting ?? { fromUs: dialogue.toUs, waitedUs: 0 };
      listOf(this.#greeted, dialogue.server).push(fromUs + waitedUs);
    }
    const lists = [this.#starts, this.#ends, this.#greeted].flatMap((map) => [...map.values()]);
    for (const list of lists) list.sort((a, b) => a - b);
    for (const { server, lookups, replies } of sample.late) {
      if (lookups > 0) this.serversWithLookups.add(server);
      const isLost = replies.some(({ stretches }) => stretches.some(({ spent }) => spent.kind === "lost"));
      if (isLost) this.serversWithLoss.add(server);
    }
  }

  /** Other dialogues with the server that were open at this time. */
  othersAt(server: string, atUs: number): number {
    return below(this.#starts.get(server), atUs) - below(this.#ends.get(server), atUs);
  }

  /** Dialogues with the server that were being served at this time: greeted, and not over. */
  servedAt(server: string, atUs: number): number {
    return below(this.#greeted.get(server), atUs) - below(this.#ends.get(server), atUs);
  }

  /** Another client of the same server was waiting for its greeting when this one came. */
  waitingAt(dialogue: DialogueFacts): boolean {
    return this.sample.late.some((other) => {
      if (other === dialogue || other.server !== dialogue.server) return false;
      const greeting = other.replies.find(({ phase }) => phase === BANNER);
      if (greeting === undefined || greeting.silenceUs < LATE_US) return false;
      return greeting.fromUs <= dialogue.toUs && greeting.fromUs + greeting.waitedUs >= dialogue.fromUs;
    });
  }

  /** Dialogues with the server that ended in this time. */
  endedIn(server: string, fromUs: number, toUs: number): number {
    return below(this.#ends.get(server), toUs) - below(this.#ends.get(server), fromUs);
  }
}

/** The list of a key, made when it is asked for. */
export function listOf(map: Map<string, number[]>, key: string): number[] {
  const known = map.get(key);
  if (known !== undefined) return known;
  const list: number[] = [];
  map.set(key, list);
  return list;
}

function below(sorted: readonly number[] | undefined, value: number): number {
  if (sorted === undefined) return 0;
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
