/** Lookups of a real capture against what tshark says of the same packets; and messages that are none. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Capture } from "../../../src/capture/capture.ts";
import { Lookups } from "../../../src/capture/dns/lookups.ts";
import { Dialogues } from "../../../src/dialogue/dialogues.ts";
import type { Lookup } from "../../../src/spine/packets.ts";
import type { SourceSink } from "../../../src/spine/wire.ts";
import { Collector, PORTS } from "../../support/collect.ts";
import { describeWith } from "../file/tools.ts";
import { fields, microsOf } from "../stream/tshark.ts";

const CAPTURE = new URL("../../../captures/slow-ptr.pcap", import.meta.url).pathname;

async function lookupsIn(path: string): Promise<Lookup[]> {
  const found: Lookup[] = [];
  const dialogues = new Dialogues(new Collector(), { ports: PORTS, copiesPossible: true });
  const sink: SourceSink = {
    open: (transport) => dialogues.open(transport),
    tick: (atUs) => dialogues.tick(atUs),
    lookup: (lookup) => found.push(lookup),
  };
  const capture = new Capture(sink, PORTS);
  await capture.readFile(path, {});
  capture.end();
  return found;
}

interface Transaction {
  asked: number[];
  answered: number | null;
  rcode: string | null;
}

const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN"];

/** By asker, id, name and type: when it was asked and first answered. */
async function asTsharkSees(path: string): Promise<Map<string, Transaction>> {
  const names = [
    "frame.time_epoch",
    "ip.src",
    "ip.dst",
    "dns.id",
    "dns.flags.response",
    "dns.qry.name",
    "dns.qry.type",
    "dns.flags.rcode",
  ];
  const found = new Map<string, Transaction>();
  for (const [time, from, to, id, response, name, type, rcode] of await fields(path, names, "dns")) {
    const isAnswer = response === "1" || response === "True";
    const key = `${isAnswer ? to : from} ${Number(id)} ${name?.toLowerCase()} ${type}`;
    const transaction = found.get(key) ?? { asked: [], answered: null, rcode: null };
    found.set(key, transaction);
    if (!isAnswer) transaction.asked.push(microsOf(time!));
    else if (transaction.answered === null) {
      transaction.answered = microsOf(time!);
      transaction.rcode = RCODES[Number(rcode)] ?? rcode!;
    }
  }
  return found;
}

const TYPES: Record<string, string> = { A: "1", PTR: "12", MX: "15", TXT: "16", AAAA: "28" };

describeWith(["tshark"], "lookups as tshark sees them", () => {
  test("asked, asked again and answered at the same times, with the same result", async () => {
    const theirs = await asTsharkSees(CAPTURE);
    const ours = await lookupsIn(CAPTURE);
    expect(ours.length).toBeGreaterThan(50);
    expect(ours.length).toBe(theirs.size);
    const said = ours.map((lookup) => {
      const { asker, name, type, askedAtUs, lastAskedAtUs, queries, answeredAtUs, rcode } = lookup;
      return [asker, name, TYPES[type], askedAtUs, lastAskedAtUs, queries, answeredAtUs, rcode].join(" ");
    });
    const wanted = [...theirs].map(([key, { asked, answered, rcode }]) => {
      const [asker, , name, type] = key.split(" ");
      return [asker, name, type, asked[0], asked.at(-1), asked.length, answered, rcode].join(" ");
    });
    expect(said.sort()).toEqual(wanted.sort());
    expect(ours.some(({ queries }) => queries > 1)).toBe(true);
  });
});

test("any bytes are no exception, and no memory", () => {
  const emitted: Lookup[] = [];
  const lookups = new Lookups((lookup) => emitted.push(lookup));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, overTcp) => {
      lookups.message(bytes, 0, bytes.length, "192.0.2.1", "192.0.2.53", overTcp, 1, 1);
    }),
    { numRuns: 2_000 },
  );
  for (const { name } of emitted) expect(name).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
});
