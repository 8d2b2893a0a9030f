import { Worker } from "node:worker_threads";
import type { ReadHooks, ReadPart, ReadRequest } from "./reading.ts";
import type { FromWorker, ToWorker } from "./worker.ts";

/** The main thread's end of one worker. */
export class ReadingThread {
  readonly #worker: Worker;
  readonly #servers: Set<string>;
  #idle: () => void = () => {};
  #part: (part: ReadPart) => void = () => {};
  #failed: (error: Error) => void = () => {};
  #error: Error | null = null;

  constructor(request: ReadRequest, hooks: ReadHooks, servers: Set<string>) {
    this.#servers = servers;
    const url = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
    this.#worker = new Worker(url, { workerData: request });
    this.#worker.on("error", (error: Error) => this.#fail(error));
    this.#worker.on("exit", (status) =>
      this.#fail(new Error(`a reading thread ended with status ${status}`)),
    );
    this.#worker.on("message", (message: FromWorker) => {
      switch (message.kind) {
        case "lines":
          Promise.resolve(hooks.write(message.lines)).then(
            () => this.#send({ kind: "written" }),
            (error: Error) => this.#fail(error),
          );
          break;
        case "progress":
          hooks.onProgress(message.file, message.readBytes, message.totalBytes);
          break;
        case "servers":
          for (const server of message.servers) servers.add(server);
          break;
        case "idle":
          this.#idle();
          break;
        case "part":
          this.#part(message.part);
          break;
      }
    });
  }

  /** Also when nothing is waited for: what is asked of it next would never be answered. */
  #fail(error: Error): void {
    this.#error ??= error;
    this.#failed(error);
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  abort(): void {
    this.#send({ kind: "abort" });
  }

  read(paths: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#idle = resolve;
      this.#failed = reject;
      if (this.#error !== null) reject(this.#error);
      this.#send({ kind: "group", paths });
    });
  }

  finish(): Promise<ReadPart> {
    return new Promise((resolve, reject) => {
      this.#part = resolve;
      this.#failed = reject;
      if (this.#error !== null) reject(this.#error);
      this.#send({ kind: "finish", servers: this.#servers });
    });
  }
}
