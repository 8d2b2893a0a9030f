/**
 * Third-party captures against what tshark makes of them: pairing, code, frames and times of every
 * exchange. Where we disagree the table says why, with the packets that show it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Collected, collect } from "./support/collect.ts";
import { EXPLAINED } from "./truth-explained.ts";

const CAPTURES = new URL("../../shared/captures/", import.meta.url);
const available = existsSync(new URL("truth/", CAPTURES));

interface TruthReply {
  code: number | null;
  frame_first: number;
  frame_last: number;
  t_first: string;
  t_last: string;
}
interface TruthCommand {
  verb: string;
  frame_first: number;
  frame_last: number;
  t_first: string;
  t_last: string;
  reply: TruthReply | null;
}
interface Truth {
  capture: { frames: number; tcp_streams: number };
  smtp_sessions: number;
  other_streams: number;
  sessions: {
    stream: number;
    client: string;
    server: string;
    banner: TruthReply | null;
    commands: TruthCommand[];
    unsolicited_replies: TruthReply[];
  }[];
}

/** "1782924043.756477000" → floored µs. */
function micros(time: string): number {
  const [seconds, fraction = ""] = time.split(".");
  return Number(seconds) * 1_000_000 + Number(fraction.padEnd(9, "0").slice(0, 6));
}

function replyLine(reply: TruthReply | null): string {
  if (reply === null) return "-";
  return `${reply.code} ${reply.frame_first}-${reply.frame_last} ${micros(reply.t_first)} ${micros(reply.t_last)}`;
}

function ourReply(e: Collected): string {
  if (e.answeredFirstAtUs === null) return "-";
  return `${e.code} ${e.answeredFrames[0]}-${e.answeredFrames[1]} ${e.answeredFirstAtUs} ${e.answeredLastAtUs}`;
}

/** A message's first byte is not in our span, so of (end-of-data) only the end is compared. */
function truthLines(session: Truth["sessions"][number]): string[] {
  const lines = [`banner -> ${replyLine(session.banner)}`];
  for (const c of session.commands) {
    const first = c.verb === "<EOD>" ? "" : `${c.frame_first} ${micros(c.t_first)} `;
    lines.push(`${first}${c.frame_last} ${micros(c.t_last)} -> ${replyLine(c.reply)}`);
  }
  for (const reply of session.unsolicited_replies) lines.push(`unsolicited -> ${replyLine(reply)}`);
  return lines;
}

function ourLines(exchanges: Collected[]): string[] {
  const of = (verb: string) => exchanges.filter((e) => e.verb === verb);
  const banner = of("(connect)")[0];
  const lines = [`banner -> ${banner === undefined ? "-" : ourReply(banner)}`];
  for (const e of exchanges) {
    if (["(connect)", "(unsolicited)", "(tls)", "(encrypted)"].includes(e.verb)) continue;
    const first = e.verb === "(end-of-data)" ? "" : `${e.askedFrames[0]} ${e.askedFirstAtUs} `;
    lines.push(`${first}${e.askedFrames[1]} ${e.askedLastAtUs} -> ${ourReply(e)}`);
  }
  for (const e of of("(unsolicited)")) lines.push(`unsolicited -> ${ourReply(e)}`);
  return lines;
}

describe.runIf(available)("third-party captures", () => {
  const names = available
    ? readdirSync(CAPTURES).filter((name) => /\.(pcap|pcapng|cap|trace|gz)$/.test(name))
    : [];

  test.each(names)("%s", async (name) => {
    const truth = JSON.parse(readFileSync(new URL(`truth/${name}.json`, CAPTURES), "utf8")) as Truth;
    const path = new URL(name, CAPTURES).pathname;
    if (truth.smtp_sessions === 0) {
      const outcome = await collect(path).catch((error: Error) => error);
      if (outcome instanceof Error) expect(outcome.name).toBe("SmtpscopeError");
      else expect(outcome.collector.conversations).toEqual([]);
      return;
    }
    const { collector, capture } = await collect(path);
    expect(capture.counts.frames).toBe(truth.capture.frames);
    expect(capture.counts.connections).toBe(truth.capture.tcp_streams);
    const differences: string[] = [];
    for (const session of truth.sessions) {
      const ours = collector.exchanges
        .filter((e) => e.tcpStream === session.stream)
        .sort((a, b) => a.ordinal - b.ordinal);
      const want = truthLines(session);
      const got = ourLines(ours);
      for (let i = 0; i < Math.max(want.length, got.length); i++) {
        if (want[i] !== got[i])
          differences.push(`stream ${session.stream}: tshark ${want[i]} | ours ${got[i]}`);
      }
    }
    expect(collector.conversations.length).toBe(truth.smtp_sessions);
    expect(differences).toEqual(EXPLAINED[name]?.differences ?? []);
  });

  test("the table explains only captures that exist", () => {
    expect(Object.keys(EXPLAINED).filter((name) => !names.includes(name))).toEqual([]);
  });
});
