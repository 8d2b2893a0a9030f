/**
 * What is said follows from what happened: not from names, ports and addresses, nor from how long a
 * delay happened to be, unless a timer of the protocol or of a resolver was the evidence.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { causesIn, firstClass, type Labelled, labelledSet, packetsOf } from "./labelled-set.ts";
import { type Recast, recast } from "./recast.ts";

const MAIL_PORT = 2525;

/** Other networks, banners and zones, each as long as it was; DNS names follow the addresses. */
const RENAMED: Recast = {
  mailPort: MAIL_PORT,
  networks: [
    [
      [198, 51, 100],
      [172, 23, 104],
    ],
    [
      [192, 0, 2],
      [100, 7, 3],
    ],
  ],
  words: [
    ["\x03100\x0251\x03198", "\x03104\x0223\x03172"],
    ["Postfix", "Mailbox"],
    ["Exim 4.96", "Host 3.00"],
    ["Sendmail", "Maildoor"],
    ["example", "sampled"],
    ["dnsbl", "abcde"],
  ],
};

/** Evidence of these is a timer: TCP's retransmission and delayed ACK, the resolver's 5 s. */
const TIMED = ["dns-timeout", "dns-loss", "syn-loss", "packet-loss", "delayed-ack", "unreachable"].map(
  (id) => `cause/${id}`,
);

const directory = mkdtempSync(join(tmpdir(), "smtpscope-recast-"));
const before = new Map<Labelled, string[]>();
const leading = labelledSet().filter(({ applies, healthy }) => applies === "first" || healthy);

beforeAll(async () => {
  for (const capture of leading) before.set(capture, firstClass(await causesIn(capture.path)));
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function classAfter(capture: Labelled, how: Recast): Promise<string[]> {
  const path = join(directory, "recast.pcap");
  writeFileSync(path, recast(packetsOf(capture), how));
  return firstClass(await causesIn(path, [how.mailPort ?? 25, 465, 587]));
}

/** What remains when those are left out that a timer brings in, or whose timer excludes others. */
function remains(was: readonly string[], is: readonly string[]): boolean {
  const [a, b] = [was, is].map((ids) => ids.filter((id) => !TIMED.includes(id)));
  return a!.every((id) => b!.includes(id)) || b!.every((id) => a!.includes(id));
}

function truthsIn({ truths }: Labelled, ids: readonly string[]): string[] {
  return truths.map(({ id }) => id).filter((id) => ids.includes(id));
}

test("renaming banners, hosts, zones and ports changes nothing", { timeout: 120_000 }, async () => {
  const changed: string[] = [];
  for (const capture of leading) {
    const [was, is] = [before.get(capture)!, await classAfter(capture, RENAMED)];
    if (was.join() !== is.join()) changed.push(`${capture.name}: ${was} became ${is}`);
  }
  expect(changed).toEqual([]);
});

test("delays 0.7 to 3 times as long have the same causes", { timeout: 120_000 }, async () => {
  const delayed = leading.filter(({ healthy }) => !healthy);
  const untimed = delayed.filter(({ truths }) => !truths.some(({ id }) => TIMED.includes(id)));
  const property = fc.asyncProperty(
    fc.constantFrom(...untimed),
    fc.double({ min: 0.7, max: 3, noNaN: true }),
    async (capture, scale) => {
      const is = await classAfter(capture, { scale });
      const said = `${capture.name}, scaled by ${scale}: ${before.get(capture)} became ${is}`;
      expect(remains(before.get(capture)!, is), said).toBe(true);
      expect(truthsIn(capture, is), said).toEqual(truthsIn(capture, before.get(capture)!));
    },
  );
  await fc.assert(property, { numRuns: 120 });
});
