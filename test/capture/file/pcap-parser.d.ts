declare module "pcap-parser" {
  import type { EventEmitter } from "node:events";

  /** Emits `packet` with { header, data }, `error`, `end`. */
  export function parse(input: string | NodeJS.ReadableStream): EventEmitter;
}
