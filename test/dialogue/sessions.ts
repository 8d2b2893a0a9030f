import fc from "fast-check";
import { NO_TIME, type Side } from "../../src/spine/wire.ts";
import { type Facts, NO_HANDSHAKE, type Script, START_US, type Step } from "./playbook.ts";
import {
  application,
  CHANGE_CIPHER_SPEC,
  clientHello,
  FINISHED,
  KEY_EXCHANGE,
  record,
  serverHello,
} from "./records.ts";

/** Whole sessions by chance: acts one after the other, each a few packets of either side. */

/** What one side says in one packet; latin1 text stands for bytes. */
type Line = readonly [Side, string];
type Act = readonly Line[];

const c = (text: string): Line => ["client", text];
const s = (text: string): Line => ["server", text];

/** A reply with this code, of one or several lines. */
function reply(code: number | "ok"): fc.Arbitrary<string> {
  const number = code === "ok" ? fc.constantFrom(250, 251, 450, 451, 500, 550, 552) : fc.constant(code);
  const text = fc.constantFrom("", " ", " ok", " 2.1.0 fine", " 250 ok", ` ${"long ".repeat(30)}`);
  const more = fc.array(fc.constantFrom("-", "-x", "-250 y", "-PIPELINING"), { maxLength: 3 });
  const end = fc.constantFrom("\r\n", "\r\n", "\r\n", "\n");
  return fc
    .tuple(number, more, text, end)
    .map(([n, lines, last, eol]) => [...lines, last].map((each) => `${n}${each}${eol}`).join(""));
}

const simpleCommand = fc.constantFrom(
  "NOOP\r\n",
  "noop \r\n",
  "RSET\r\n",
  "VRFY a\r\n",
  "HELP\n",
  "MAIL FROM:<a@b>\r\n",
  "RCPT TO:<c@d>\r\n",
  "XYZZY 1\r\n",
  "EHLO a\r\n",
  `RCPT TO:<${"e".repeat(300)}>\r\n`,
);

const lockStep: fc.Arbitrary<Act> = fc
  .tuple(simpleCommand, reply("ok"))
  .map(([command, text]) => [c(command), s(text)]);

/** Several commands, in one packet or each in its own; replies likewise. */
const group: fc.Arbitrary<Act> = fc
  .array(fc.tuple(simpleCommand, reply("ok"), fc.boolean(), fc.boolean()), { minLength: 2, maxLength: 7 })
  .map((all) => [...packed("client", all, 0, 2), ...packed("server", all, 1, 3)]);

function packed(
  side: Side,
  all: readonly (readonly [string, string, boolean, boolean])[],
  text: 0 | 1,
  apart: 2 | 3,
): Line[] {
  const lines: [Side, string][] = [];
  for (const each of all) {
    const last = lines.at(-1);
    if (last === undefined || each[apart]) lines.push([side, each[text]]);
    else last[1] += each[text];
  }
  return lines;
}

const bodyLine = fc.constantFrom(
  "hello\r\n",
  "\r\n",
  "..\r\n",
  "..x\r\n",
  ".x\r\n",
  "QUIT\r\n",
  "250 ok\r\n",
  "x\r",
  "\r\r\n",
  ".\r.",
  `${"w".repeat(400)}\r\n`,
  "\0\x16\x03\x01\r\n",
);
const body = fc
  .array(bodyLine, { maxLength: 12 })
  .map((lines) => lines.join(""))
  .map((text) => (text === "" || text.endsWith("\r\n") ? text : `${text}\r\n`))
  // A line that is only a dot would be its end.
  .map((text) => text.replace(/(^|\r\n)\.\r\n/g, "$1..\r\n"))
  .map((text) => `${text}.\r\n`);

const message: fc.Arbitrary<Act> = fc
  .tuple(body, reply("ok"), fc.constantFrom("slow", "early", "at once", "refused"), fc.nat(100))
  .map(([text, last, how, cut]) => {
    switch (how) {
      case "slow": {
        const at = Math.min(cut, text.length - 1);
        const parts = at > 0 ? [c(text.slice(0, at)), c(text.slice(at))] : [c(text)];
        return [c("DATA\r\n"), s("354 go\r\n"), ...parts, s(last)];
      }
      case "early":
        return [c("DATA\r\n"), c(text), s("354 go\r\n"), s(last)];
      case "at once":
        return [c(`RSET\r\nDATA\r\n${text}NOOP\r\n`), s("250 ok\r\n354 go\r\n"), s(`${last}250 ok\r\n`)];
      default:
        return [c("DATA\r\nNOOP\r\nRSET\r\n"), s("503 no\r\n"), s("250 ok\r\n"), s("250 ok\r\n")];
    }
  });

