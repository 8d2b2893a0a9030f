/**
 * The one dependency rule: a room imports the spine and itself. `analysis` may also import dialogue,
 * latency, rewriting and diagnosis, `cli` and the public `index.ts` everything. Some modules have sole owners.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";

const SRC = new URL("../src/", import.meta.url).pathname;

const MAY_ALSO_IMPORT: Record<string, readonly string[]> = {
  analysis: ["dialogue", "latency", "rewriting", "diagnosis"],
  diff: ["rewriting", "latency"],
  cli: [
    "analysis",
    "capture",
    "dialogue",
    "diff",
    "diagnosis",
    "filter",
    "latency",
    "probe",
    "recording",
    "relay",
    "reports",
    "rewriting",
    "screens",
    "thresholds",
  ],
  "index.ts": ["analysis", "capture", "dialogue", "filter", "reports"],
};

/** Outside modules and the places that may import them. */
const OWNERS: Record<string, readonly string[]> = {
  "node:fs": ["capture/file", "cli", "recording"],
  "node:worker_threads": ["cli"],
  "node:crypto": ["dialogue"],
  "node:zlib": ["capture/file"],
  "node:module": ["cli", "capture/dns"],
  "node:url": ["cli"],
  "node:dns/promises": ["relay"],
  "node:perf_hooks": ["relay"],
  "node:v8": ["cli"],
  "node:vm": ["cli"],
  "node:net": ["probe", "relay"],
  "node:tls": ["probe"],
  "node:child_process": ["relay", "capture/live"],
  "hdr-histogram-js": ["latency"],
  "dns-packet": ["capture/dns"],
  fzstd: ["capture/file"],
  yargs: ["cli"],
  koffi: ["relay/native"],
  blessed: ["screens"],
};

/** Any place may import these. */
const FREE = new Set([
  "node:buffer",
  "node:events",
  "node:path",
  "node:timers/promises",
  "node:util",
  "node:os",
  "node:stream",
  "node:tty",
]);

interface Import {
  from: string;
  to: string;
}

function imports(): Import[] {
  const found: Import[] = [];
  for (const entry of readdirSync(SRC, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, "utf8");
    for (const match of text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+"([^"]+)"|\bimport\("([^"]+)"\)|(?:^|\n)import\s+"([^"]+)"/g,
    )) {
      const to = match[1] ?? match[2] ?? match[3]!;
      const target = to.startsWith(".") ? relative(SRC, join(entry.parentPath, to)) : to;
      found.push({ from: relative(SRC, path), to: target });
    }
  }
  return found;
}

const all = imports();
const isOurs = (to: string) => to.endsWith(".ts");
const roomOf = (path: string) => path.split("/")[0]!;

test("there are imports to judge", () => {
  expect(all.filter(({ to }) => isOurs(to)).length).toBeGreaterThan(100);
});

test("a room imports the spine and itself", () => {
  const wrong = all.filter(({ from, to }) => {
    if (!isOurs(to)) return false;
    const [room, target] = [roomOf(from), roomOf(to)];
    return target !== room && target !== "spine" && !(MAY_ALSO_IMPORT[room] ?? []).includes(target);
  });
  expect(wrong).toEqual([]);
});

test("outside modules have owners", () => {
  const wrong = all.filter(({ from, to }) => {
    if (isOurs(to) || FREE.has(to)) return false;
    const name = to.startsWith("node:") ? to : to.split("/")[0]!;
    return !(OWNERS[name] ?? []).some((owner) => from.startsWith(`${owner}/`));
  });
  expect(wrong).toEqual([]);
});

test("the spine knows no room, and stays small", () => {
  const lines = readdirSync(join(SRC, "spine"))
    .map((name) => readFileSync(join(SRC, "spine", name), "utf8").split("\n").length)
    .reduce((sum, count) => sum + count, 0);
  expect(lines).toBeLessThan(1_800);
});
