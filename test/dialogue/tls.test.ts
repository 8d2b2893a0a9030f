import { describe, expect, test } from "vitest";
import { afterHello, comparable, HELLO, parse, play, resplit } from "./playbook.ts";
import {
  ALERT,
  application,
  CERTIFICATE,
  CHANGE_CIPHER_SPEC,
  CLOSE_NOTIFY_13,
  clientHello,
  FINISHED,
  HELLO_DONE,
  KEY_EXCHANGE,
  record,
  SESSION_TICKET,
  serverHello,
} from "./records.ts";

const STARTTLS = String.raw`
  2000 C> STARTTLS\r\n
  2100 S< 220 ready\r\n`;

const FULL_12 = String.raw`
  3000 C# ${clientHello()}
  3400 S# ${record(22, serverHello("1.2") + CERTIFICATE)}
  3410 S# ${record(22, HELLO_DONE)}
  3500 C# ${KEY_EXCHANGE}${CHANGE_CIPHER_SPEC}${FINISHED}
  3700 S# ${SESSION_TICKET}${CHANGE_CIPHER_SPEC}
  3710 S# ${FINISHED}`;

const RESUMED_12 = String.raw`
  3000 C# ${clientHello()}
  3400 S# ${record(22, serverHello("1.2"))}${CHANGE_CIPHER_SPEC}${FINISHED}
  3500 C# ${CHANGE_CIPHER_SPEC}${FINISHED}`;

const FULL_13 = String.raw`
  3000 C# ${clientHello()}
  3400 S# ${record(22, serverHello("1.3"))}${CHANGE_CIPHER_SPEC}${application(900)}
  3410 S# ${application(60)}
  3500 C# ${CHANGE_CIPHER_SPEC}${application(53)}`;

const RETRY_13 = String.raw`
  3000 C# ${clientHello()}
  3100 S# ${record(22, serverHello("1.3"))}${CHANGE_CIPHER_SPEC}
  3200 C# ${CHANGE_CIPHER_SPEC}${clientHello(90)}
  3400 S# ${record(22, serverHello("1.3"))}${application(900)}
  3500 C# ${application(53)}`;

const TALK = String.raw`
  4000 C# ${application(40)}
  4300 S# ${application(200)}
  4310 S# ${application(20)}
  4400 C# ${application(40)}${application(40)}
  4410 C# ${application(10)}
  5000 S# ${application(30)}`;

const TALKED = ["(encrypted) → - think 300", "(encrypted) → - think 590"];

const SECURED = ["STARTTLS → 220 think 100", "(tls) → - think 400"];

/** Plays it whole, cut into single bytes and cut in two at every place of every chunk: all the same. */
function everyWay(text: string) {
  const script = parse(`${HELLO}\n${text}`);
  const whole = comparable(play(script));
  expect(comparable(play(resplit(script, () => true)))).toEqual(whole);
  for (let cut = 1; cut < 1000; cut += 7) {
    expect(comparable(play(resplit(script, (_, at) => at === cut)))).toEqual(whole);
  }
  return afterHello(text);
}

