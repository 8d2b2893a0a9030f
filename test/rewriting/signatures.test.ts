/** Each signature: what must match, and what looks like it and must not. */
import { describe, expect, test } from "vitest";
import { ARTICLE_BANNER, GENUINE_BANNERS } from "./banners.ts";
import { foundIn, idsIn, talk } from "./found.ts";

const PLAIN = "220 mx.example.net ESMTP Postfix";
const EHLO = "250-mx.example.net\n250-PIPELINING\n250-SIZE 10240000\n250-STARTTLS\n250 8BITMIME";

describe("the banner", () => {
  test.each([
    ["PIX and ASA: 2, 0 and the blank behind 0 survive", "220 ****************2***0 ******0*"],
    ["a star only", "220 **********"],
    ["Postfix's own fixture", "220 ********"],
    ["without a blank behind the code", "220****"],
    ["joined, from the article", `220 ${ARTICLE_BANNER.join("")}`],
    ["several lines, all masked, the hyphen kept", "220-*****\n220-**2**\n220 ****"],
    ["all of it, the code too", "*** ************************"],
    ["with blanks kept", "220 **** ***** *******"],
    ["a hyphen overwritten in a single line", "220*mx"],
  ])("%s", (_why, banner) => {
    const want = banner === "220*mx" ? [] : ["banner-masked"];
    expect(idsIn(talk(banner, "HELO a", "250 mx.example.net"))).toEqual(want);
  });

  test.each([
    ...GENUINE_BANNERS.map(({ line }) => line.replace(/^220-/, "220 ")),
    "220-***************************************\n220-mx.example.net ESMTP\n220 ***************************************",
    "220-mx.example.net ESMTP\n220-*****\n220 *****",
    "220 ",
    "220 -",
    "220-\n220 ",
    "554 ****",
    "421 *******",
    "220 2020 0202",
  ])("not: %s", (banner) => {
    const host = /^220 ([\w.-]+\.\w+)/.exec(banner)?.[1] ?? "mx.example.net";
    expect(idsIn(talk(banner, "EHLO a", EHLO.replace("mx.example.net", host)))).toEqual([]);
  });

  test.each([
    ["wrapped as printed", `220\n${ARTICLE_BANNER.join("\n")}`],
    ["wrapped behind the code", `220 ${ARTICLE_BANNER.join("\n")}`],
  ])("that of the article, %s on the wire", (_how, banner) => {
    for (const hello of ["HELO", "EHLO"]) {
      const findings = foundIn(
        talk(banner, `${hello} a`, "250 mx.example.net"),
        talk(banner, "QUIT", "221 bye"),
      );
      expect(findings.map(({ id, dialogues }) => [id, dialogues])).toEqual([["rewriting/banner-masked", 2]]);
      expect(findings[0]!.claim).toContain("Exchange 2003 SP1");
      expect(findings[0]!.evidence[0]).toMatchObject({ text: banner.replaceAll("\n", " / ") });
    }
  });

  test.each([
    ["a line of stars behind a genuine banner", "220 mx.example.net ESMTP\n*************"],
    ["text behind a masked one", "220 ***********\n* welcome *"],
  ])("not: %s", (_why, banner) => {
    expect(idsIn(talk(banner, "HELO a", "250 mx.example.net"))).toEqual([]);
  });

  test("that of the article is named, with what it was", () => {
    const [finding] = foundIn(talk(`220 ${ARTICLE_BANNER.join("")}`, "HELO a", "250 mx.example.net"));
    expect(finding).toMatchObject({ id: "rewriting/banner-masked", basis: "likely", severity: "warning" });
    expect(finding!.claim).toContain("Exchange 2003");
    expect(finding!.originals![0]!.candidates[0]!.text).toContain(
      "Microsoft ESMTP MAIL Service, Version: 6.0.3790.1830",
    );
    expect(finding!.evidence).toEqual([
      expect.objectContaining({
        file: "a.pcap",
        frame: 4,
        tcpStream: 0,
        text: `220 ${ARTICLE_BANNER.join("")}`,
      }),
    ]);
  });

  test("with the host from the EHLO reply, the original is known to the letter", () => {
    const masked = `220 ${"*".repeat("mx.example.net ESMTP Postfix (Debian/GNU)".length)}`;
    const [finding] = foundIn(talk(masked, "EHLO a", EHLO));
    expect(finding!.originals![0]!.candidates[0]!.text).toBe("220 mx.example.net ESMTP Postfix (Debian/GNU)");
  });
});

