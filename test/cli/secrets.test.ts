/** What clients prove themselves with, and what they send, is in no output: not as sent and not decoded. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SHIPPED, shared } from "./support/captures.ts";
import { exchangesOf, parseLines } from "./support/lines.ts";
import { Dialogue, writePcap } from "./support/pcap.ts";
import { replay, workFolder } from "./support/run.ts";

const folder = workFolder();
const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
const FORMATS = ["text", "json", "ndjson"];

/** Runs every format with everything shown that can be, and returns all that came out. */
async function everything(captures: string | readonly string[], ...more: string[]): Promise<string> {
  const outcomes = await Promise.all(
    FORMATS.map((format) =>
      replay(...[captures].flat(), "-o", format, "--top", "1000", "--by", "client", ...more),
    ),
  );
  return outcomes.map(({ stdout, stderr }) => stdout + stderr).join("");
}

describe.concurrent("third-party captures with AUTH", () => {
  const captures: [name: string, payloads: string[]][] = [
    ["bro__smtp.trace", ["Z3VycGFydGFwQHBhdHJpb3RzLmlu", "cHVuamFiQDEyMw=="]],
    ["nDPI__emotet.pcap", ["cmF1bHBhcmVkZXNAd2FuYWRvby5mcg==", "Y3VsdHVtZXhmcjE="]],
    [
      "Malcolm-Test-Artifacts__a30789ce-1e1c-4f96-a097-78c34b9fb612.pcap",
      ["c2hpcHBpbmdAb2NlYW5za3lsb2dpc3RpY3MuaW4=", "U2hpcHBpbmdAMjI0NTU0"],
    ],
    ["PcapPlusPlus__Smtp.pcap", ["Z3VycGFydGFwQHBhdHJpb3RzLmlu", "cHVuamFiQDEyMw=="]],
  ];
  test.each(captures)("%s", async (name, payloads) => {
    const capture = shared(name);
    if (capture === null) return;
    const said = await everything(capture);
    expect(said).toContain("[redacted]");
    for (const payload of payloads) {
      expect(said).not.toContain(payload.replace(/=+$/, ""));
      // A user's name may stand in MAIL FROM, which is shown; the password may stand nowhere.
      const decoded = Buffer.from(payload, "base64").toString("latin1");
      if (payload === payloads[1]) expect(said).not.toContain(decoded);
    }
  });
});

describe.concurrent("every way to say it", () => {
  const secrets: string[] = [];
  const secret = (text: string) => {
    secrets.push(text, base64(text));
    return base64(text);
  };
  const dialogue = (port: number) =>
    new Dialogue({ clientPort: port })
      .handshake()
      .server("220 mx.example.net ESMTP\r\n")
      .client("EHLO c\r\n");
  const offer = "250-mx.example.net\r\n250 AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2\r\n";
  const capture = writePcap(
    join(folder, "auth.pcap"),
    dialogue(1)
      .server(offer)
      .client(`AUTH PLAIN ${secret("\0initial-user\0initial-password")}\r\n`)
      .server("235 2.7.0 in\r\n")
      .close(),
    dialogue(2)
      .server(offer)
      .client("auth plain\r\n")
      .server("334 \r\n")
      .client(`${secret("\0later-user\0later-password")}\r\n`)
      .server("535 5.7.8 no\r\n")
      .close(),
    dialogue(3)
      .server(offer)
      .client("AUTH LOGIN\r\n")
      .server("334 VXNlcm5hbWU6\r\n")
      .client(`${secret("login-user")}\r\n`)
      .server("334 UGFzc3dvcmQ6\r\n")
      .client(`${secret("login-password").slice(0, 7)}`)
      .client(`${base64("login-password").slice(7)}\r\n`)
      .server("235 in\r\n")
      .close(),
    dialogue(4)
      .server(offer)
      .client(`AUTH LOGIN ${secret("login-at-once")}\r\n`)
      .server("334 UGFzc3dvcmQ6\r\n")
      .client(`${secret("its-password")}\r\n`)
      .server("235 in\r\n")
      .close(),
    dialogue(5)
      .server(offer)
      .client("AUTH CRAM-MD5\r\n")
      .server("334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+\r\n")
      .client(`${secret("cram-user b913a602c7eda7a495b4e6e7334d3890")}\r\n`)
      .server("235 in\r\n")
      .close(),
    // The answer is sent before it is asked for.
    dialogue(6)
      .server(offer)
      .client(`AUTH LOGIN\r\n${secret("hasty-user")}\r\n${secret("hasty-password")}\r\n`)
      .server("334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 in\r\n")
      .close(),
    // Tabs, odd case, more words.
    dialogue(7)
      .server(offer)
      .client(`aUtH\tPLAIN\t${secret("\0tab-user\0tab-password")}\r\n`)
      .server("235 in\r\n")
      .client(`AUTH  XOAUTH2  ${secret("user=oauth\u0001auth=Bearer token")} trailing-secret\r\n`)
      .server("503 twice\r\n")
      .close(),
    // Wrong, and yet a client may say it.
    dialogue(17)
      .server(offer)
      .client(` AUTH PLAIN ${secret("\0blank-user\0blank-password")}\r\n`)
      .server("500 what?\r\n")
      .client(`AUTH=PLAIN ${secret("\0equals-user\0equals-password")}\r\n`)
      .server("500 what?\r\n")
      .close(),
    // Ends before the answer, and never ended lines.
    dialogue(8)
      .server(offer)
      .client(`AUTH PLAIN ${secret("\0cut-user\0cut-password")}`)
      .close(),
    dialogue(9)
      .server(offer)
      .client("AUTH LOGIN\r\n")
      .server("334 VXNlcm5hbWU6\r\n")
      .client(secret("unfinished-user"))
      .close(),
  );

  test("AUTH in all shapes", async () => {
    const said = await everything(capture);
    expect(said).toContain("[redacted]");
    expect(said).toMatch(/AUTH PLAIN/);
    expect([...secrets, "trailing-secret"].filter((text) => said.includes(text.replace(/=+$/, "")))).toEqual(
      [],
    );
  });

  test("a filter cannot ask for what is not kept", async () => {
    const outcome = await replay(capture, "-o", "ndjson", "-Y", `command contains "${base64("login-user")}"`);
    expect(outcome.stdout).not.toContain('"kind":"exchange"');
  });
});

