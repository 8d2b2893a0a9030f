import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import type { Order } from "./facts.ts";
import type { Link } from "./link.ts";
import { CheckpointReader, LINK_FD, REQUEST_FD } from "./observer-end.ts";
import type { Relay } from "./relay.ts";

/**
 * The process that analyses, records and draws. It may fail in any way; it is started again, told of
 * the connections that are open, and given what its predecessor had made of the rest.
 */

/** Pause before it is started again; doubled each time it does not live long, up to the longest. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
const LIVED_LONG_MS = 30_000;

export interface ObserverCommand {
  readonly script: string;
  /** Handed to it by a descriptor of its own: an argument has room for 128 KiB, and everybody can read it. */
  readonly request: string;
  /** Tells the operator, by whatever means there are. @returns the request to the next one */
  readonly onRestart: (why: string) => string;
}

export class ObserverProcess {
  link: Link | null = null;
  readonly #relay: Relay;
  readonly #command: ObserverCommand;
  #request: string;
  #child: ChildProcess | null = null;
  #checkpoint: Buffer | null = null;
  /** Connections that were over when the last checkpoint came: what became of later ones is known to the observer alone. */
  #keptUntil = 0;
  #isFinishing = false;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | null = null;
  #finished: ((status: number | null) => void) | null = null;

  constructor(relay: Relay, command: ObserverCommand) {
    this.#relay = relay;
    this.#command = command;
    this.#request = command.request;
  }

  start(): void {
    this.#timer = null;
    const startedMs = performance.now();
    const failed = ({ message }: Error) => this.#ended(`could not be started: ${message}`, startedMs, null);
    let child: ChildProcess;
    try {
      child = spawn(process.execPath, [this.#command.script], {
        stdio: ["inherit", "inherit", "inherit", "pipe", "pipe"],
      });
    } catch (error) {
      // Most failures are told by an event; that of a host without memory is thrown.
      failed(error as Error);
      return;
    }
    this.#child = child;
    // Of a start that failed both may tell.
    child.on("error", (error) => {
      if (this.#child === child) failed(error);
    });
    child.on("exit", (status, signal) => {
      if (this.#child !== child) return;
      this.#ended(
        signal === null ? `ended with status ${status}` : `was ended by ${signal}`,
        startedMs,
        status,
      );
    });
    this.#takeLink(child);
  }

  #takeLink(child: ChildProcess): void {
    // Without descriptors it is not started, and there are no streams.
    const streams = child.stdio as typeof child.stdio | undefined;
    const stream = streams?.[LINK_FD] as Duplex | null | undefined;
    const asked = streams?.[REQUEST_FD] as Duplex | null | undefined;
    if (stream === null || stream === undefined) return;
    // Whatever breaks them is told by the exit of the process.
    for (const each of [stream, asked]) each?.on("error", () => {});
    asked?.resume().end(this.#request);
    const checkpoints = new CheckpointReader();
    stream.on("data", (chunk: Buffer) => {
      checkpoints.push(chunk);
      if (checkpoints.latest === null) return;
      this.#checkpoint = checkpoints.latest;
      checkpoints.latest = null;
      this.#keptUntil = this.#relay.closedCount;
    });
    this.#keptUntil = this.#relay.closedCount;
    this.link = this.#relay.observe(stream);
    if (this.#checkpoint !== null) this.link?.restore(this.#checkpoint);
  }

  #ended(why: string, startedMs: number, status: number | null): void {
    this.#child = null;
    this.link?.close();
    this.link = null;
    if (this.#isFinishing) {
      this.#finished?.(status);
      return;
    }
    this.#relay.observerRestarts++;
    // Those since the checkpoint are lost with it; those still open are told again, with a gap.
    this.#relay.missed.connections += this.#relay.closedCount - this.#keptUntil;
    // What is over while there is none, the relay counts itself.
    this.#keptUntil = this.#relay.closedCount;
    this.#pauseMs =
      performance.now() - startedMs > LIVED_LONG_MS
        ? FIRST_PAUSE_MS
        : Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#request = this.#command.onRestart(why);
    this.#timer = setTimeout(() => this.start(), this.#pauseMs);
  }

  /** Asks something of it, on the newest state of the relay. */
  order(order: Order): void {
    this.#relay.tellState();
    this.link?.order(order);
  }

  /**
   * All is over: lets it say what it came to.
   * @returns its exit status; null when it had none or did not end in time
   */
  finish(why: string, patienceMs: number): Promise<number | null> {
    this.#isFinishing = true;
    if (this.#timer !== null) {
      // It was about to be started again: once more, for the summary of what its predecessor had.
      clearTimeout(this.#timer);
      this.start();
    }
    const child = this.#child;
    if (child === null) return Promise.resolve(null);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        resolve(null);
      }, patienceMs);
      this.#finished = (status) => {
        clearTimeout(timer);
        resolve(status);
      };
      this.order({ kind: "finish", why });
      this.link?.end();
    });
  }
}
