/** What tshark makes of a file: connection numbers, and the bytes of each side as it follows them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../file/tools.ts";

/** Runs `use` with a directory of its own. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "smtpscope-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function placed(folder: string, name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const SETTINGS = [
  "-o",
  "tcp.desegment_tcp_streams:FALSE",
  "-o",
  "tcp.check_checksum:FALSE",
  "-o",
  "ip.check_checksum:FALSE",
];

/** Values of the given fields, one array a frame; of several occurrences the last, which is the innermost, or the first. */
export async function fields(
  file: string,
  names: readonly string[],
  filter?: string,
  occurrence: "l" | "f" = "l",
): Promise<string[][]> {
  const columns = names.flatMap((name) => ["-e", name]);
  const only = filter === undefined ? [] : ["-Y", filter];
  const { out } = await run(
    "tshark",
    "-n",
    "-r",
    file,
    ...SETTINGS,
    ...only,
    "-T",
    "fields",
    "-E",
    `occurrence=${occurrence}`,
    ...columns,
  );
  return out
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.split("\t"));
}

/** "1704067200.000250000" as floored µs. */
export function microsOf(epoch: string): number {
  const [seconds, fraction = ""] = epoch.split(".");
  return Number(seconds) * 1_000_000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

export interface Followed {
  /** What the first and the second of the two ends said, as tshark orders them. */
  ends: [string, string];
  bytes: [Buffer, Buffer];
}

/** Both directions of the given streams. */
export async function follow(file: string, streams: readonly number[]): Promise<Map<number, Followed>> {
  const asked = streams.flatMap((number) => ["-z", `follow,tcp,raw,${number}`]);
  const { out } = await run("tshark", "-n", "-q", "-r", file, ...SETTINGS, ...asked);
  const followed = new Map<number, Followed>();
  for (const part of out.split(/^=+\n/m)) {
    const number = /^Filter: tcp\.stream eq (\d+)$/m.exec(part)?.[1];
    const ends = [/^Node 0: (.*)$/m.exec(part)?.[1], /^Node 1: (.*)$/m.exec(part)?.[1]];
    if (number === undefined) continue;
    const hex = ["", ""];
    for (const line of part.slice(part.indexOf("Node 1:")).split("\n").slice(1)) {
      if (/^\t[0-9a-f]+$/.test(line)) hex[1] += line.trim();
      else if (/^[0-9a-f]+$/.test(line)) hex[0] += line;
    }
    followed.set(Number(number), {
      ends: [ends[0] ?? "", ends[1] ?? ""],
      bytes: [Buffer.from(hex[0]!, "hex"), Buffer.from(hex[1]!, "hex")],
    });
  }
  return followed;
}