const chunk = fc
  .tuple(fc.nat(300), fc.constantFrom("\r\n.\r\n", "x", "QUIT\r\n", "\0"))
  .map(([n, unit]) => unit.repeat(n).slice(0, n));
const chunks: fc.Arbitrary<Act> = fc
  .tuple(fc.array(fc.tuple(chunk, reply("ok")), { minLength: 1, maxLength: 4 }), fc.boolean(), fc.boolean())
  .map(([all, pipelined, split]) => {
    const said = all.map(
      ([octets], i) => [`BDAT ${octets.length}${i === all.length - 1 ? " LAST" : ""}\r\n`, octets] as const,
    );
    if (pipelined) {
      return [
        c(said.map(([command, octets]) => command + octets).join("")),
        ...all.map(([, text]) => s(text)),
      ];
    }
    return all.flatMap(([, text], i) => {
      const [command, octets] = said[i]!;
      return split && octets !== "" ? [c(command), c(octets), s(text)] : [c(command + octets), s(text)];
    });
  });

const auth: fc.Arbitrary<Act> = fc
  .tuple(fc.constantFrom("plain", "login", "cancelled", "pipelined", "refused"), reply("ok"))
  .map(([how]) => {
    switch (how) {
      case "plain":
        return [c("AUTH PLAIN AGFhYWEAYmJiYg==\r\n"), s("235 ok\r\n")];
      case "login":
        return [
          c("AUTH LOGIN\r\n"),
          s("334 VXNl\r\n"),
          c("QUFB\r\n"),
          s("334 UGFz\r\n"),
          c("QkJC\r\n"),
          s("535 no\r\n"),
        ];
      case "cancelled":
        return [c("AUTH LOGIN\r\n"), s("334 VXNl\r\n"), c("*\r\n"), s("501 ok\r\n")];
      case "pipelined":
        return [
          c("AUTH LOGIN\r\nQUFB\r\nQkJC\r\nNOOP\r\n"),
          s("334 a\r\n334 b\r\n"),
          s("235 ok\r\n250 ok\r\n"),
        ];
      default:
        return [c("AUTH LOGIN\r\nQUFBQUFB\r\n"), s("502 no\r\n"), s("500 what\r\n")];
    }
  });

/** Well-behaved: what a plain reading of the RFCs pairs without doubt. */
const acts: fc.Arbitrary<Act[]> = fc.array(fc.oneof(lockStep, group, message, chunks, auth), {
  maxLength: 8,
});

/** Ends a session: TLS and what can be seen of it. */
const bytes = (hex: string): string => Buffer.from(hex, "hex").toString("latin1");
const encrypted: fc.Arbitrary<Act> = fc
  .tuple(
    fc.constantFrom("1.2", "resumed", "1.3"),
    fc.array(fc.tuple(fc.constantFrom<Side>("client", "server"), fc.integer({ min: 1, max: 90 })), {
      maxLength: 8,
    }),
  )
  .map(([how, turns]) => {
    const finished = CHANGE_CIPHER_SPEC + FINISHED;
    const hello = record(22, serverHello(how === "1.3" ? "1.3" : "1.2"));
    const handshake =
      how === "1.2"
        ? [s(bytes(hello)), c(bytes(KEY_EXCHANGE + finished)), s(bytes(finished))]
        : how === "resumed"
          ? [s(bytes(hello + finished)), c(bytes(finished))]
          : [s(bytes(hello + application(300))), c(bytes(application(53)))];
    return [
      c("STARTTLS\r\n"),
      s("220 go\r\n"),
      c(bytes(clientHello())),
      ...handshake,
      ...turns.map(([side, n]): Line => [side, bytes(application(n))]),
    ];
  });

/** Ill-behaved: junk, and what nobody asked for. */
const junk: fc.Arbitrary<Act> = fc.array(
  fc.tuple(
    fc.constantFrom<Side>("client", "server"),
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((each) => Buffer.from(each).toString("latin1")),
      fc.constantFrom(
        ".\r\n",
        "\r\n.\r\n",
        "\n.\n",
        "\n.\r\n",
        "x\n.\nNOOP\r\n",
        "250 ok\r\n",
        "250",
        "-\r\n",
        "421 bye\r\n",
        "354 go\r\n",
        "334 x\r\n",
        "220 go\r\n",
        "no code\r\n",
        "DATA\r\n",
        "DAT",
        "BDAT 5\r\n",
        "BDAT 100 LAST\r\nx",
        "BDAT 0 LAST\r\n",
        "LHLO x\r\n",
        "AUTH LOGIN\r\n",
        "AUTH PL",
        "STARTTLS\r\n",
        "\x16\x03\x01\0\x05\x01\0\0\x01\0",
        "\x16\x03\x03\0\x06\x02\0\0\x02\x03\x03",
        "\x17\x03\x03\0\x03abc",
        "\x05\x01\0",
        "PROXY TCP4 1.1.1.1 2.2.2.2 3 4\r\n",
        "CONNECT a:25 HTTP/1.1\r\n\r\n",
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\0",
      ),
    ),
  ),
  { maxLength: 6 },
);

