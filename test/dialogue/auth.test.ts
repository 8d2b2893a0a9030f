import { describe, expect, test } from "vitest";
import { afterHello, HELLO, parse, play, type Run, resplit } from "./playbook.ts";

/** Secrets of these tests, and what their base64 is made of. */
const USER = "dXNlcm5hbWU=";
const PASSWORD = "c2VjcmV0LXBhc3N3b3Jk";
const PLAIN = "AHVzZXJuYW1lAHNlY3JldC1wYXNzd29yZA==";

const SECRETS = [USER, PASSWORD, PLAIN, "VzZXJuYW1l", "c2VjcmV0", "nlcm5h", "NyZXQtc"];

const BEHIND = { how: "look behind" } as const;

/** Secrets that somebody could find in what a run gave away. */
function leaked(run: Run): string[] {
  const everything = run.everything();
  return SECRETS.filter((secret) => everything.includes(secret));
}

/** Plays the rest of a dialogue, whole and cut into single bytes, and looks for secrets in everything. */
function guarded(text: string): string[] {
  const whole = afterHello(text, BEHIND);
  const script = parse(`${HELLO}\n${text}`);
  for (const run of [
    whole,
    play(
      resplit(script, () => true),
      BEHIND,
    ),
  ]) {
    expect(leaked(run)).toEqual([]);
  }
  return whole.brief;
}

