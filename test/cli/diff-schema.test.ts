/** `diff` of all kinds of captures, in both modes: every line and object against what `smtpscope schema` prints. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { mail, type Path, PLAIN, type Session, travel } from "../diff/path.ts";
import { captureOf, EPOCH_US } from "../support/raw-ip.ts";
import { inParallel, replay, run, workFolder } from "./support/run.ts";
import { printedSchema } from "./support/schema.ts";

const folder = workFolder();
const LABELLED = "test/diagnosis/labelled";

/** The two sides of a path of which little is known: one side misses dialogues, the clock leaps, texts are hostile. */
function made(name: string, path: Partial<Path>): [string, string] {
  const sessions: Session[] = Array.from({ length: 6 }, (_, i) => ({
    startUs: EPOCH_US + i * 1_000_000,
    client: "198.51.100.7",
    clientPort: 20_000 + i,
    said: mail({ queueId: `4F\u001b[2J${i}`, body: `Subject: ${i}\r\n\r\n${"x".repeat(i * 900)}\r\n` }),
  }));
  const { inside, outside } = travel(sessions, { ...PLAIN, ...path });
  return [["inside", inside] as const, ["outside", outside] as const].map(([side, packets]) => {
    const file = join(folder, `${name}.${side}.pcap`);
    writeFileSync(file, captureOf(packets));
    return file;
  }) as [string, string];
}

const CUT = join(folder, "cut.pcap");
writeFileSync(
  CUT,
  captureOf(
    travel([{ startUs: EPOCH_US, client: "198.51.100.7", clientPort: 9, said: mail() }], PLAIN).inside,
  ).subarray(0, -7),
);

const PAIRS: readonly (readonly [string, string])[] = [
  ["captures/firewall-asa.inside.pcap", "captures/firewall-asa.outside.pcap"],
  ["captures/firewall-length-changing.outside.pcap", "captures/firewall-length-changing.inside.pcap"],
  ["captures/slow-ptr.pcap", "captures/slow-ptr.pcap"],
  ["captures/healthy.pcap", "captures/slow-ptr.pcap"],
  [CUT, CUT],
  made("alone", {
    missingInside: (n) => n % 2 === 0,
    missingOutside: (n) => n % 3 === 0,
    offsetUs: 9_000_000,
  }),
  made("changed", {
    rewrite: (text, from, n) => (n === 0 ? "220 x\r\n" : from === "client" ? text.toUpperCase() : text),
    holdUs: (text) => (text.startsWith("220") ? 700_000 : 0),
    cutAt: 11,
    nat: "203.0.113.9",
  }),
  ...["change-ptr-to-firewall", "firewall-holds-banner-exim"].map(
    (name) => [`${LABELLED}/${name}.server.pcap.gz`, `${LABELLED}/${name}.client.pcap.gz`] as const,
  ),
];

let faults: (value: unknown) => string;
beforeAll(async () => {
  faults = await printedSchema();
});

async function checked(args: readonly string[]): Promise<string[]> {
  const [object, lines] = await Promise.all(
    ["json", "ndjson"].map(async (format) => (await run([...args, "-o", format])).stdout),
  );
  const values = lines!
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string });
  expect(faults(JSON.parse(object!))).toBe("");
  expect(values.map(faults).filter((fault) => fault !== "")).toEqual([]);
  return values.map(({ kind }) => kind);
}

test("two sides", async () => {
  const kinds: string[] = [];
  await inParallel(PAIRS, async (pair) => {
    kinds.push(...(await checked(["diff", ...pair])));
  });
  expect(new Set(kinds)).toEqual(new Set(["change", "delay", "finding", "diff-summary"]));
});

describe("two periods", () => {
  test("captures and saved reports", async () => {
    const saved = join(folder, "saved.json");
    await replay("captures/healthy.pcap", "-o", "json", "-O", saved);
    const kinds: string[] = [];
    await inParallel([...PAIRS, [saved, "captures/slow-ptr.pcap"] as const], async (pair) => {
      kinds.push(...(await checked(["diff", "--before-after", ...pair])));
    });
    expect(new Set(kinds)).toEqual(
      new Set(["phase-change", "banner-change", "keyword-change", "before-after-summary"]),
    );
  });
});

test("replay's object as well", async () => {
  expect(faults(JSON.parse((await replay("captures/slow-ptr.pcap", "-o", "json")).stdout))).toBe("");
});

test("a field too many, or too few, is no line", async () => {
  const { stdout } = await run(["diff", ...PAIRS[0]!, "-o", "ndjson"]);
  for (const line of stdout.trimEnd().split("\n")) {
    const value = JSON.parse(line) as Record<string, unknown>;
    expect(faults({ ...value, more: 1 })).not.toBe("");
    for (const name of Object.keys(value)) expect(faults({ ...value, [name]: undefined })).not.toBe("");
  }
});