describe("STARTTLS", () => {
  test("TLS 1.2: the handshake ends with the server's Finished", () => {
    const run = everyWay(STARTTLS + FULL_12 + TALK);
    expect(run.brief).toEqual([...SECURED, ...TALKED]);
    const tls = run.conversation!.tls!;
    expect(tls).toMatchObject({ how: "starttls", version: "1.2", resumed: false });
    expect(tls.establishedAtUs! - tls.helloAtUs!).toBe(710);
    expect(run.conversation!.starttls).toBe("used");
    expect(run.exchanges.map((e) => e.phase)).toEqual(["starttls", "tls", "encrypted", "encrypted"]);
    expect(run.flags).toEqual([]);
  });

  test("TLS 1.2 resumed: it ends with the client's Finished", () => {
    const run = everyWay(STARTTLS + RESUMED_12 + TALK);
    expect(run.brief).toEqual([...SECURED, ...TALKED]);
    const tls = run.conversation!.tls!;
    expect(tls).toMatchObject({ version: "1.2", resumed: true });
    expect(tls.establishedAtUs! - tls.helloAtUs!).toBe(500);
  });

  test("TLS 1.3: it ends with the client's first record of application type", () => {
    const run = everyWay(STARTTLS + FULL_13 + TALK);
    expect(run.brief).toEqual([...SECURED, ...TALKED]);
    const tls = run.conversation!.tls!;
    expect(tls).toMatchObject({ version: "1.3", resumed: false });
    expect(tls.establishedAtUs! - tls.helloAtUs!).toBe(500);
  });

  test("TLS 1.3 with a HelloRetryRequest", () => {
    const run = everyWay(STARTTLS + RETRY_13 + TALK);
    expect(run.brief).toEqual(["STARTTLS → 220 think 100", "(tls) → - think 100", ...TALKED]);
    expect(run.conversation!.tls!.establishedAtUs! - run.conversation!.tls!.helloAtUs!).toBe(500);
  });

  test("TLS 1.3: session tickets before the client says anything are no answer", () => {
    const run = everyWay(`${STARTTLS}${FULL_13}\n3600 S# ${application(250)}${application(250)}\n${TALK}`);
    expect(run.brief).toEqual([...SECURED, ...TALKED]);
  });

  test("TLS 1.3: the Finished and the first command in one segment", () => {
    const run = everyWay(String.raw`${STARTTLS}
      3000 C# ${clientHello()}
      3400 S# ${record(22, serverHello("1.3"))}${CHANGE_CIPHER_SPEC}${application(900)}
      3500 C# ${CHANGE_CIPHER_SPEC}${application(53)}${application(30)}
      3900 S# ${application(100)}`);
    expect(run.brief).toEqual([...SECURED, "(encrypted) → - think 400"]);
  });

  test("TLS 1.3: the client's close_notify is no command", () => {
    const run = everyWay(`${STARTTLS}${FULL_13}${TALK}\n6000 C# ${CLOSE_NOTIFY_13}\n6001 C. fin`);
    expect(run.brief).toEqual([...SECURED, ...TALKED]);
  });

  test("TLS 1.2: alerts are no turns", () => {
    const run = everyWay(`${STARTTLS}${FULL_12}${TALK}\n6000 C# ${ALERT}\n6100 S# ${ALERT}\n6200 C. fin`);
    expect(run.brief).toEqual([...SECURED, ...TALKED]);
  });

  test("a ClientHello of two segments is asked with its last byte", () => {
    const hello = clientHello(1700);
    const run = everyWay(String.raw`${STARTTLS}
      3000 C# ${hello.slice(0, 2000)}
      3050 C# ${hello.slice(2000)}
      3400 S# ${record(22, serverHello("1.3"))}`);
    expect(run.brief).toEqual(["STARTTLS → 220 think 100", "(tls) → - think 350"]);
    expect(run.exchanges[1]!.askedFrames).toEqual([9, 10]);
  });

  test("a ClientHello in two records", () => {
    const hello = clientHello(200).slice(10);
    const run = everyWay(String.raw`${STARTTLS}
      3000 C# ${record(22, hello.slice(0, 100))}
      3050 C# ${record(22, hello.slice(100))}
      3400 S# ${record(22, serverHello("1.3"))}`);
    expect(run.brief).toEqual(["STARTTLS → 220 think 100", "(tls) → - think 350"]);
  });

  test("a server that refuses the ClientHello with an alert", () => {
    const run = everyWay(String.raw`${STARTTLS}
      3000 C# ${clientHello()}
      3400 S# ${record(21, "0228")}
      3500 S. fin`);
    expect(run.brief).toEqual(["STARTTLS → 220 think 100", "(tls) → - !unanswered"]);
  });

  test("refused", () => {
    const run = everyWay(String.raw`
      2000 C> STARTTLS\r\n
      2100 S< 454 not now\r\n
      2200 C> MAIL FROM:<a>\r\n
      2300 S< 250 ok\r\n`);
    expect(run.brief).toEqual(["STARTTLS → 454 think 100", "MAIL FROM:<a> → 250 think 100"]);
    expect(run.conversation!.tls).toBeNull();
    expect(run.conversation!.starttls).toBe("offered");
  });

  test("plaintext after STARTTLS: an already decrypted capture", () => {
    const run = everyWay(String.raw`${STARTTLS}
      3000 C> EHLO a\r\n
      3100 S< 250-mx\r\n250 ok\r\n
      3200 C> QUIT\r\n
      3300 S< 221 bye\r\n`);
    expect(run.brief).toEqual(["STARTTLS → 220 think 100", "EHLO a → 250 think 100", "QUIT → 221 think 100"]);
    expect(run.flags).toEqual(["decrypted"]);
  });

  test("plaintext pipelined behind STARTTLS: the injection, or a client that sees no TLS", () => {
    const run = everyWay(String.raw`
      2000 C> STARTTLS\r\nMAIL FROM:<inject>\r\n
      2100 S< 220 ready\r\n
      2200 S< 250 ok\r\n`);
    expect(run.brief).toEqual([
      "STARTTLS → 220 think 100",
      "MAIL FROM:<inject> → 250 think 200 service 100 behind 1",
    ]);
  });

  test("nothing after STARTTLS", () => {
    const run = everyWay(`${STARTTLS}\n9000 C. fin`);
    expect(run.brief).toEqual(["STARTTLS → 220 think 100"]);
  });

  test("the records end in the middle", () => {
    const run = everyWay(`${STARTTLS}${FULL_13}\n4000 C# 1703030100aabb\n5000 C. rst`);
    expect(run.brief).toEqual([...SECURED, "(encrypted) → - !unanswered"]);
  });

  test("a gap within a record leaves the rest in step; what it touches is tainted", () => {
    const run = everyWay(String.raw`${STARTTLS}${FULL_13}
      4000 C# ${application(40)}
      4300 S# 1703030100aabb
      4310 S! 200
      4320 S# ${"00".repeat(54)}
      4400 C# ${application(40)}
      4500 S# ${application(40)}`);
    expect(run.brief).toEqual([...SECURED, "(encrypted) → - think 300 !gap", "(encrypted) → - think 100"]);
  });

  test("a gap across records: nothing further is recorded", () => {
    const run = everyWay(String.raw`${STARTTLS}${FULL_13}
      4000 C# ${application(40)}
      4300 S! 200
      4320 S# ${application(54)}
      4400 C# ${application(40)}
      4500 S# ${application(40)}`);
    expect(run.brief.slice(2).every((line) => line.includes("!gap"))).toBe(true);
  });

  test("the ClientHello is missing: the server's records are no replies", () => {
    const run = everyWay(String.raw`${STARTTLS}
      3000 C! 300
      3400 S# ${record(22, serverHello("1.2") + CERTIFICATE)}
      3401 S< 250 random\r\n250 bytes\r\nnothing\n\0\n
      3500 C# ${KEY_EXCHANGE}${CHANGE_CIPHER_SPEC}${FINISHED}`);
    expect(run.brief).toEqual(["STARTTLS → 220 think 100"]);
    expect(run.flags).toEqual(["gap"]);
  });

  test("bytes that are no records any more", () => {
    const run = everyWay(String.raw`${STARTTLS}${FULL_13}
      4000 C# ffffffffffffffffffff
      4100 S# ffffffffffffffffffff`);
    expect(run.brief).toEqual(SECURED);
  });

  test("X-ANONYMOUSTLS of Exchange", () => {
    const run = everyWay(String.raw`
      2000 C> X-ANONYMOUSTLS\r\n
      2100 S< 220 ready\r\n
      ${FULL_12}${TALK}`);
    expect(run.brief).toEqual(["X-ANONYMOUSTLS → 220 think 100", "(tls) → - think 400", ...TALKED]);
  });
});