describe("AUTH", () => {
  test("PLAIN with an initial response", () => {
    expect(
      guarded(String.raw`
        2000 C> AUTH PLAIN ${PLAIN}\r\n
        2100 S< 235 welcome\r\n
        2200 C> MAIL FROM:<a>\r\n
        2300 S< 250 ok\r\n`),
    ).toEqual(["AUTH PLAIN [redacted] → 235 think 100", "MAIL FROM:<a> → 250 think 100"]);
  });

  test("PLAIN with a challenge", () => {
    expect(
      guarded(String.raw`
        2000 C> AUTH PLAIN\r\n
        2100 S< 334 \r\n
        2200 C> ${PLAIN}\r\n
        2900 S< 235 welcome\r\n
        3000 C> QUIT\r\n
        3100 S< 221 bye\r\n`),
    ).toEqual(["AUTH PLAIN → 334 think 100", "[redacted] → 235 think 700", "QUIT → 221 think 100"]);
  });

  test("LOGIN with challenges: verb, phase and command", () => {
    const run = afterHello(String.raw`
      2000 C> AUTH LOGIN\r\n
      2100 S< 334 VXNlcm5hbWU6\r\n
      2200 C> ${USER}\r\n
      2300 S< 334 UGFzc3dvcmQ6\r\n
      2400 C> ${PASSWORD}\r\n
      2500 S< 235 welcome\r\n`);
    expect(run.exchanges.map((e) => [e.verb, e.phase, e.command, e.code])).toEqual([
      ["AUTH", "auth", "AUTH LOGIN", 334],
      ["(auth)", "auth", "[redacted]", 334],
      ["(auth)", "auth", "[redacted]", 235],
    ]);
  });

  test("given up with an asterisk", () => {
    expect(
      guarded(String.raw`
        2000 C> AUTH LOGIN\r\n
        2100 S< 334 VXNlcm5hbWU6\r\n
        2200 C> *\r\n
        2300 S< 501 cancelled\r\n
        2400 C> QUIT\r\n
        2500 S< 221 bye\r\n`),
    ).toEqual(["AUTH LOGIN → 334 think 100", "[redacted] → 501 think 100", "QUIT → 221 think 100"]);
  });

  test("an empty answer to a challenge", () => {
    expect(
      guarded(String.raw`
        2000 C> AUTH GSSAPI =\r\n
        2100 S< 334 \r\n
        2200 C> \r\n
        2300 S< 235 ok\r\n`),
    ).toEqual(["AUTH GSSAPI [redacted] → 334 think 100", "[redacted] → 235 think 100"]);
  });

  test("refused, then tried again", () => {
    expect(
      guarded(String.raw`
        2000 C> AUTH CRAM-MD5\r\n
        2100 S< 504 no\r\n
        2200 C> AUTH LOGIN ${USER}\r\n
        2300 S< 334 UGFzc3dvcmQ6\r\n
        2400 C> ${PASSWORD}\r\n
        2500 S< 535 wrong\r\n
        2600 C> QUIT\r\n
        2700 S< 221 bye\r\n`),
    ).toEqual([
      "AUTH CRAM-MD5 → 504 think 100",
      "AUTH LOGIN [redacted] → 334 think 100",
      "[redacted] → 535 think 100",
      "QUIT → 221 think 100",
    ]);
  });

  test("credentials sent without waiting", () => {
    expect(
      guarded(String.raw`
        2000 C> AUTH LOGIN\r\n${USER}\r\n${PASSWORD}\r\nMAIL FROM:<a>\r\n
        2100 S< 334 VXNlcm5hbWU6\r\n
        2200 S< 334 UGFzc3dvcmQ6\r\n
        2300 S< 235 welcome\r\n
        2400 S< 250 ok\r\n`),
    ).toEqual([
      "AUTH LOGIN → 334 think 100",
      "[redacted] → 334 think 200 service 100 behind 1",
      "[redacted] → 235 think 300 service 100 behind 2",
      "MAIL FROM:<a> → 250 think 400 service 100 behind 3",
    ]);
  });

  test("credentials sent without waiting, and AUTH refused", () => {
    expect(
      guarded(String.raw`
        2000 C> AUTH LOGIN\r\n${USER}\r\n${PASSWORD}\r\nQUIT\r\n
        2100 S< 502 no\r\n
        2200 S< 500 what\r\n500 what\r\n
        2300 S< 221 bye\r\n`),
    ).toEqual([
      "AUTH LOGIN → 502 think 100",
      "[redacted] → 500 think 200 service 100 behind 1",
      "[redacted] → 500 think 200 service 0 behind 2",
      "QUIT → 221 think 300 service 100 behind 3",
    ]);
  });

  test("credentials in lines over several segments", () => {
    expect(
      guarded(String.raw`
        2000 C> AUTH LO
        2010 C> GIN dXN
        2020 C> lcm5hbWU=\r
        2030 C> \n
        2100 S< 334 UGFzc3dvcmQ6\r\n
        2200 C> c2Vjcm
        2210 C> V0LXBhc3N3b3Jk
        2220 C> \r\n
        2300 S< 235 welcome\r\n`),
    ).toEqual(["AUTH LOGIN [redacted] → 334 think 70", "[redacted] → 235 think 80"]);
  });

  test.each([
    ["lower case", String.raw`auth plain ${PLAIN}`],
    ["several blanks", String.raw`AUTH   PLAIN   ${PLAIN}`],
    ["a tab before the secret", String.raw`AUTH PLAIN\t${PLAIN}`],
    ["tabs all over", String.raw`AUTH\tPLAIN\t${PLAIN}`],
    ["a blank in front", String.raw` AUTH PLAIN ${PLAIN}`],
    ["a bare line feed in front", String.raw`\nAUTH PLAIN ${PLAIN}`],
    ["a CR in front", String.raw`\rAUTH PLAIN ${PLAIN}`],
    ["a NUL in front", String.raw`\0AUTH PLAIN ${PLAIN}`],
    ["a colon", String.raw`AUTH: PLAIN ${PLAIN}`],
    ["no blank after AUTH", String.raw`AUTHPLAIN ${PLAIN}`],
    ["the mechanism left out", String.raw`AUTH ${PASSWORD}`],
    ["the mechanism left out, padded", String.raw`AUTH ${PLAIN}`],
    ["a bare CR before the secret", String.raw`AUTH PLAIN\r${PLAIN}`],
  ])("an odd spelling hides no secret: %s", (_, command) => {
    guarded(String.raw`
      2000 C> ${command}\r\n
      2100 S< 500 what\r\n
      2200 C> QUIT\r\n
      2300 S< 500 what\r\n
      2400 S< 221 bye\r\n`);
  });

  test("a reply in the middle of the AUTH line", () => {
    guarded(String.raw`
      2000 C> AU
      2050 S< 250 what\r\n
      2100 C> TH PLAIN ${PLAIN}\r\n
      2200 S< 235 ok\r\n`);
    guarded(String.raw`
      2000 C> AUTH PL
      2050 S< 250 what\r\n
      2100 C> AIN ${PLAIN}\r\n
      2200 S< 235 ok\r\n`);
  });

  test("a reply in the middle of an answer", () => {
    guarded(String.raw`
      2000 C> AUTH LOGIN\r\n
      2100 S< 334 VXNlcm5hbWU6\r\n
      2200 C> dXNlcm
      2250 S< 535 too slow\r\n
      2300 C> 5hbWU=\r\n
      2400 S< 500 what\r\n`);
  });

  test("a 421 in the middle of an answer", () => {
    guarded(String.raw`
      2000 C> AUTH LOGIN\r\n
      2100 S< 334 VXNlcm5hbWU6\r\n
      2250 S< 421 too slow\r\n
      2300 C> ${USER}\r\n
      2400 S. rst`);
  });

  test("a 421 answers AUTH while credentials are behind it", () => {
    guarded(String.raw`
      2000 C> NOOP\r\nAUTH LOGIN\r\n${USER}\r\n${PASSWORD}\r\n
      2250 S< 421 down\r\n
      2400 S. rst`);
  });

  test("the input ends before AUTH is answered", () => {
    guarded(String.raw`2000 C> AUTH LOGIN\r\n${USER}\r\n${PASSWORD}\r\n`);
    guarded(String.raw`2000 C> AUTH LOGIN\r\n / 2100 S< 334 VXNlcm5hbWU6\r\n / 2200 C> ${USER}`);
  });

  test("the reply to AUTH is missing", () => {
    guarded(String.raw`
      2000 C> AUTH LOGIN\r\n
      2100 S! 18
      2200 C> ${USER}\r\n
      2300 S< 334 UGFzc3dvcmQ6\r\n
      2400 C> ${PASSWORD}\r\n
      2500 S< 235 welcome\r\n`);
  });

  test("bytes are missing around secrets", () => {
    guarded(String.raw`
      2000 C> AUTH PLAIN AHVz
      2010 C! 10
      2020 C> ${PASSWORD}\r\n
      2100 S< 235 welcome\r\n`);
    guarded(String.raw`
      2000 C> AUTH LOGIN\r\n
      2100 S< 334 VXNlcm5hbWU6\r\n
      2200 C! 14
      2300 S< 334 UGFzc3dvcmQ6\r\n
      2400 C> ${PASSWORD}\r\n
      2500 S< 235 welcome\r\n`);
    guarded(String.raw`
      2000 C! 12
      2100 S< 334 VXNlcm5hbWU6\r\n
      2200 C> ${USER}\r\n
      2300 S< 334 UGFzc3dvcmQ6\r\n
      2400 C> ${PASSWORD}\r\n
      2500 S< 235 welcome\r\n`);
  });

  test("a stream joined at an answer", () => {
    const run = play(
      String.raw`
      2000 C> ${PASSWORD}\r\n
      2100 S< 235 welcome\r\n
      2200 C> MAIL FROM:<a>\r\n
      2300 S< 250 ok\r\n`,
      BEHIND,
    );
    expect(leaked(run)).toEqual([]);
    expect(run.brief.at(-1)).toMatch(/^MAIL FROM:<a> → 250 think 100/);
  });

  test("a stream joined at a challenge", () => {
    const run = play(
      String.raw`
      2000 S< 334 VXNlcm5hbWU6\r\n
      2100 C> ${USER}\r\n
      2200 S< 334 UGFzc3dvcmQ6\r\n
      2300 C> ${PASSWORD}\r\n
      2400 S< 235 welcome\r\n`,
      BEHIND,
    );
    expect(leaked(run)).toEqual([]);
  });

  test("only the client's side was captured", () => {
    const run = play(
      String.raw`oneway
      0 SYN / 20 ACK
      1000 C> EHLO a\r\n
      2000 C> AUTH LOGIN\r\n
      2200 C> ${USER}\r\n
      2400 C> ${PASSWORD}\r\n
      2600 C> MAIL FROM:<a>\r\n
      2800 C> QUIT\r\n`,
      BEHIND,
    );
    expect(leaked(run)).toEqual([]);
  });
});
