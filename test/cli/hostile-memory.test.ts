/**
 * Whoever can send packets past the point of capture can open any number of connections and leave each
 * in any state. None of it may cost more memory than an ordinary reading may: 150 MiB for the process.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { type Script, writeFlood } from "./support/flood.ts";
import { ROOT, run, workFolder } from "./support/run.ts";

const MOST_KIB = 150 * 1_024;

const folder = workFolder();
const PEAK = pathToFileURL(join(ROOT, "test/cli/support/peak.mjs")).href;

const GREETED: Script["says"] = [
  ["server", "220 mx.example.net ESMTP\r\n"],
  ["client", "EHLO client.example\r\n"],
  ["server", "250-mx.example.net\r\n250-PIPELINING\r\n250 STARTTLS\r\n"],
];
const times = (count: number, side: "client" | "server", text: string): Script["says"] =>
  Array.from({ length: count }, () => [side, text]);
const long = (before: string, after = "") => before + "x".repeat(1_300) + after;

/** Name, connections, what each says. */
const FLOODS: readonly (readonly [string, number, Script["says"] | null])[] = [
  ["half-open SYNs", 60_000, null],
  ["connections that say nothing", 24_000, []],
  ["open dialogues", 20_000, GREETED],
  ["half a command", 16_000, [...GREETED, ["client", "MAIL FROM:<al"]]],
  ["the longest half of a command", 8_000, [...GREETED, ...times(6, "client", long("NOOP "))]],
  ["pipelined commands without a reply", 12_000, [...GREETED, ["client", "NOOP\r\n".repeat(200)]]],
  ["half a reply", 8_000, times(13, "server", long("220-", "\r\n"))],
  ["long banners", 8_000, [...times(12, "server", long("220-", "\r\n")), ["server", "220 SMTP\r\n"]]],
  ["half a proxy request", 6_500, [["client", "CONNECT "], ...times(12, "client", long(""))]],
  [
    "half a ClientHello",
    12_000,
    [
      ...GREETED,
      ["client", "STARTTLS\r\n"],
      ["server", "220 go\r\n"],
      ["client", long("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03")],
    ],
  ],
  [
    "messages before the 354",
    12_000,
    [...GREETED, ["client", "DATA\r\n"], ...times(10, "client", "x".repeat(50))],
  ],
];

test.each(FLOODS)(
  "%s",
  async (name, connections, says) => {
    const file = writeFlood(join(folder, `${name}.pcap`), connections, {
      opens: says !== null,
      says: says ?? [],
    });
    const peakFile = join(folder, `${name}.kib`);
    const { status, stderr, stdout } = await run(["replay", file, "-o", "json"], {
      env: { NODE_OPTIONS: `--import=${PEAK}`, PEAK_FILE: peakFile },
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const { dialogues } = (JSON.parse(stdout) as { totals: { dialogues: number } }).totals;
    expect(dialogues).toBeGreaterThanOrEqual(connections);
    expect(Number(readFileSync(peakFile, "utf8"))).toBeLessThan(MOST_KIB);
  },
  60_000,
);
