import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RotatingFile, type RotatingFileOptions } from "../../src/recording/rotating-file.ts";
import { comparable, inFolder, recordCapture, replay } from "./support.ts";

const capture = new URL("../../captures/slow-ptr.pcap", import.meta.url).pathname;

function opened(path: string, options: Partial<RotatingFileOptions> = {}) {
  const said: string[] = [];
  const file = new RotatingFile({
    path,
    mode: 0o640,
    header: null,
    unit: "record",
    say: (sentence) => said.push(sentence),
    sizeBytes: null,
    ageUs: null,
    keep: null,
    ...options,
  });
  return { file, said };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

test("who was told that it is behind is told when it has caught up", async () => {
  await inFolder(async (folder) => {
    let caughtUp = 0;
    const { file } = opened(join(folder, "x"), { caughtUp: () => caughtUp++ });
    const piece = Buffer.alloc(1 << 20, "x");
    file.append(piece, 1);
    await turn();
    expect([file.isBehind, caughtUp]).toEqual([false, 0]);
    // Behind while a write is on its way that began before it was.
    for (let round = 1; round <= 3; round++) {
      let appended = 0;
      while (!file.isBehind && appended < 20) {
        file.append(piece, ++appended);
        if (appended % 4 === 0) await Promise.resolve();
      }
      expect(file.isBehind).toBe(true);
      for (let i = 0; i < 200 && caughtUp < round; i++) await turn();
      expect([file.isBehind, caughtUp]).toEqual([false, round]);
    }
    await file.close();
  });
});

describe("a recording in several files", () => {
  test.each([
    ["by size", { sizeBytes: 20_000 }],
    ["by age", { ageUs: 1_000_000 }],
    ["by both", { sizeBytes: 50_000, ageUs: 2_000_000 }],
  ])("%s replays as one", async (_, rotation) => {
    await inFolder(async (folder) => {
      const { live, files, recording } = await recordCapture(folder, capture, rotation);
      expect(files.length).toBeGreaterThan(2);
      expect(recording.counts).toMatchObject({ files: files.length, lostPackets: 0 });
      for (const file of files.slice(0, -1)) {
        if ("sizeBytes" in rotation) expect(statSync(file).size).toBeLessThanOrEqual(rotation.sizeBytes);
      }
      const { collector } = await replay(files);
      expect(comparable(collector)).toEqual(comparable(live));
    });
  });

  test("the oldest go", async () => {
    await inFolder(async (folder) => {
      const { files, recording } = await recordCapture(folder, capture, { sizeBytes: 20_000, keep: 2 });
      const last = recording.counts.files - 1;
      expect(last).toBeGreaterThan(3);
      expect(files.map((file) => file.slice(folder.length + 1))).toEqual([
        `recording.pcapng${last - 1}`,
        `recording.pcapng${last}`,
      ]);
    });
  });

  test("what is there already stays, and the name says which run it is of", async () => {
    await inFolder(async (folder) => {
      const first = await recordCapture(folder, capture);
      const before = readFileSync(first.files[0]!);
      const { recording } = await recordCapture(folder, capture);
      expect(recording.path).toBe(join(folder, "recording.pcapng1"));
      expect(readFileSync(first.files[0]!).equals(before)).toBe(true);
    });
  });
});

describe("a file that is rotated", () => {
  test("when told to, with the next that comes", async () => {
    await inFolder(async (folder) => {
      const { file } = opened(join(folder, "log"));
      file.append(Buffer.from("one\n"), 1);
      file.rotate();
      file.append(Buffer.from("two\n"), 2);
      // What comes late belongs to what is there.
      file.append(Buffer.from("late\n"), 0);
      file.rotate();
      file.append(Buffer.from("late\n"), 1);
      await file.close();
      expect(readdirSync(folder).sort()).toEqual(["log", "log1"]);
      expect(readFileSync(join(folder, "log"), "utf8")).toBe("one\n");
      expect(readFileSync(join(folder, "log1"), "utf8")).toBe("two\nlate\nlate\n");
    });
  });

  test("one that was moved away gives its name free, as logrotate expects", async () => {
    await inFolder(async (folder) => {
      const { file } = opened(join(folder, "log"));
      file.append(Buffer.from("one\n"), 1);
      await turn();
      renameSync(join(folder, "log"), join(folder, "log.old"));
      file.append(Buffer.from("still one\n"), 2);
      await turn();
      file.rotate();
      file.append(Buffer.from("two\n"), 3);
      await file.close();
      expect(readFileSync(join(folder, "log.old"), "utf8")).toBe("one\nstill one\n");
      expect(readFileSync(join(folder, "log"), "utf8")).toBe("two\n");
    });
  });

  test("a log goes on where it ended, in the latest of its files", async () => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, "log"), "oldest\n");
      writeFileSync(join(folder, "log9"), "older\n");
      // Its writer was killed in the middle of a line.
      writeFileSync(join(folder, "log10"), "old\ncut of");
      writeFileSync(join(folder, "log.gz"), "not ours\n");
      const { file } = opened(join(folder, "log"), { sizeBytes: 12 });
      file.append(Buffer.from("new\n"), 1);
      file.append(Buffer.from("newer\n"), 2);
      await file.close();
      expect(readFileSync(join(folder, "log10"), "utf8")).toBe("old\nnew\n");
      expect(readFileSync(join(folder, "log11"), "utf8")).toBe("newer\n");
      expect(readFileSync(join(folder, "log.gz"), "utf8")).toBe("not ours\n");
    });
  });

  test("an operator's mistake is one line", async () => {
    await inFolder(async (folder) => {
      expect(() => opened(join(folder, "nowhere", "log"))).toThrow(/no such folder/);
      mkdirSync(join(folder, "log"));
      expect(() => opened(join(folder, "log"))).toThrow(/a folder/);
      symlinkSync("/etc/hostname", join(folder, "link"));
      expect(() => opened(join(folder, "link"))).toThrow(/symbolic link/);
    });
  });

  test("what comes faster than a disk takes it is counted, and the rest is whole", async () => {
    await inFolder(async (folder) => {
      const { file, said } = opened(join(folder, "log"));
      const piece = Buffer.alloc(1 << 20, "x");
      const taken = Array.from({ length: 40 }, (_, i) => file.append(piece, i)).filter(Boolean).length;
      await file.close();
      expect(taken).toBeLessThan(40);
      expect(file.lostPieces).toBe(40 - taken);
      expect(statSync(join(folder, "log")).size).toBe(taken << 20);
      expect(said).toEqual([]);
    });
  });
});

