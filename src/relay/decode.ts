import type { Closed, Connected, Opened } from "./facts.ts";
import { UNKNOWN } from "./observation.ts";

/** What a record of observation.ts says, as a fact. The payload lies in `payload` from `start` to `end`. */

export function openedOf(record: Float64Array, payload: Uint8Array, start: number, end: number): Opened {
  const { first: client, second: server } = linesOf(payload, start, end);
  return { client, server, acceptedAtUs: record[2]!, synAtUs: known(record[4]!) };
}

export function connectedOf(
  record: Float64Array,
  payload: Uint8Array,
  start: number,
  end: number,
): Connected {
  const { first: server, second: via } = linesOf(payload, start, end);
  return { server, via, othersTriedUs: record[4]!, synRetransmits: known(record[5]!) };
}

export function closedOf(record: Float64Array): Closed {
  return { rttUs: known(record[3]!), minRttUs: known(record[4]!), retransmits: known(record[5]!) };
}

export function jsonOf(payload: Uint8Array, start: number, end: number): unknown {
  return JSON.parse(textOf(payload, start, end));
}

function linesOf(payload: Uint8Array, start: number, end: number): { first: string; second: string } {
  const text = textOf(payload, start, end);
  const lineEnd = text.indexOf("\n");
  return { first: text.slice(0, lineEnd), second: text.slice(lineEnd + 1) };
}

function textOf(payload: Uint8Array, start: number, end: number): string {
  return Buffer.from(payload.buffer, payload.byteOffset + start, end - start).toString();
}

function known(value: number): number | null {
  return value === UNKNOWN ? null : value;
}
