/** One dialogue of a capture, written as a capture of its own. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { saveDialogue } from "../../src/cli/save-dialogue.ts";
import { inFolder, recordCapture } from "../recording/support.ts";
import { TestTerminal } from "../screens/support/terminal.ts";
import { type Collected, collect, PORTS } from "../support/collect.ts";
import { conversationsOf, parseLines } from "./support/lines.ts";
import { replay } from "./support/run.ts";

const capture = new URL("../../captures/slow-ptr.pcap", import.meta.url).pathname;

/** The dialogues of captures as `replay` lists them. */
async function dialoguesOf(files: readonly string[]) {
  const { stdout } = await replay(...files, "-o", "ndjson");
  return conversationsOf(parseLines(stdout)).map(({ file, client, server, synAtUs, tcpStream }) => ({
    file,
    client,
    server,
    startAtUs: synAtUs,
    tcpStream,
  }));
}

const said = (exchanges: readonly Collected[]) =>
  exchanges.map(({ tcpStream: _t, askedFrames: _a, answeredFrames: _b, ...rest }) => rest);

test("has its exchanges and times, no other's, and nothing private", async () => {
  const { collector } = await collect(capture);
  const dialogues = await dialoguesOf([capture]);
  expect(dialogues.length).toBeGreaterThan(20);
  for (const chosen of [dialogues[0]!, dialogues[11]!, dialogues.at(-1)!]) {
    await inFolder(async (folder) => {
      const path = join(folder, "one.pcapng");
      await saveDialogue(path, chosen, [capture], PORTS);
      const saved = (await collect(path)).collector;
      expect(saved.conversations).toHaveLength(1);
      const its = collector.exchanges.filter(({ tcpStream }) => tcpStream === chosen.tcpStream);
      expect(its.length).toBeGreaterThan(0);
      expect(said(saved.exchanges)).toEqual(said(its));
      expect(readFileSync(path, "latin1")).not.toMatch(/Subject:|Message-Id:/i);
    });
  }
});

test("is in the file that was named, or nowhere", async () => {
  const [chosen] = await dialoguesOf([capture]);
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "one.pcapng1"), "of a recording");
    const path = join(folder, "one.pcapng");
    await expect(saveDialogue(path, chosen!, [capture], PORTS)).rejects.toThrow(/choose another name/);
    expect(readdirSync(folder)).toEqual(["one.pcapng1"]);
  });
});

test("goes on over the files of a ring", async () => {
  await inFolder(async (folder) => {
    const { files } = await recordCapture(folder, capture, { sizeBytes: 20_000 });
    const dialogues = await dialoguesOf(files);
    const whole = await Promise.all(
      dialogues.map(async (chosen, i) => {
        const path = join(folder, `one-${i}.pcapng`);
        await saveDialogue(path, chosen, files, PORTS);
        return said((await collect(path)).collector.exchanges).length;
      }),
    );
    const { collector } = await collect(capture);
    expect(whole.reduce((sum, count) => sum + count, 0)).toBe(collector.exchanges.length);
  });
});

test("overwrites nothing, and leaves nothing when the dialogue is not there any more", async () => {
  await inFolder(async (folder) => {
    const [chosen] = await dialoguesOf([capture]);
    const path = join(folder, "one.pcapng");
    await saveDialogue(path, chosen!, [capture], PORTS);
    await expect(saveDialogue(path, chosen!, [capture], PORTS)).rejects.toThrow(/it exists/);
    const gone = { ...chosen!, startAtUs: 1 };
    const other = join(folder, "other.pcapng");
    await expect(saveDialogue(other, gone, [capture], PORTS)).rejects.toThrow(/not in it/);
    expect(() => readFileSync(other)).toThrow(/ENOENT/);
    await expect(saveDialogue(join(folder, "x.pcap"), chosen!, [capture], PORTS)).rejects.toThrow(/pcapng/);
  });
});

test("from the screen", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "chosen.pcapng");
    const terminal = new TestTerminal(`smtpscope replay ${capture} --tui`, { columns: 120, rows: 40 });
    try {
      await terminal.shows("all read");
      terminal.press(`2:save ${path}\r`);
      await terminal.shows(`written: ${path}`);
    } finally {
      terminal.kill();
    }
    expect((await collect(path)).collector.conversations).toHaveLength(1);
  });
});