/** A small disk needs root; without it this says so, and under CI it fails. */
const mayMount = process.getuid?.() === 0 || process.env.CI !== undefined;

describe.skipIf(!mayMount)(`a disk that is full${mayMount ? "" : " (skipped: needs root)"}`, () => {
  async function onSmallDisk(use: (folder: string) => Promise<void>): Promise<void> {
    await inFolder(async (folder) => {
      const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=128k", "tmpfs", folder], {
        encoding: "utf8",
      });
      expect(status, stderr).toBe(0);
      try {
        await use(folder);
      } finally {
        spawnSync("umount", [folder]);
      }
    });
  }

  test("stops the writing, says so once, and the next rotation tries again", async () => {
    await onSmallDisk(async (folder) => {
      const path = join(folder, "log");
      const { file, said } = opened(path);
      const line = Buffer.from(`${"y".repeat(999)}\n`);
      for (let i = 0; i < 300; i++) {
        file.append(line, i);
        if (i % 10 === 0) await turn();
      }
      await turn();
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(/no space left.*until the next rotation/);
      expect(file.lostPieces).toBeGreaterThan(100);
      // Whole records only.
      const kept = statSync(path).size;
      expect(kept).toBe((300 - file.lostPieces) * 1_000);
      renameSync(path, `${path}.old`);
      truncateSync(`${path}.old`);
      file.rotate();
      file.append(line, 1_000);
      await file.close();
      expect(readFileSync(path).equals(line)).toBe(true);
      expect(said).toHaveLength(2);
      expect(said[1]).toMatch(/is being written; so far \d+ records could not be/);
    });
  });

  test("a recording that stopped is a capture, and the run is what it would have been", async () => {
    await onSmallDisk(async (folder) => {
      const { live, files, recording, said } = await recordCapture(folder, capture);
      await inFolder(async (elsewhere) => {
        const whole = await recordCapture(elsewhere, capture);
        expect(comparable(live)).toEqual(comparable(whole.live));
      });
      expect(said).toHaveLength(1);
      expect(recording.counts.lostPackets).toBeGreaterThan(0);
      expect(recording.counts.packets).toBeGreaterThan(0);
      const { capture: read } = await replay(files);
      expect(read.counts.packets).toBe(recording.counts.packets);
    });
  });
});
