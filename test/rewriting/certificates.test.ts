/** Certificates against names, against other ports, and against the server's own. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { learn } from "../../src/rewriting/reference/learn.ts";
import { describeWith } from "../capture/file/tools.ts";
import { clientHello, record, serverHello } from "../dialogue/records.ts";
import { foundAgainst, foundIn, talk } from "./found.ts";

const length = (bytes: number) => bytes.toString(16).padStart(6, "0");

function certificate(subject: string, names: readonly string[]): Buffer {
  const options =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout /dev/null -outform DER";
  const extension = `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`;
  return execFileSync("openssl", [...options.split(" "), "-subj", subject, "-addext", extension], {
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** A dialogue on this port whose server shows this certificate. */
function dialogue(der: Buffer, port = 25): string {
  const hex = der.toString("hex");
  const body = length(der.length + 3) + length(der.length) + hex;
  const flight = `${serverHello("1.2")}0b${length(body.length / 2)}${body}0e000000`;
  const begins = talk(
    "220 mx.example.net ESMTP",
    "EHLO a",
    "250-mx.example.net\n250 STARTTLS",
    "STARTTLS",
    "220 ready",
  );
  return `${port}\nserver 192.0.2.25:${port}\n${begins}\n9000 C# ${clientHello()}\n9100 S# ${record(22, flight)}`;
}

const ids = (findings: ReturnType<typeof foundIn>) => findings.map(({ id, basis }) => `${id} ${basis}`);

describeWith(["openssl"], "certificates", () => {
  const own = certificate("/CN=mx.example.net/O=Example", ["mx.example.net", "mail.example.net"]);
  const renewed = certificate("/CN=mx.example.net/O=Example", ["mx.example.net"]);
  const device = certificate("/CN=mx.example.net/O=Firewall CA", ["mx.example.net"]);
  const hosting = certificate("/CN=*.provider.example.org", ["*.provider.example.org"]);

  test("for the server's own name, or another of its domain", () => {
    expect(ids(foundIn(dialogue(own), dialogue(certificate("/CN=x", ["*.example.net"]))))).toEqual([]);
  });

  test("for another domain is a hint", () => {
    const [finding, ...others] = foundIn(dialogue(hosting));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "rewriting/certificate-mismatch",
      severity: "info",
      confidence: 0.4,
    });
    expect(finding!.claim).toContain("*.provider.example.org");
    expect(finding!.evidence[0]!.frame).toBe(10);
  });

  test("without names that are hosts says nothing", () => {
    expect(ids(foundIn(dialogue(certificate("/CN=debian", ["debian"]))))).toEqual([]);
  });

  test("of other issuers on other ports of one address", () => {
    const found = foundIn(dialogue(device, 25), dialogue(own, 587), dialogue(own, 587));
    expect(ids(found)).toEqual(["rewriting/certificate-differs likely"]);
    expect(found[0]).toMatchObject({ dialogues: 3 });
    expect(ids(foundIn(dialogue(own, 25), dialogue(renewed, 587)))).toEqual([]);
    expect(ids(foundIn(dialogue(own, 25), dialogue(device, 25)))).toEqual([]);
  });

  describe("against the server's own", () => {
    const answers = { replies: { "(connect)": "220 mx.example.net ESMTP\r\n" } };
    const reference = (issuer: string) =>
      learn("localhost:25", "2026-11-24T00:00:00Z", [
        {
          ...answers,
          certificate: { fingerprint: "00", subject: "CN=mx.example.net, O=Example", issuer, names: [] },
        },
      ]);

    test("another is proved, a renewed one is not", () => {
      const mine = [reference("CN=mx.example.net, O=Example")];
      expect(ids(foundAgainst(mine, dialogue(own)))).toEqual([]);
      expect(ids(foundAgainst(mine, dialogue(renewed)))).toEqual([]);
      expect(ids(foundAgainst(mine, dialogue(device)))).toEqual(["rewriting/tls-replaced seen"]);
    });
  });
});