describe("the reply to EHLO", () => {
  const exchange =
    "250-exch.example.net Hello [198.51.100.7]\n250-XXXA\n250-SIZE\n250-ETRN\n250-PIPELINING\n250-DSN\n250-ENHANCEDSTATUSCODES\n" +
    `250-8BITMIME\n250-BINARYMIME\n250-XXXXXXXB\n250-XXXC\n250-${"X".repeat(23)}D\n250-AUTH GSSAPI NTLM LOGIN\n250-XXXXXXXXXE\n250 XF`;
  test.each<readonly [string, string, readonly string[]]>([
    ["Exchange 2003 behind an ASA", exchange, ["chunking-stripped", "ehlo-keyword-masked"]],
    [
      "STARTTLS masked",
      "250-mx.example.net\n250-PIPELINING\n250-XXXXXXXA\n250 DSN",
      ["ehlo-keyword-masked", "starttls-masked"],
    ],
    ["HELP masked, STARTTLS not", `${EHLO.replace("250 8", "250-8")}\n250 XXXA`, ["ehlo-keyword-masked"]],
    [
      "X's without a letter",
      "250-mx.example.net\n250-XXXXXXXX\n250 DSN",
      ["ehlo-keyword-masked", "starttls-masked"],
    ],
    ["stars", "250-mx.example.net\n250-********\n250 DSN", ["ehlo-keyword-masked", "starttls-masked"]],
    ["BINARYMIME alone", "250-mx.example.net\n250-BINARYMIME\n250 DSN", ["chunking-stripped"]],
    ["bare", "250 OK", ["ehlo-bare"]],
    ["bare, enhanced", "250 2.0.0 Ok", ["ehlo-bare"]],
    ["another host", "250-proxy.example.org\n250 DSN", ["host-mismatch"]],
  ])("%s", (_why, reply, want) => {
    expect(
      idsIn(
        talk(
          PLAIN.replace("mx.example.net", reply.includes("exch") ? "exch.example.net" : "mx.example.net"),
          "EHLO a",
          reply,
        ),
      ),
    ).toEqual(want);
  });

  test.each([
    [
      "private keywords",
      "250-mx.example.net\n250-X-EXPS NTLM\n250-X-EXPS=LOGIN\n250-XEXCH50\n250-X-LINK2STATE\n250-X-ANONYMOUSTLS\n250-XRDST\n250-XSHADOW\n250 OK",
    ],
    [
      "Postfix's",
      "250-mx.example.net\n250-XCLIENT NAME ADDR PROTO HELO\n250-XFORWARD NAME ADDR\n250-XVERP\n250 XXX-CUSTOM",
    ],
    ["one X and a letter", "250-mx.example.net\n250 XA"],
    ["letters out of order", "250-mx.example.net\n250-XXXXXXXB\n250 XXXA"],
    ["both CHUNKING and BINARYMIME", "250-mx.example.net\n250-BINARYMIME\n250 CHUNKING"],
    ["a host alone", "250 mx.example.net"],
    ["a host and a greeting", "250 mx.example.net OK"],
    ["another host of the same domain", "250-node7.example.net\n250 DSN"],
    ["a short name", "250-mx\n250 DSN"],
    ["the name inside its network", "250-EXCH01.corp.local Hello [198.51.100.7]\n250-SIZE\n250 DSN"],
    ["a name without a public domain", "250-mail.lan\n250 DSN"],
  ])("not: %s", (_why, reply) => {
    expect(idsIn(talk(PLAIN, "EHLO a", reply))).toEqual([]);
  });

  test("HELO may be answered by 250 OK", () => {
    expect(idsIn(talk(PLAIN, "HELO a", "250 OK"))).toEqual([]);
  });
});

