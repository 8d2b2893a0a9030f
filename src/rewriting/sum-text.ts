import { countText } from "../spine/format.ts";
import type { Sum } from "./signature.ts";

/** "192.0.2.25:25", "3 servers", "more than 16 servers" */
export function serversText({ servers, manyServers }: Sum): string {
  if (manyServers) return `more than ${countText(servers.length)} servers`;
  return servers.length === 1 ? servers[0]! : `${countText(servers.length)} servers`;
}
