import type { Closed, Connected, Opened } from "./facts.ts";
import { UNKNOWN } from "./observation.ts";

/** What a record of observation.ts says, as a fact. The payload lies in `payload` from `start` to `end`. */

export function openedOf(record: Float64Array, payload: Uint8Array, start: number, end: number): Opened {
  const [client = "", server = ""] = linesOf(payload, start, end);
  return { client, server, acceptedAtUs: record[2]!, synAtUs: known(record[4]!) };
}

export function connectedOf(
  record: Float64Array,
  payload: Uint8Array,
  start: number,
  end: number,
): Connected {
  const [server = "", via = ""] = linesOf(payload, start, end);
  return { server, via, othersTriedUs: record[4]!, synRetransmits: known(record[5]!) };
}

export function closedOf(record: Float64Array): Closed {
  return { rttUs: known(record[3]!), minRttUs: known(record[4]!), retransmits: known(record[5]!) };
}

export function jsonOf(payload: Uint8Array, start: number, end: number): unknown {
  return JSON.parse(textOf(payload, start, end));
}

function linesOf(payload: Uint8Array, start: number, end: number): string[] {
  return textOf(payload, start, end).split("\n");
}

function textOf(payload: Uint8Array, start: number, end: number): string {
  return Buffer.from(payload.buffer, payload.byteOffset + start, end - start).toString();
}

function known(value: number): number | null {
  return value === UNKNOWN ? null : value;
}
