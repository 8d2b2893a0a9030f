/** The server's certificate up to TLS 1.2: from records made by hand, and from captures against tshark. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Conversation, DialogueListener } from "../../src/spine/conversation.ts";
import { describeWith, run } from "../capture/file/tools.ts";
import { SHARED, SHIPPED } from "../cli/support/captures.ts";
import { ROOT, replay } from "../cli/support/run.ts";
import { HELLO, playTo } from "./playbook.ts";
import { clientHello, record, serverHello } from "./records.ts";

const fingerprintOf = (der: Uint8Array) =>
  createHash("sha256").update(der).digest("hex").toUpperCase().match(/../g)!.join(":");
const length = (bytes: number) => bytes.toString(16).padStart(6, "0");
const message = (type: number, body: string) =>
  `${type.toString(16).padStart(2, "0")}${length(body.length / 2)}${body}`;

/** A Certificate message of these certificates, the server's first (RFC 5246 §7.4.2). */
function certificates(...ders: readonly string[]): string {
  const list = ders.map((der) => length(der.length / 2) + der).join("");
  return message(11, length(list.length / 2) + list);
}

class Last implements DialogueListener {
  tls: Conversation["tls"] = null;
  exchange(): void {}
  body(): void {}
  conversation(conversation: Conversation): void {
    this.tls = conversation.tls;
  }
  other(): void {}
  undecided(): void {}
}

function certificateIn(records: readonly string[]): string | null {
  const listener = new Last();
  const lines = records.map((hex, i) => `${3_400 + i} S# ${hex}`);
  playTo(
    listener,
    `${HELLO}\n2000 C> STARTTLS\\r\\n\n2100 S< 220 ready\\r\\n\n3000 C# ${clientHello()}\n${lines.join("\n")}`,
  );
  return listener.tls!.certificate?.fingerprint ?? null;
}

/** Hex cut at these places. */
function cut(hex: string, places: readonly number[]): string[] {
  const bytes = hex.length / 2;
  const at = [...new Set(places.map((place) => place % bytes))]
    .filter((place) => place > 0)
    .sort((a, b) => a - b);
  return [0, ...at].map((from, i) => hex.slice(from * 2, (at[i] ?? bytes) * 2));
}

const DER = fc
  .uint8Array({ minLength: 1, maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));

test("is the first of the list, however messages, records and packets are cut", () => {
  fc.assert(
    fc.property(
      DER,
      fc.array(DER, { maxLength: 2 }),
      fc.array(fc.nat(2_000)),
      fc.array(fc.nat(4_000)),
      fc.boolean(),
      (der, more, records, packets, status) => {
        const flight =
          serverHello("1.2") +
          (status ? message(22, "0102") : "") +
          certificates(der, ...more) +
          message(14, "");
        const wire = cut(flight, records)
          .map((part) => record(22, part))
          .join("");
        expect(certificateIn(cut(wire, packets))).toBe(fingerprintOf(Buffer.from(der, "hex")));
      },
    ),
    { numRuns: 200 },
  );
});

test.each<readonly [string, string]>([
  ["TLS 1.3, where it would be encrypted", serverHello("1.3") + certificates("0102")],
  ["a resumed session", serverHello("1.2")],
  ["an empty list", serverHello("1.2") + message(11, length(0)) + message(14, "")],
  ["a certificate of no bytes", serverHello("1.2") + certificates("") + message(14, "")],
  ["one too large to be one", `${serverHello("1.2")}0b00ffff00fffc00fff9${"00".repeat(100)}`],
  ["one that is cut off", `${serverHello("1.2")}0b00010000010000fa${"00".repeat(50)}`],
])("none: %s", (_why, flight) => {
  expect(certificateIn([record(22, flight)])).toBeNull();
});

describeWith(["tshark"], "certificates as tshark sees them", () => {
  const captures = [...SHIPPED, ...SHARED].filter((capture) => /tls|smtps|starttls|startssl/i.test(capture));
  test.each(captures)("%s", async (capture) => {
    const fields = ["-e", "tcp.stream", "-e", "tls.handshake.certificate"];
    const { out } = await run(
      "tshark",
      "-r",
      `${ROOT}/${capture}`,
      "-Y",
      "tls.handshake.certificate",
      "-T",
      "fields",
      ...fields,
    );
    const want = out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [stream, ders] = line.split("\t") as [string, string];
        return `${stream} ${fingerprintOf(Buffer.from(ders.split(",")[0]!.replaceAll(":", ""), "hex"))}`;
      });
    const { stdout } = await replay(capture, "-o", "ndjson");
    const found = stdout
      .split("\n")
      .filter((line) => line.startsWith('{"kind":"conversation"'))
      .map((line) => JSON.parse(line) as { tcpStream: number; tls: Conversation["tls"] })
      .filter(({ tls }) => tls?.certificate)
      .map(({ tcpStream, tls }) => `${tcpStream} ${tls!.certificate!.fingerprint}`);
    expect(found.sort()).toEqual(want.sort());
  });
});