describe.concurrent("bodies of messages", () => {
  test("mail of the project's captures", async () => {
    const said = await everything(SHIPPED);
    expect(said).not.toMatch(/Message-Id|Content-Type|MIME-Version|^Subject:/im);
  });

  test("DATA, BDAT, a body sent too early, one that never ends", async () => {
    const start = (port: number) =>
      new Dialogue({ clientPort: port })
        .handshake()
        .server("220 mx.example.net ESMTP\r\n")
        .client("EHLO c\r\n")
        .server("250-mx.example.net\r\n250 CHUNKING\r\n")
        .client("MAIL FROM:<>\r\n")
        .server("250 ok\r\n")
        .client("RCPT TO:<bob@example.net>\r\n")
        .server("250 ok\r\n");
    const body = "Subject: private-subject\r\n\r\nprivate-text\r\n..private-dot\r\n";
    const capture = writePcap(
      join(folder, "bodies.pcap"),
      start(11).client("DATA\r\n").server("354 go\r\n").client(`${body}.\r\n`).server("250 ok\r\n").close(),
      start(12).client(`DATA\r\n${body}.\r\n`).server("354 go\r\n").server("250 ok\r\n").close(),
      start(13).client("DATA\r\n").server("354 go\r\n").client(body).close(),
      start(14)
        .client(`BDAT ${body.length}\r\n${body}`)
        .server("250 ok\r\n")
        .client("BDAT 0 LAST\r\n")
        .server("250 ok\r\n")
        .close(),
      start(15).client("DATA\r\n").client(body, 10).close(),
    );
    expect(await everything(capture)).not.toMatch(/private/);
  });
});

describe.concurrent("--redact", () => {
  const alice = "\u00e4lice.o'hara+tag";
  const capture = writePcap(
    join(folder, "addresses.pcap"),
    new Dialogue()
      .handshake()
      .server("220 mx.example.net ESMTP\r\n")
      .client("EHLO client.example.org\r\n")
      .server("250-mx.example.net greets client-user@client.example.org\r\n250 SMTPUTF8\r\n")
      .client(`MAIL FROM:<${alice}@example.org> SIZE=100 AUTH=auth-user@example.org\r\n`)
      .server(`250 2.1.0 <${alice}@example.org>: Sender ok\r\n`)
      .client('RCPT TO:<"john doe"@example.net>\r\n')
      .server('550 5.1.1 <"john doe"@example.net>: unknown user johndoe@example.net\r\n')
      .client("RCPT TO:<@relay.example:source-route@example.net>\r\n")
      .server("250 ok\r\n")
      .client("RCPT TO:plain-user@[192.0.2.1]\r\n")
      .server("451 4.7.1 plain-user@[192.0.2.1] greylisted\r\n")
      .client("RCPT TO:<nodomain-user>\r\n")
      .server("550 5.1.1 <nodomain-user>: unknown\r\n")
      .client("VRFY lonely-user\r\n")
      .server("252 lonely-user perhaps\r\n")
      .client("RCPT TO:<x@example.net> ORCPT=rfc822;orcpt-user@example.net\r\n")
      .server("250 ok\r\n")
      .close(),
  );

  test("no local part is left anywhere", async () => {
    const said = await everything(capture, "--redact");
    const parts = [alice, "lice.o'hara", "client-user", "auth-user", "john doe", "johndoe", "source-route"];
    expect(parts.filter((part) => said.includes(part))).toEqual([]);
    expect(["plain-user", "orcpt-user"].filter((part) => said.includes(part))).toEqual([]);
    expect(said).toContain("***@example.org");
    expect(said).toContain("@example.net");
  });

  test("nor a name without a domain, in a command", async () => {
    const outcome = await replay(capture, "--redact", "-o", "ndjson");
    const said = exchangesOf(parseLines(outcome.stdout))
      .map(({ command }) => command)
      .join("\n");
    expect(["nodomain-user", "lonely-user"].filter((part) => said.includes(part))).toEqual([]);
  });

  test("without it addresses are shown", async () => {
    const said = await everything(capture);
    expect(said).toContain(alice);
    expect(said).toContain("johndoe@example.net");
  });

  test("the project's captures", async () => {
    const said = await everything(SHIPPED, "--redact");
    expect(said.match(/[\w.+-]+@[\w.-]*example\.(net|org)/g) ?? []).toEqual([]);
  });
});
