/**
 * UDP (RFC 768), for the tunnels in it, and for DNS: why a server is late is often there. Tunnels are known by port only, of either side, the lower port
 * first: a sender that picks 4789 as its source port by chance is rarer than one that answers from it.
 *
 * To add a tunnel over UDP: one `case` in `openPort`, its decoder in a file beside this one.
 */

import { type Dissection, type Outcome, short } from "./dissection.ts";
import { openGeneve } from "./geneve.ts";
import { openVxlan } from "./vxlan.ts";

const HEADER_BYTES = 8;

export function openUdp(
  dissection: Dissection,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  addressBytes: 4 | 16,
  sourceAt: number,
  destinationAt: number,
): Outcome {
  const payloadAt = at + HEADER_BYTES;
  if (payloadAt > end) return short(payloadAt, wireEnd);
  const source = (buffer[at]! << 8) | buffer[at + 1]!;
  const destination = (buffer[at + 2]! << 8) | buffer[at + 3]!;
  const lengthBytes = (buffer[at + 4]! << 8) | buffer[at + 5]!;
  if (lengthBytes < HEADER_BYTES) return "malformed";
  const payloadEnd = Math.min(end, at + lengthBytes);
  const payloadWireEnd = Math.min(wireEnd, at + lengthBytes);
  if (source === DNS || destination === DNS) {
    return dissection.dns(buffer, payloadAt, payloadEnd, addressBytes, sourceAt, destinationAt);
  }
  const lower = Math.min(source, destination);
  const port = isTunnel(lower) ? lower : Math.max(source, destination);
  return openPort(dissection, port, buffer, payloadAt, payloadEnd, payloadWireEnd);
}

const DNS = 53;
const VXLAN = 4789;
/** Linux's default from before there was an assigned port. */
const VXLAN_LINUX = 8472;
const GENEVE = 6081;

const isTunnel = (port: number): boolean => port === VXLAN || port === VXLAN_LINUX || port === GENEVE;

function openPort(
  dissection: Dissection,
  port: number,
  buffer: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
): Outcome {
  switch (port) {
    case VXLAN:
    case VXLAN_LINUX:
      return openVxlan(dissection, buffer, at, end, wireEnd);
    case GENEVE:
      return openGeneve(dissection, buffer, at, end, wireEnd);
  }
  return "unsupported";
}
