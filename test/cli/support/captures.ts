/** The captures there are to try. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./run.ts";

const IS_CAPTURE = /\.(pcap|pcapng|cap|trace)(\.gz)?$/;

function capturesIn(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder))
    .filter((name) => IS_CAPTURE.test(name))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** As arguments, relative to the project's folder. */
export const SHIPPED = capturesIn("captures");
/** Third-party captures, where this machine has them. */
export const SHARED = capturesIn("../shared/captures");
export const TOUR = "captures/slow-ptr.pcap";

export function shared(name: string): string | null {
  const path = `../shared/captures/${name}`;
  return SHARED.includes(path) ? path : null;
}
