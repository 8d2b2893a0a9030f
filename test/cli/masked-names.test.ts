/** A masked banner's host by what else was captured: lookups of the server's address, before and after the dialogue. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode, type StringAnswer } from "dns-packet";
import { expect, test } from "vitest";
import { maskText } from "../../src/rewriting/originals/banner.ts";
import type { Finding, Originals } from "../../src/spine/finding.ts";
import { captureOf, datagram, EPOCH_US, type Packet } from "../support/raw-ip.ts";
import { Dialogue } from "./support/pcap.ts";
import { replay, workFolder } from "./support/run.ts";

const folder = workFolder();
const RESOLVER = ["203.0.113.53", 53] as const;
const CLIENT = ["198.51.100.7", 50_000] as const;
/** 192.0.2.25 is that of the server. */
const REVERSE = "25.2.0.192.in-addr.arpa";

/** A question and its answer. */
function lookup(type: "PTR" | "A", name: string, data: string, atUs = EPOCH_US - 500_000): Packet[] {
  const questions = [{ type, name }];
  const answers: StringAnswer[] = [{ type, name, ttl: 60, data }];
  const question = encode({ type: "query", id: 77, flags: 0x100, questions });
  const answer = encode({ type: "response", id: 77, flags: 0x180, questions, answers });
  return [datagram(atUs, CLIENT, RESOLVER, question), datagram(atUs + 20_000, RESOLVER, CLIENT, answer)];
}

/** A dialogue that names no host: EHLO is answered like NOOP. */
function masked(text: string, hello = "250 OK\r\n"): readonly Packet[] {
  return new Dialogue()
    .handshake()
    .server(`220 ${maskText(text)}\r\n`)
    .client("EHLO client.example.org\r\n")
    .server(hello)
    .client("QUIT\r\n")
    .server("221 Bye\r\n")
    .close().packets;
}

let files = 0;

async function originals(...captures: readonly (readonly Packet[])[]): Promise<Originals["candidates"]> {
  const paths = captures.map((packets) => {
    const path = join(folder, `${files++}.pcap`);
    writeFileSync(path, captureOf(packets.toSorted((a, b) => a.atUs - b.atUs)));
    return path;
  });
  const { stdout, stderr } = await replay(...paths, "-o", "json");
  expect(stderr).toBe("");
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  const found = findings.find(({ id }) => id === "rewriting/banner-masked");
  return found?.kind === "finding" && "originals" in found ? found.originals![0]!.candidates : [];
}

const BANNER = "mail02.example.net ESMTP Postfix";
const BY_PTR = "Postfix; the host as in a PTR lookup in the capture";

test.each<readonly [string, readonly Packet[], string, string]>([
  ["PTR", lookup("PTR", REVERSE, "mail02.example.net"), `220 ${BANNER}`, BY_PTR],
  [
    "PTR, answered when the dialogue is over",
    lookup("PTR", REVERSE, "mail02.example.net", EPOCH_US + 60_000_000),
    `220 ${BANNER}`,
    BY_PTR,
  ],
  [
    "A",
    lookup("A", "mail02.example.net", "192.0.2.25"),
    `220 ${BANNER}`,
    "Postfix; the host as in an A lookup in the capture",
  ],
  [
    "both, of which one fits",
    [...lookup("A", "mail02.example.net", "192.0.2.25"), ...lookup("PTR", REVERSE, "host-25.example.com")],
    `220 ${BANNER}`,
    "Postfix; the host as in an A lookup in the capture",
  ],
])("%s", async (_how, lookups, text, inferred) => {
  const [first] = await originals([...lookups, ...masked(BANNER)]);
  expect(first).toMatchObject({ text, inferred });
});

test.each<readonly [string, readonly Packet[]]>([
  ["no lookup", []],
  ["another server's name", lookup("PTR", "26.2.0.192.in-addr.arpa", "mail02.example.net")],
  ["a name that is too long", lookup("PTR", REVERSE, "mail02.office.example.net")],
  ["a name whose digits stand elsewhere", lookup("PTR", REVERSE, "02mail.example.net")],
  ["no name of a host", lookup("PTR", REVERSE, "\u001b[2J.example.net")],
])("not by %s: its length", async (_why, lookups) => {
  const candidates = await originals([...lookups, ...masked(BANNER)]);
  const postfix = candidates.find(({ inferred }) => inferred.startsWith("Postfix;"))!;
  expect(postfix.text).toBe("220 ????02???????????? ESMTP Postfix");
  expect(postfix.inferred).toBe("Postfix; the host's name is 18 characters long; ? is not known");
});

test("the name that the server gives itself comes first", async () => {
  const lookups = lookup("PTR", REVERSE, "mail02.example.org");
  const [first] = await originals([
    ...lookups,
    ...masked(BANNER, "250-mail02.example.net\r\n250 XXXXXXXA\r\n"),
  ]);
  expect(first).toMatchObject({
    text: `220 ${BANNER}`,
    inferred: "Postfix; the host as in its reply to EHLO or HELO",
  });
});

test("lookups in another capture, read by another thread", async () => {
  const other = new Dialogue({ server: "192.0.2.99" })
    .handshake()
    .server("220 mx.example.org ESMTP\r\n")
    .close();
  const lookups = [...lookup("PTR", REVERSE, "mail02.example.net"), ...other.packets];
  const [first] = await originals(lookups, masked(BANNER));
  expect(first).toMatchObject({ text: `220 ${BANNER}`, inferred: BY_PTR });
});

test("more lookups than wait: the names are known all the same", async () => {
  const many = Array.from({ length: 9_000 }, (_, i) =>
    lookup("A", `h${i}.example.com`, `10.1.${i >> 8}.${i & 255}`, EPOCH_US - 400_000 + i * 20),
  ).flat();
  const [first] = await originals([
    ...lookup("PTR", REVERSE, "mail02.example.net"),
    ...many,
    ...masked(BANNER),
  ]);
  expect(first).toMatchObject({ text: `220 ${BANNER}`, inferred: BY_PTR });
});