describe("commands", () => {
  test.each<readonly [string, readonly string[], readonly string[]]>([
    ["STARTTLS offered and unknown", ["STARTTLS", "500 Unsupported command."], ["starttls-refused"]],
    ["STARTTLS offered, 502", ["STARTTLS", "502 5.5.2 Error: command not recognized"], ["starttls-refused"]],
    [
      "the server complains of X's",
      ["STARTTLS", '500 5.5.1 Command unrecognized: "XXXXXXXX"'],
      ["command-masked", "starttls-refused"],
    ],
    ["at the server: X's", ["XXXXXXXX", "500 5.5.1 unknown"], ["command-masked"]],
    ["at the server: x's", ["xxxxxxxx", "502 unimplemented"], ["command-masked"]],
    ["at the server: only the verb", ["XXXX 100 LAST", "500 5.5.1 unknown"], ["command-masked"]],
    ["at the server: stars", ["********", "500 what"], ["command-masked"]],
    ["STARTTLS answered like NOOP", ["STARTTLS", "250 2.0.0 OK"], ["command-noop"]],
    ["AUTH answered like NOOP", ["AUTH LOGIN", "250 OK"], ["command-noop"]],
    ["VRFY offered and unknown", ["VRFY a", "502 5.5.1 VRFY unrecognized."], ["command-refused"]],
  ])("%s", (_why, [command, reply], want) => {
    const offers = `${EHLO.replace("250 8BITMIME", "250-VRFY\n250 8BITMIME")}`;
    expect(idsIn(talk(PLAIN, "EHLO a", offers, command!, reply!, "QUIT", "221 bye"))).toEqual(want);
  });

  test.each<readonly [string, readonly string[]]>([
    ["STARTTLS for a while not available", ["STARTTLS", "454 4.7.0 TLS not available"]],
    ["STARTTLS with an argument", ["STARTTLS now", "501 5.5.4 Syntax: STARTTLS"]],
    ["XCLIENT refused", ["XCLIENT NAME=x", "550 5.7.0 insufficient authorization"]],
    ["XFORWARD unknown", ["XFORWARD NAME=x", "502 5.5.1 unrecognized"]],
    ["XEXCH50", ["XEXCH50 8 2", "504 Need to authenticate first"]],
    ["an unknown command that the client did say in X's", ["XXXX-TEST", "500 unknown command XXXX-TEST"]],
    ["VRFY not allowed", ["VRFY a", "550 5.1.1 no such user"]],
    ["VRFY not verified", ["VRFY a", "252 2.0.0 a"]],
    ["NOOP", ["NOOP", "250 2.0.0 Ok"]],
    ["a stars' text in a refusal", ["RCPT TO:<a@b>", "550 *** no such user ***"]],
    ["HELP not there", ["HELP", "502 5.5.1 HELP not implemented"]],
  ])("not: %s", (_why, [command, reply]) => {
    const offers = `${EHLO.replace("250 8BITMIME", "250-VRFY\n250 8BITMIME")}`;
    expect(idsIn(talk(PLAIN, "EHLO a", offers, command!, reply!, "QUIT", "221 bye"))).toEqual([]);
  });

  test("STARTTLS that was never offered may be refused", () => {
    const offers = "250-mx.example.net\n250 DSN";
    expect(idsIn(talk(PLAIN, "EHLO a", offers, "STARTTLS", "502 5.5.1 unknown"))).toEqual([]);
  });

  test("EHLO that arrived as NOOP", () => {
    expect(
      idsIn(talk(PLAIN, "NOOP client.example.org", "250 2.0.0 Ok", "MAIL FROM:<a@b>", "250 ok")),
    ).toEqual(["command-noop"]);
    expect(idsIn(talk(PLAIN, "NOOP     ", "250 2.0.0 Ok", "MAIL FROM:<a@b>", "250 ok"))).toEqual([
      "command-noop",
    ]);
    expect(idsIn(talk(PLAIN, "NOOP", "250 2.0.0 Ok", "QUIT", "221 bye"))).toEqual([]);
  });
});

