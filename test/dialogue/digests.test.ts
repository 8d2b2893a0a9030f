import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { afterHello } from "./playbook.ts";

/** What is not kept is told apart by its digest. That cutting bytes in pieces changes none: dialogue.fc.test.ts. */

const sha256 = (text: string) => createHash("sha256").update(text, "latin1").digest("hex").slice(0, 32);
const last = (script: string) => afterHello(script).exchanges.at(-1)!;

test("a message's length and digest, the dot that ends it included, are with what answers it", () => {
  const run = afterHello(String.raw`
    1300 C> DATA\r\n
    1400 S< 354 go\r\n
    1500 C> Subject: a\r\n\r\n..b\r\n.\r\n
    1600 S< 250 ok\r\n`);
  const message = "Subject: a\r\n\r\n..b\r\n.\r\n";
  expect(run.exchanges.at(-1)!.unkept).toEqual({ lengthBytes: message.length, digest: sha256(message) });
  expect(run.exchanges[0]!.unkept).toBe(null);
  expect(run.everything()).not.toContain("Subject");
});

test("held until the 354 has come, it is the same", () => {
  const { unkept } = last(String.raw`
    1300 C> DATA\r\nab\r\n.\r\n
    1400 S< 354 go\r\n250 ok\r\n`);
  expect(unkept).toEqual({ lengthBytes: 7, digest: sha256("ab\r\n.\r\n") });
});

test("where bytes are missing there is a length and no digest", () => {
  const { unkept } = last(String.raw`
    1300 C> DATA\r\n
    1400 S< 354 go\r\n
    1500 C> a\r\n
    1510 C! 10
    1520 C> b\r\n.\r\n
    1600 S< 250 ok\r\n`);
  expect(unkept).toEqual({ lengthBytes: 19, digest: null });
});

test("a chunk", () => {
  const { unkept } = last(String.raw`
    1300 C> BDAT 5 LAST\r\n12345
    1600 S< 250 ok\r\n`);
  expect(unkept).toEqual({ lengthBytes: 5, digest: sha256("12345") });
});

test("a secret's digest tells it from another, and cannot be guessed at", () => {
  const auth = (secret: string) => last(`1300 C> AUTH PLAIN ${secret}\\r\\n / 1400 S< 235 ok\\r\\n`);
  expect(auth("AGFhYWEAYmJiYg==").unkept).toEqual(auth("AGFhYWEAYmJiYg==").unkept);
  expect(auth("AGFhYWEAYmJiYg==").unkept).not.toEqual(auth("AGFhYWEAYmJiYw==").unkept);
  expect(auth("AGFhYWEAYmJiYg==").unkept!.digest).not.toBe(sha256("AUTH PLAIN AGFhYWEAYmJiYg=="));
  expect(auth("AGFhYWEAYmJiYg==").octets).toBe("AUTH PLAIN [redacted]\r\n");
});

test("a command with its line end, as it was said", () => {
  expect(last(String.raw`1300 C> noop \xe9\n / 1400 S< 250 ok\r\n`).octets).toBe("noop \xe9\n");
  expect(last(String.raw`1300 C> NOOP\r\n / 1400 S< 250 ok\r\n`).octets).toBe("NOOP\r\n");
  const long = "x".repeat(9_000);
  expect(last(`1300 C> NOOP ${long}\\r\\n / 1400 S< 250 ok\\r\\n`).octets).toBe(null);
});

test("what is encrypted, of each side", () => {
  const run = afterHello(String.raw`
    1300 C> STARTTLS\r\n
    1400 S< 220 go\r\n
    1500 C# 16 03 01 00 05 01 00 00 01 00
    1600 S# 16 03 03 00 06 02 00 00 02 03 03`);
  const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex").toString("latin1");
  expect(run.conversation!.encrypted).toEqual([
    { lengthBytes: 10, digest: sha256(bytes("16 03 01 00 05 01 00 00 01 00")) },
    { lengthBytes: 11, digest: sha256(bytes("16 03 03 00 06 02 00 00 02 03 03")) },
  ]);
  expect(afterHello("1300 C> NOOP\\r\\n / 1400 S< 250 ok\\r\\n").conversation!.encrypted).toEqual([
    null,
    null,
  ]);
});
