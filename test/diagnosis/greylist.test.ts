/** A refusal for now is greylisting for sure only where its text says so. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ACK, captureOf, EPOCH_US, type Packet, PSH, SYN, Wire } from "../support/raw-ip.ts";
import { reportOf } from "./labelled-set.ts";

const folder = mkdtempSync(join(tmpdir(), "smtpscope-greylist-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Three clients are refused at RCPT, promptly. */
function capture(refusal: string): Buffer {
  const packets: Packet[] = [];
  for (let i = 0; i < 3; i++) {
    const wire = new Wire(
      { client: [`198.51.100.${7 + i}`, 40_000], server: ["192.0.2.25", 25] },
      { client: 1_000, server: 9_000 },
    );
    let atUs = EPOCH_US + i * 10_000_000;
    const put = (from: "client" | "server", flags: number, text = "") => {
      wire.put(atUs, from, flags, Buffer.from(text));
      atUs += 100;
    };
    put("client", SYN);
    put("server", SYN | ACK);
    put("client", ACK);
    put("server", PSH | ACK, "220 mx.example.net ESMTP\r\n");
    for (const [command, reply] of [
      ["HELO c.example.org", "250 mx.example.net"],
      ["MAIL FROM:<a@example.org>", "250 ok"],
      ["RCPT TO:<b@example.net>", refusal],
      ["QUIT", "221 bye"],
    ]) {
      put("client", PSH | ACK, `${command}\r\n`);
      put("server", PSH | ACK, `${reply}\r\n`);
    }
    packets.push(...wire.packets);
  }
  return captureOf(packets);
}

async function sure(refusal: string): Promise<number | undefined> {
  const file = join(folder, "refused.pcap");
  writeFileSync(file, capture(refusal));
  const { findings } = await reportOf(file);
  return findings.find(({ id }) => id === "cause/greylist")?.confidence;
}

test.each([
  "450 4.2.0 <b@example.net>: Recipient address rejected: Greylisted, see http://postgrey.example/",
  "451 4.7.1 Greylisting in action, please come back in 00:05:00",
  "451 Temporary failure, please try again later.",
  "450 4.7.1 Please try again in 300 seconds",
])("%s", async (refusal) => {
  expect(await sure(refusal)).toBeGreaterThan(0.5);
});

test.each([
  "451 4.7.1 Service unavailable - try again later",
  "451 4.3.0 Temporary lookup failure",
  "450 4.1.1 <b@example.net>: Recipient address rejected: unverified address: try again later",
])("not for sure: %s", async (refusal) => {
  expect(await sure(refusal)).toBeLessThan(0.5);
});