describe("what is dropped", () => {
  const envelope = ["EHLO a", EHLO, "MAIL FROM:<a@b>", "250 ok", "RCPT TO:<c@d>", "250 ok", "DATA", "354 go"];
  const dot = (banner: string, ...pieces: string[]) =>
    `${talk(banner, ...envelope)}\n${pieces.map((piece, i) => `${20_000 + i} C> ${piece}`).join("\n")}\n900000000 C. rst`;

  test("a dot in pieces that is never answered, behind a masked banner", () => {
    const masked = "220 ********************";
    expect(idsIn(dot(masked, String.raw`hello\r\n.`, String.raw`\r\n`))).toEqual([
      "banner-masked",
      "end-of-data-held",
    ]);
    expect(idsIn(dot(PLAIN, String.raw`hello\r\n.\r`, String.raw`\n`))).toEqual(["end-of-data-held"]);
  });

  test("not: a dot in a packet of its own, or answered", () => {
    expect(idsIn(dot(PLAIN, String.raw`hello\r\n`, String.raw`.\r\n`))).toEqual([]);
    expect(
      idsIn(
        dot(PLAIN, String.raw`hello\r\n.`, String.raw`\r\n`).replace(
          "900000000 C. rst",
          String.raw`30000 S< 250 ok\r\n`,
        ),
      ),
    ).toEqual([]);
  });

  test("a line of more than 512 octets, and one of 512", () => {
    const mail = (octets: number) => `MAIL FROM:<${"a".repeat(octets - "MAIL FROM:<>\r\n".length)}>`;
    const dropped = (octets: number) => `${talk(PLAIN, "EHLO a", EHLO, mail(octets))}\n900000000 C. rst`;
    expect(idsIn(dropped(513))).toEqual(["line-too-long-dropped"]);
    expect(idsIn(dropped(512))).toEqual([]);
    expect(idsIn(talk(PLAIN, "EHLO a", EHLO, mail(600), "500 5.5.2 line too long"))).toEqual([]);
  });

  test("the recipient behind the hundredth, and behind the ninetieth", () => {
    const dropped = (accepted: number) => {
      const said = Array.from({ length: accepted }, (_, i) => [`RCPT TO:<u${i}@d>`, "250 ok"]).flat();
      return `${talk(PLAIN, "EHLO a", EHLO, "MAIL FROM:<a@b>", "250 ok", ...said, "RCPT TO:<last@d>")}\n900000000 C. rst`;
    };
    expect(idsIn(dropped(100))).toEqual(["rcpt-limit-dropped"]);
    expect(idsIn(dropped(90))).toEqual([]);
  });
});

describe("mail shields", () => {
  test.each([
    "220 CheckPoint FireWall-1 secure SMTP server",
    "220 mail.example.net SMTP Proxy Server Ready",
    "220 SMTP proxy ready",
    "220 firewall.example.net SMTP/smap Ready.",
  ])("%s", (banner) =>
    expect(idsIn(talk(banner, "HELO a", "250 mail.example.net"))).toEqual(["mail-shield"]),
  );
});

test("a dialogue that begins like one before is found as well, dates and clients' names aside", () => {
  const masked = (client: string) =>
    talk(
      "220 ******************",
      `EHLO ${client}`,
      `250-mx.example.net Hello ${client}\n250-XXXXXXXA\n250 DSN`,
    );
  const findings = foundIn(masked("a"), masked("b"), talk(PLAIN, "EHLO c", EHLO), masked("c"));
  expect(findings.map(({ id, dialogues }) => [id, dialogues])).toEqual([
    ["rewriting/starttls-masked", 3],
    ["rewriting/banner-masked", 3],
    ["rewriting/ehlo-keyword-masked", 3],
  ]);
});

