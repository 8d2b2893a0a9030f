/** Real captures for the tests that go over all there are: those of the project, and a shared collection when it is there. */
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDERS = ["../../../captures/", "../../../../shared/captures/"];

export const SAMPLES: readonly string[] = FOLDERS.flatMap((folder) => {
  const path = fileURLToPath(new URL(folder, import.meta.url));
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => /\.(pcap|pcapng|trace|cap|snoop)(\.gz|\.zst)?$/.test(name))
    .map((name) => path + name);
});
