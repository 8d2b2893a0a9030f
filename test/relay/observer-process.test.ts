/** What becomes of an observer that cannot even be started, of checkpoints in pieces, of sockets left behind. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isOffered } from "../../src/relay/attach-point.ts";
import { CheckpointReader, MAX_CHECKPOINT_BYTES, sendCheckpoint } from "../../src/relay/observer-end.ts";
import { ObserverProcess } from "../../src/relay/observer-process.ts";
import type { Relay } from "../../src/relay/relay.ts";

test("a start that throws is one that failed: it is told, tried again, and counts nothing twice", async () => {
  const relay = { observerRestarts: 0, closedCount: 3, missed: { connections: 0 }, tellState() {} };
  const told: string[] = [];
  const observer = new ObserverProcess(relay as unknown as Relay, {
    // Node throws for this, as it does where there is no memory.
    script: "\0",
    request: "{}",
    onRestart: (why) => {
      told.push(why);
      return "{}";
    },
  });
  observer.start();
  expect(told).toEqual([expect.stringMatching(/^could not be started: /)]);
  expect(relay).toMatchObject({ observerRestarts: 1, missed: { connections: 3 } });
  await expect.poll(() => told.length, { timeout: 5_000 }).toBe(2);
  expect(relay.missed.connections).toBe(3);
  expect(await observer.finish("the end", 1_000)).toBe(null);
});

test("checkpoints are put together however they are cut; a length that is none ends it", () => {
  const sent: Buffer[] = [];
  const link = { write: (bytes: Uint8Array) => sent.push(Buffer.from(bytes)) };
  const checkpoints = ["one", "", "x".repeat(5_000), "last"].map((text) => Buffer.from(text));
  for (const each of checkpoints) sendCheckpoint(link as never, each);
  const stream = Buffer.concat(sent);
  for (const step of [1, 3, 4, 7, 4_096, stream.length]) {
    const reader = new CheckpointReader();
    const found: Buffer[] = [];
    for (let at = 0; at < stream.length; at += step) {
      reader.push(stream.subarray(at, at + step));
      if (reader.latest !== null) found.push(reader.latest);
      reader.latest = null;
    }
    expect(found.at(-1)).toEqual(checkpoints.at(-1));
    if (step < 8) expect(found.map(String)).toEqual(checkpoints.map(String));
  }
  const reader = new CheckpointReader();
  const wrong = Buffer.alloc(4);
  wrong.writeUInt32LE(MAX_CHECKPOINT_BYTES + 1);
  reader.push(Buffer.concat([wrong, stream]));
  reader.push(stream);
  expect(reader.latest).toBe(null);
});

test("a socket is offered while somebody takes connections there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "smtpscope-offered-"));
  const path = join(folder, "proxy.sock");
  expect(await isOffered(path)).toBe(false);
  writeFileSync(path, "left behind");
  expect(await isOffered(path)).toBe(false);
  rmSync(path);
  const server = createServer((socket) => socket.on("error", () => {}).destroy());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(await isOffered(path)).toBe(true);
  server.close();
  rmSync(folder, { recursive: true });
});