test("what differs only where nothing may differ is looked at anew", () => {
  const exim = (second: number) =>
    `220 mx.example.net ESMTP Exim 4.96 Tue, 24 Nov 2026 20:20:${second} +0000`;
  const clean = [10, 11, 12].map((second) =>
    talk(exim(second), `EHLO c${second}`, `250-mx.example.net Hello c${second}\n250 DSN`),
  );
  const other = talk(exim(13), "EHLO d", "250-mx.example.net Hello d\n250-XXXXXXXA\n250 DSN");
  const host = talk(exim(14), "EHLO d", "250-mx.example.org Hello d\n250 DSN");
  expect(idsIn(...clean)).toEqual([]);
  expect(idsIn(...clean, other)).toEqual(["ehlo-keyword-masked", "starttls-masked"]);
  expect(idsIn(...clean, host)).toEqual(["host-mismatch"]);
});

describe("one banner for unrelated servers", () => {
  const at = (server: string, banner = "220 relay.provider.example ESMTP id 4711") =>
    `server ${server}\n${talk(banner, "QUIT", "221 bye")}`;

  test("three networks", () => {
    const [finding, ...others] = foundIn(
      at("192.0.2.25:25"),
      at("192.0.2.25:25", "220 relay.provider.example ESMTP id 4712"),
      at("198.51.100.25:25", "220 relay.provider.example ESMTP id 9"),
      at("[2001:db8::25]:25"),
    );
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "rewriting/shared-banner",
      dialogues: 4,
      basis: "likely",
      confidence: 0.5,
    });
    expect(finding!.claim).toContain("3 servers");
  });

  test.each<readonly [string, readonly string[]]>([
    ["two networks", [at("192.0.2.25:25"), at("198.51.100.25:25"), at("198.51.100.26:25")]],
    ["a farm in one network", ["1", "2", "3", "4"].map((host) => at(`192.0.2.${host}:25`))],
    [
      "other names",
      ["192.0.2.1:25", "198.51.100.1:25", "203.0.113.1:25"].map((server, i) =>
        at(server, `220 mx${i}.example.net ESMTP`),
      ),
    ],
    [
      "a large service",
      ["192.0.2.1:25", "198.51.100.1:25", "203.0.113.1:25"].map((server) =>
        at(server, "220 mx.google.com ESMTP a1b2 - gsmtp"),
      ),
    ],
    [
      "a service that filters mail",
      ["192.0.2.1:25", "198.51.100.1:25", "203.0.113.1:25"].map((server) =>
        at(server, "220 cluster5.eu.messagelabs.com ESMTP"),
      ),
    ],
    [
      "no name",
      ["192.0.2.1:25", "198.51.100.1:25", "203.0.113.1:25"].map((server) => at(server, "220 ESMTP ready")),
    ],
  ])("not: %s", (_why, scripts) => {
    expect(idsIn(...scripts)).toEqual([]);
  });
});