describe("TLS from the first byte", () => {
  const OPEN = "465 / 0 SYN / 10 SYN-ACK / 20 ACK";

  test("there is no banner to be seen", () => {
    const run = play(`${OPEN}\n${FULL_12}${TALK}`);
    expect(run.brief).toEqual(["(tls) → - think 400", ...TALKED]);
    expect(run.exchanges.map((e) => e.ordinal)).toEqual([0, 1, 2]);
    expect(run.conversation!.tls!.how).toBe("implicit");
    expect(run.flags).toEqual([]);
  });

  test("TLS 1.3: the greeting is the server's word, not a reply", () => {
    const run = play(`${OPEN}\n${FULL_13}\n3900 S# ${application(60)}\n${TALK}`);
    expect(run.brief).toEqual(["(tls) → - think 400", ...TALKED]);
  });

  test("a server that never answers the ClientHello", () => {
    const run = play(`${OPEN}\n3000 C# ${clientHello()}\n9000 C. rst`);
    expect(run.brief).toEqual(["(tls) → - !unanswered"]);
  });

  test("nothing but the handshake of TCP", () => {
    const run = play(`${OPEN}\n9000 C. fin`);
    expect(run.brief).toEqual(["(connect) → - !unanswered"]);
    expect(run.flags).toEqual(["silent-server"]);
  });

  test("on any other port it is not ours", () => {
    const run = play(`443 / 0 SYN / 10 SYN-ACK / 20 ACK\n${FULL_12}${TALK}`);
    expect(run.brief).toEqual([]);
    expect(run.others).toBe(1);
  });

  test("a stream joined in its encrypted part", () => {
    const run = play(`25\n${TALK}`);
    expect(run.brief).toEqual(TALKED);
    expect(run.conversation!.tls).toMatchObject({ version: null, helloAtUs: null });
  });

  test("a stream joined in its encrypted part, the server first", () => {
    const run = play(`25\n3900 S# ${application(60)}\n${TALK}`);
    expect(run.brief).toEqual(TALKED);
  });

  test("a stream joined in the middle of a record", () => {
    const run = play(`25\n3000 C# 42${application(30).slice(20)}\n${TALK}`);
    expect(run.brief.filter((line) => !line.includes("!"))).toEqual([]);
  });
});

test("TLS behind a plaintext greeting, without STARTTLS", () => {
  const run = afterHello(FULL_12 + TALK);
  expect(run.brief).toEqual(["(tls) → - think 400", ...TALKED]);
  expect(run.conversation!.tls!.how).toBe("unannounced");
});

test("a line that begins with 0x16 and is no record", () => {
  const run = afterHello(
    String.raw`2000 C> \x16NOOP\r\n / 2100 S< 500 what\r\n / 2200 C> \x16\r\n / 2300 S< 500 what\r\n`,
  );
  expect(run.exchanges.map((e) => [e.verb, e.code, e.thinkUs])).toEqual([
    ["(unknown)", 500, 100],
    ["(unknown)", 500, 100],
  ]);
});
