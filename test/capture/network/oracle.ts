/**
 * An independent opinion: the same packets as tshark sees them.
 *
 * Holds a reader of capture files that is good enough for well-formed test files and shares nothing
 * with the one in the product, so that a common mistake cannot hide.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { gunzipSync } from "node:zlib";
import { type Bytes, join } from "./packets.ts";

/** One record of a capture file. */
export interface Captured {
  frame: number;
  linkType: number;
  bytes: Uint8Array;
  wireLength: number;
}

const words = (...values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

/** A pcap file holding these packets, one a millisecond. */
export function encodePcap(
  linkType: number,
  packets: readonly { bytes: Bytes; wireLength?: number }[],
): Uint8Array {
  const header = words(0xa1b2c3d4, 0x00040002, 0, 0, 262144, linkType);
  const records = packets.map(({ bytes, wireLength }, index) =>
    join(words(1_700_000_000, index * 1000, bytes.length, wireLength ?? bytes.length), bytes),
  );
  return join(header, ...records);
}

/** The records of a pcap or pcapng file, or null when it is neither. */
export function decodeCapture(file: string): Captured[] | null {
  let data: Buffer = readFileSync(file);
  if (data[0] === 0x1f && data[1] === 0x8b) data = gunzipSync(data);
  if (data.length < 24) return null;
  const magic = data.readUInt32BE(0);
  if (magic === 0xa1b2c3d4 || magic === 0xa1b23c4d) return decodePcap(data, false);
  if (magic === 0xd4c3b2a1 || magic === 0x4d3cb2a1) return decodePcap(data, true);
  if (magic === 0x0a0d0d0a) return decodePcapng(data);
  return null;
}

function decodePcap(data: Buffer, little: boolean): Captured[] {
  const word = (at: number) => (little ? data.readUInt32LE(at) : data.readUInt32BE(at));
  const linkType = word(20) & 0xffff;
  const records: Captured[] = [];
  for (let at = 24; at + 16 <= data.length; ) {
    const captured = word(at + 8);
    if (at + 16 + captured > data.length) break;
    records.push({
      frame: records.length + 1,
      linkType,
      bytes: data.subarray(at + 16, at + 16 + captured),
      wireLength: word(at + 12),
    });
    at += 16 + captured;
  }
  return records;
}

function decodePcapng(data: Buffer): Captured[] {
  const records: Captured[] = [];
  let little = true;
  let linkTypes: number[] = [];
  const word = (at: number) => (little ? data.readUInt32LE(at) : data.readUInt32BE(at));
  const half = (at: number) => (little ? data.readUInt16LE(at) : data.readUInt16BE(at));
  let frame = 0;
  for (let at = 0; at + 12 <= data.length; ) {
    if (data.readUInt32BE(at) === 0x0a0d0d0a) {
      little = data.readUInt32LE(at + 8) === 0x1a2b3c4d;
      linkTypes = [];
    }
    const type = word(at);
    const length = word(at + 4);
    if (length < 12 || at + length > data.length) break;
    if (type === 1) linkTypes.push(half(at + 8));
    if (type === 6 || type === 2) {
      const captured = word(at + 20);
      const linkType = linkTypes[type === 6 ? word(at + 8) : half(at + 8)] ?? -1;
      const bytes = data.subarray(at + 28, at + 28 + captured);
      records.push({ frame: ++frame, linkType, bytes, wireLength: word(at + 24) });
    } else if (type === 3) {
      const wireLength = word(at + 8);
      const bytes = data.subarray(at + 12, at + 12 + Math.min(wireLength, length - 16));
      records.push({ frame: ++frame, linkType: linkTypes[0] ?? -1, bytes, wireLength });
    } else if (type === 0xbad || type === 0x40000bad || type >= 0x200) {
      if (type !== 0x0a0d0d0a) frame++;
    }
    at += length;
  }
  return records;
}

/** Why the oracle cannot be asked, or null when it can. */
export const oracleMissing: string | null = (() => {
  try {
    execFileSync("tshark", ["--version"], { stdio: "ignore" });
    return null;
  } catch {
    return "tshark is not installed: the dissector is not compared with it";
  }
})();

/** tshark's values for the given fields, the innermost of each, one array a frame. */
export function askTshark(file: string, fields: readonly string[]): string[][] {
  const columns = fields.flatMap((field) => ["-e", field]);
  const command = ["-n", "-r", file, "-T", "fields", "-E", "occurrence=l", ...columns];
  // A capture that ends inside a record makes it fail, after it has told what it read.
  const { stdout } = spawnSync("tshark", command, { encoding: "utf8", maxBuffer: 1 << 28 });
  return stdout
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.split("\t"));
}

/** Runs `use` on a file of these bytes that is gone afterwards. */
export function withFile<Result>(bytes: Uint8Array, use: (file: string) => Result): Result {
  const folder = mkdtempSync(joinPath(tmpdir(), "dissector-"));
  try {
    const file = joinPath(folder, "packets.pcap");
    writeFileSync(file, bytes);
    return use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