/** How servers begin, as captures and transcripts show it. */
describe("nothing is found in what servers say", () => {
  test.each<readonly [string, string, string]>([
    [
      "Gmail",
      "220 mx.google.com ESMTP a640c23a62f3a-aa4f41a8b0csi512345666b.12 - gsmtp",
      "250-mx.google.com at your service, [192.0.2.9]\n250-SIZE 157286400\n250-8BITMIME\n250-STARTTLS\n250-ENHANCEDSTATUSCODES\n250-PIPELINING\n250-CHUNKING\n250 SMTPUTF8",
    ],
    [
      "Exchange Online",
      "220 DB3PEPF0000885D.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026 20:20:01 +0000 [08DD0A1B2C3D4E5F]",
      "250-DB3PEPF0000885D.mail.protection.outlook.com Hello [192.0.2.9]\n250-SIZE 157286400\n250-PIPELINING\n250-DSN\n250-ENHANCEDSTATUSCODES\n250-STARTTLS\n250-8BITMIME\n250-BINARYMIME\n250-CHUNKING\n250 SMTPUTF8",
    ],
    [
      "Exchange",
      "220 exch.corp.example.com Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026 20:20:01 +0000",
      "250-exch.corp.example.com Hello [192.0.2.9]\n250-SIZE 37748736\n250-PIPELINING\n250-DSN\n250-ENHANCEDSTATUSCODES\n250-STARTTLS\n250-X-ANONYMOUSTLS\n250-AUTH NTLM\n250-X-EXPS GSSAPI NTLM\n250-8BITMIME\n250-BINARYMIME\n250-CHUNKING\n250-XEXCH50\n250-XRDST\n250 XSHADOW",
    ],
    [
      "Exchange 2003",
      "220 exch.example.com Microsoft ESMTP MAIL Service, Version: 6.0.3790.4675 ready at  Tue, 24 Nov 2009 20:20:01 +0200",
      "250-exch.example.com Hello [192.0.2.9]\n250-TURN\n250-SIZE\n250-ETRN\n250-PIPELINING\n250-DSN\n250-ENHANCEDSTATUSCODES\n250-8bitmime\n250-BINARYMIME\n250-CHUNKING\n250-VRFY\n250-X-EXPS GSSAPI NTLM LOGIN\n250-X-EXPS=LOGIN\n250-AUTH GSSAPI NTLM LOGIN\n250-AUTH=LOGIN\n250-X-LINK2STATE\n250-XEXCH50\n250 OK",
    ],
    [
      "Yahoo",
      "220 mtaproxy402.free.mail.ne1.yahoo.com ESMTP ready",
      "250-mtaproxy402.free.mail.ne1.yahoo.com\n250-PIPELINING\n250-SIZE 41943040\n250-8BITMIME\n250 STARTTLS",
    ],
    [
      "iCloud",
      "220 iCloud SMTP - p00-icloudmta-asmtp-us-east-1a-10 1.0",
      "250-p00-icloudmta-asmtp-us-east-1a-10\n250-PIPELINING\n250-SIZE 28311552\n250-ENHANCEDSTATUSCODES\n250 STARTTLS",
    ],
    [
      "GMX",
      "220 gmx.net (mxgmx101) Nemesis ESMTP Service ready",
      "250-gmx.net Hello client [192.0.2.9]\n250-8BITMIME\n250-SIZE 157286400\n250 STARTTLS",
    ],
    [
      "Coremail",
      "220 163.com Anti-spam GT for Coremail System (163com[20141201])",
      "250-mail\n250-PIPELINING\n250-AUTH LOGIN PLAIN XOAUTH2\n250-AUTH=LOGIN PLAIN XOAUTH2\n250-coremail 1Uxr2xKj7kG0xkI17xGrU7I0s8FY2U3Uj8Cz28x1UUUUU7Ic2I0Y2UFRbmXhUCa0xDrUUUUj\n250-STARTTLS\n250-ID\n250 8BITMIME",
    ],
    [
      "Cisco ESA",
      "220 esa1.example.co.uk ESMTP",
      "250-esa1.example.co.uk\n250-8BITMIME\n250-SIZE 20971520\n250 STARTTLS",
    ],
    [
      "Barracuda",
      "220 mx-inbound12-34.us-east-2a.ess.aws.cudaops.com ESMTP (0123456789abcdef0123456789abcdef)",
      "250-mx-inbound12-34.us-east-2a.ess.aws.cudaops.com Hello client [192.0.2.9], pleased to meet you\n250-SIZE 100000000\n250-STARTTLS\n250-PIPELINING\n250-8BITMIME\n250 HELP",
    ],
    [
      "Sendmail",
      "220 relay.example.edu ESMTP Sendmail 8.17.1/8.17.1; Tue, 24 Nov 2026 20:20:01 GMT",
      "250-relay.example.edu Hello client [192.0.2.9], pleased to meet you\n250-ENHANCEDSTATUSCODES\n250-PIPELINING\n250-EXPN\n250-VERB\n250-8BITMIME\n250-SIZE\n250-DSN\n250-ETRN\n250-DELIVERBY\n250 HELP",
    ],
    ["a short domain of a country", "220 mx1.bt.de ESMTP", "250-mail7.bt.de\n250 8BITMIME"],
    [
      "an administrator's decoration",
      "220-**********************************\n220-*** mail.example.net, no spam! ***\n220 **********************************",
      "250-mail.example.net\n250 HELP",
    ],
  ])("%s", (_who, banner, hello) => {
    expect(
      idsIn(talk(banner, "EHLO client.example.org", hello, "MAIL FROM:<a@b>", "250 ok", "QUIT", "221 bye")),
    ).toEqual([]);
  });
});