const wildActs: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(lockStep, group, message, chunks, auth, encrypted, junk, junk),
  { maxLength: 8 },
);

export const HANDSHAKE: Facts = {
  ...NO_HANDSHAKE,
  synAtUs: START_US,
  synFrame: 1,
  synCount: 1,
  synAckAtUs: START_US + 10,
  synAckFrame: 2,
  handshakeAtUs: START_US + 20,
  handshakeFrame: 3,
};

/** Gives each packet a time and a frame. */
function scriptOf(all: readonly Act[], delaysUs: readonly number[], greets = true): Script {
  const lines = [...(greets ? [s("220 mx ESMTP\r\n")] : []), ...all.flat()];
  let atUs = START_US + 20;
  const steps = lines.map(([from, text], i): Step => {
    atUs += delaysUs[i % delaysUs.length]!;
    return { kind: "bytes", from, atUs, frame: 4 + i, bytes: Buffer.from(text, "latin1") };
  });
  for (const from of ["client", "server"] as const) {
    steps.push({ kind: "end", from, atUs: atUs + delaysUs[0]!, how: "fin" });
  }
  return { facts: HANDSHAKE, steps };
}

const delays = fc.array(fc.oneof(fc.nat(5_000), fc.constant(0), fc.constant(4_000_000)), {
  minLength: 1,
  maxLength: 20,
});

export const tameScript: fc.Arbitrary<Script> = fc.tuple(acts, delays).map(([all, d]) => scriptOf(all, d));

/** Anything: no handshake, other ports, junk, gaps, ticks, copies, times that run backwards or are absent. */
export const wildScript: fc.Arbitrary<Script> = fc
  .tuple(
    wildActs,
    delays,
    fc.record({
      port: fc.constantFrom(25, 25, 465, 10_025),
      handshake: fc.boolean(),
      greets: fc.boolean(),
      oneWay: fc.boolean(),
    }),
    fc.array(fc.tuple(fc.nat(200), disturbance()), { maxLength: 6 }),
  )
  .map(([all, d, { port, handshake, greets, oneWay }, disturbances]) => {
    const { facts, steps } = scriptOf(all, d, greets);
    for (const [place, disturb] of disturbances) disturb(steps, place % (steps.length + 1));
    return { facts: { ...(handshake ? facts : NO_HANDSHAKE), port, oneWay }, steps };
  });

function disturbance(): fc.Arbitrary<(steps: Step[], at: number) => void> {
  const side = fc.constantFrom<Side>("client", "server");
  return fc.oneof(
    fc
      .tuple(side, fc.integer({ min: 1, max: 400 }))
      .map(([from, lengthBytes]) => (steps: Step[], at: number) => {
        const near = steps[Math.min(at, steps.length - 1)];
        const [atUs, frame] = near?.kind === "bytes" ? [near.atUs, near.frame] : [START_US + 100, 4];
        steps.splice(at, 0, { kind: "gap", from, atUs, frame, lengthBytes });
      }),
    fc.nat(10_000).map((back) => (steps: Step[], at: number) => {
      const step = steps[at];
      if (step?.kind === "bytes" && step.atUs > 0) steps[at] = { ...step, atUs: step.atUs - back };
    }),
    fc.constant((steps: Step[], at: number) => {
      const step = steps[at];
      if (step?.kind === "bytes") steps[at] = { ...step, atUs: NO_TIME };
    }),
    fc.nat(10_000_000).map((later) => (steps: Step[], at: number) => {
      steps.splice(at, 0, { kind: "tick", atUs: START_US + later });
    }),
    fc.tuple(side, fc.nat(200), fc.nat(50)).map(([from, start, length]) => (steps: Step[], at: number) => {
      const frame = 1_000_000 + steps.length;
      steps.splice(at, 0, { kind: "copy", from, fromOffset: start, toOffset: start + length, frame });
    }),
    fc
      .tuple(side, fc.constantFrom("fin" as const, "rst" as const))
      .map(([from, how]) => (steps: Step[], at: number) => {
        steps.splice(at, 0, { kind: "end", from, atUs: START_US + 50, how });
      }),
  );
}
