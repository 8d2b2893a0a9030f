/**
 * Exchanges made up by chance and played by two ends that follow the same script: each step waits until
 * its side has received all that the other side sent before it. What each end must receive follows from
 * the script alone, so a run through the proxy can be held against it and against a run without.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { kernelBy } from "../../../src/relay/kernel.ts";
import { openNative } from "../../../src/relay/native/native.ts";

export type Side = "client" | "server";
type Ending = "fin" | "rst";

interface Step {
  readonly side: Side;
  /** Written one after the other, with these pauses before (ms; null: in the same turn). */
  readonly pieces: readonly { readonly bytes: Buffer; readonly pauseMs: number | null }[];
  /** How the side ends after it. `fin` closes its half only. */
  readonly end: Ending | null;
}

export interface Script {
  readonly id: number;
  readonly steps: readonly Step[];
}

/** What one end saw. */
export interface Seen {
  readonly received: Buffer;
  readonly ending: Ending | "none";
}

const native = await openNative();
const kernel = typeof native === "string" ? null : kernelBy(native);

/** A small generator of numbers, the same for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

export function makeScript(id: number): Script {
  const pick = numbers(id * 2_654_435_761 + 17);
  const steps: Step[] = [];
  const ended = { client: false, server: false };
  const count = 2 + pick(6);
  // The server speaks first, now and then the client (an early talker).
  let side: Side = pick(8) === 0 ? "client" : "server";
  for (let i = 0; i < count; i++) {
    if (ended[side]) break;
    const isLast = i === count - 1;
    const end = isLast ? (pick(3) === 0 ? "rst" : "fin") : pick(12) === 0 ? "fin" : null;
    steps.push({ side, pieces: makePieces(pick), end });
    if (end === "fin") ended[side] = true;
    if (end === "rst") return { id, steps };
    side = side === "client" ? "server" : "client";
  }
  for (const rest of ["server", "client"] as const) {
    if (!ended[rest]) steps.push({ side: rest, pieces: makePieces(pick), end: "fin" });
  }
  return { id, steps };
}

function makePieces(pick: (below: number) => number): Step["pieces"] {
  const pieces = [];
  for (let i = pick(4); i >= 0; i--) {
    const length = pick(10) === 0 ? 20_000 + pick(200_000) : 1 + pick(120);
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = 32 + ((at * 7 + length) % 90);
    bytes.write(pick(2) === 0 ? "250 fine\r\n" : ".\r\n", 0, "latin1");
    pieces.push({ bytes, pauseMs: pick(3) === 0 ? pick(4) : null });
  }
  return pieces;
}

/** What each side must have received in the end. */
export function expected(script: Script, side: Side): Buffer {
  return Buffer.concat(
    script.steps
      .filter((step) => step.side !== side)
      .flatMap(({ pieces }) => pieces.map(({ bytes }) => bytes)),
  );
}

/** Plays one side on a connected socket. */
function play(script: Script, side: Side, socket: Socket): Promise<Seen> {
  const chunks: Buffer[] = [];
  let length = 0;
  let ending: Seen["ending"] = "none";
  let wake = () => {};
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    wake();
  });
  socket.on("end", () => {
    // Data and a reset that come together are an end to Node: the kernel knows better.
    const wasReset = kernel?.wasReset(socket) === true;
    if (ending === "none") ending = wasReset ? "rst" : "fin";
    if (wasReset) socket.destroy();
    wake();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNRESET" || error.code === "EPIPE") ending = "rst";
    wake();
  });
  const over = new Promise<void>((resolve) =>
    socket.on("close", () => {
      wake();
      resolve();
    }),
  );
  const run = async () => {
    let needed = 0;
    for (const step of script.steps) {
      if (step.side !== side) {
        needed += step.pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
        continue;
      }
      while (length < needed && !socket.destroyed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      for (const { bytes, pauseMs } of step.pieces) {
        if (pauseMs !== null) await sleep(pauseMs);
        if (!socket.destroyed) await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
      }
      if (step.end === "fin") socket.end();
      if (step.end === "rst") {
        // A reset discards what has not arrived: of this end's own bytes that is the script's affair.
        while (!socket.destroyed && kernel?.unacknowledged(socket) !== 0) await sleep(5);
        socket.resetAndDestroy();
      }
    }
  };
  return Promise.all([run(), over]).then(() => ({ received: Buffer.concat(chunks), ending }));
}

/** A server that plays the scripts in the order in which it is told to expect them. */
export class ChaosServer {
  readonly seen = new Map<number, Promise<Seen>>();
  readonly #server: Server;
  readonly #waiting: Script[] = [];

  constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const script = this.#waiting.shift();
      if (script === undefined) socket.destroy();
      else this.seen.set(script.id, play(script, "server", socket));
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => resolve((this.#server.address() as { port: number }).port));
    });
  }

  close(): void {
    this.#server.close();
  }

  /** @returns what both ends saw; scripts of one server are begun one at a time */
  async run(script: Script, port: number): Promise<{ client: Seen; server: Seen }> {
    this.#waiting.push(script);
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const client = await play(script, "client", socket);
    const server = await (this.seen.get(script.id) ??
      Promise.reject(new Error(`script ${script.id} never reached the server`)));
    this.seen.delete(script.id);
    return { client, server };
  }
}
