import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { comparable, inFolder, recordCapture, replay } from "./support.ts";

const OWN = new URL("../../captures/", import.meta.url).pathname;
const SHARED = new URL("../../../shared/captures/", import.meta.url).pathname;

const captures = [OWN, SHARED]
  .filter((folder) => existsSync(folder))
  .flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(pcap|pcapng|cap|trace)(\.gz)?$/.test(name))
      .map((name) => join(folder, name)),
  );

describe("a recording replays to the run it was made of", () => {
  test.each(captures.map((path) => [path.slice(path.lastIndexOf("/") + 1), path]))("%s", async (_, path) => {
    await inFolder(async (folder) => {
      const { live, files, recording } = await recordCapture(folder, path);
      expect(recording.counts.faults).toBe(0);
      const { collector } = await replay(files);
      expect(comparable(collector)).toEqual(comparable(live));
    });
  });
});
