import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { afterHello } from "./playbook.ts";

/** DATA, or the answer to it, was rewritten on the way; what follows is a message all the same. */

const MESSAGE = String.raw`
  1500 C> Subject: hidden\r\n\r\nQUIT\r\nhidden\r\n.\r\n
  1600 S< 250 queued\r\n
  1700 C> QUIT\r\n
  1800 S< 221 bye\r\n`;

test.each([
  ["the reply", String.raw`1300 C> DATA\r\n / 1400 S< 250 go\r\n`, "DATA"],
  ["the command", String.raw`1300 C> DATX\r\n / 1400 S< 354 go\r\n`, "DATX"],
  ["the command, to another one", String.raw`1300 C> NOOP\r\n / 1400 S< 354 go\r\n`, "NOOP"],
])("%s", (_what, beginning, verb) => {
  const run = afterHello(`${beginning}\n${MESSAGE}`);
  expect(run.exchanges.map((each) => `${each.verb} ${each.code}`)).toEqual([
    `${verb} ${verb === "DATA" ? 250 : 354}`,
    "(end-of-data) 250",
    "QUIT 221",
  ]);
  const message = "Subject: hidden\r\n\r\nQUIT\r\nhidden\r\n.\r\n";
  const digest = createHash("sha256").update(message).digest("hex").slice(0, 32);
  expect(run.exchanges[1]!.unkept).toEqual({ lengthBytes: message.length, digest });
  expect(run.everything()).not.toContain("hidden");
});

test("a client that goes on with a command has sent no message", () => {
  const run = afterHello(String.raw`
    1300 C> DATA\r\n
    1400 S< 250 what?\r\n
    1500 C> RSET\r\n
    1600 S< 250 ok\r\n`);
  expect(run.exchanges.map((each) => `${each.verb} ${each.code}`)).toEqual(["DATA 250", "RSET 250"]);
});

test.each(["XXXX XX XXXX", "XXXXXXXXXXXX", "xxxxxxxxxxxx", "************"])(
  "BDAT was overwritten as %s: of the message, which the server takes for commands, nothing is kept",
  (overwritten) => {
    const run = afterHello(String.raw`
      1300 C> ${overwritten}\r\nSubject: hidden\r\n\r\nhidden number\r\n
      1400 S< 502 what?\r\n502 what?\r\n500 what?\r\n502 what?\r\n
      1500 C> MAIL FROM:<a@b.example>\r\n
      1600 S< 250 ok\r\n
      1700 C> XYZZY\r\n
      1800 S< 502 what?\r\n`);
    expect(run.exchanges.map((each) => each.command)).toEqual([
      overwritten,
      "[redacted]",
      "[redacted]",
      "[redacted]",
      "MAIL FROM:<a@b.example>",
      "XYZZY",
    ]);
    expect(run.everything()).not.toContain("hidden");
  },
);

test("what only begins like an overwritten command does not hide what follows", () => {
  const run = afterHello(String.raw`
    1300 C> XXX\r\nXXXXYZ\r\nXCLIENT NAME=a\r\nXYZZY\r\n
    1400 S< 502 what?\r\n502 what?\r\n502 what?\r\n502 what?\r\n`);
  expect(run.exchanges.map((each) => each.command)).toEqual(["XXX", "XXXXYZ", "XCLIENT NAME=a", "XYZZY"]);
});
