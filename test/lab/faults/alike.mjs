/**
 * Alike: which causes look the same on the wire, seen from one side.
 *
 * At the server's side its lookups are in the capture, so DNS is told from the
 * rest; at the client's side they are not. What a server does within itself
 * (a milter, a policy check, a pause) is seen from neither.
 */
const LOOKUPS_AT_CONNECT = ["dns-ptr", "dns-forward", "dns-reputation", "dns-timeout", "dns-loss"];
const INSIDE_AT_CONNECT = ["greet-pause", "policy", "connection-queue", "cpu"];

/** A server that keeps silent before its banner; a terminating firewall does the same. */
export const SILENT_BANNER = [...LOOKUPS_AT_CONNECT, ...INSIDE_AT_CONNECT, "firewall"];
/** … and whose own traffic shows no lookup that would explain it. */
export const SILENT_BANNER_AT_SERVER = INSIDE_AT_CONNECT;
/** Silent before the reply to MAIL or RCPT. */
export const SILENT_ENVELOPE = [
  "dns-sender",
  "dns-reputation",
  "dns-timeout",
  "dns-loss",
  "policy",
  "tarpit",
];
export const SILENT_ENVELOPE_AT_SERVER = ["policy", "tarpit"];
/** Silent before every reply. */
export const SILENT_ALWAYS = ["resource-conservation", "tarpit", "cpu"];
/** Silent after the final dot. */
export const SILENT_CONTENT = ["content-scan", "policy", "tarpit"];

const others = (ids, id) => ids.filter((other) => other !== id);

/** For a cause that the server's own lookups prove. */
export function provedByLookups(id, ids = SILENT_BANNER) {
  return { client: { alike: others(ids, id) }, server: { alike: [] } };
}

/** For a cause within the server. */
export function within(id, atClient = SILENT_BANNER, atServer = SILENT_BANNER_AT_SERVER) {
  return { client: { alike: others(atClient, id) }, server: { alike: others(atServer, id) } };
}
