import type { Script } from "./playbook.ts";

/**
 * The same question answered the simple way: both streams whole, the replies first, then the commands,
 * k-th to k-th. Only for sessions that behave, from banner to end, in plain text.
 */

export interface Pair {
  verb: string;
  code: number | null;
  thinkUs: number | null;
  serviceUs: number | null;
  waitedUs: number;
  pipelinedBehind: number;
  askedFrames: [number, number];
  answeredFrames: [number, number];
}

interface Stream {
  text: string;
  atUs: number[];
  frame: number[];
}

interface Span {
  first: number;
  last: number;
}

function streamOf(script: Script, side: "client" | "server"): Stream {
  const stream: Stream = { text: "", atUs: [], frame: [] };
  for (const step of script.steps) {
    if (step.kind !== "bytes" || step.from !== side) continue;
    stream.text += Buffer.from(step.bytes).toString("latin1");
    for (const _ of step.bytes) {
      stream.atUs.push(step.atUs);
      stream.frame.push(step.frame);
    }
  }
  return stream;
}

/** RFC 5321 §4.2: lines `NNN-` and then one that is not. */
function repliesOf({ text }: Stream): (Span & { code: number })[] {
  return [...text.matchAll(/(?:\d{3}-[^\n]*\n)*(\d{3})(?:[^-\n][^\n]*)?\n/g)].map((match) => ({
    first: match.index,
    last: match.index + match[0].length - 1,
    code: Number(match[0].slice(0, 3)),
  }));
}

/** Commands in order; what a reply says decides how to go on behind DATA and AUTH. */
function commandsOf({ text }: Stream, codes: readonly number[]): (Span & { verb: string })[] {
  const commands: (Span & { verb: string })[] = [];
  let at = 0;
  let answering = false;
  while (at < text.length) {
    let last: number = text.indexOf("\n", at);
    const line: string = text.slice(at, last);
    const verb: string = answering ? "(auth)" : /^[A-Za-z]+/.exec(line)![0].toUpperCase();
    const code: number | undefined = codes[commands.length];
    if (verb === "BDAT") last += Number(/\d+/.exec(line)![0]);
    commands.push({ first: at, last, verb });
    at = last + 1;
    answering = (verb === "AUTH" || verb === "(auth)") && code === 334;
    if (verb === "DATA" && code === 354) {
      const end = text.startsWith(".\r\n", at) ? at + 2 : text.indexOf("\r\n.\r\n", at) + 4;
      commands.push({ first: end, last: end, verb: "(end-of-data)" });
      at = end + 1;
    }
  }
  return commands;
}

export function pairsOf(script: Script): Pair[] {
  const client = streamOf(script, "client");
  const server = streamOf(script, "server");
  const [banner, ...replies] = repliesOf(server);
  const commands = commandsOf(
    client,
    replies.map((each) => each.code),
  );
  const { handshakeAtUs, handshakeFrame } = script.facts;
  const asks = [
    { verb: "(connect)", firstFrame: handshakeFrame, lastFrame: handshakeFrame, lastAtUs: handshakeAtUs! },
    ...commands.map((each) => ({
      verb: each.verb,
      firstFrame: client.frame[each.first]!,
      lastFrame: client.frame[each.last]!,
      lastAtUs: client.atUs[each.last]!,
    })),
  ];
  const answers = [banner!, ...replies];
  let previousLast = 0;
  return asks.map((ask, i) => {
    const answer = answers[i]!;
    const first = server.atUs[answer.first]!;
    const last = server.atUs[answer.last]!;
    const pair: Pair = {
      verb: ask.verb,
      code: answer.code,
      thinkUs: first - ask.lastAtUs,
      serviceUs: Math.max(0, first - Math.max(ask.lastAtUs, previousLast)),
      waitedUs: last - Math.max(ask.lastAtUs, previousLast),
      pipelinedBehind: answers.slice(1, i).filter((each) => server.frame[each.last]! > ask.firstFrame).length,
      askedFrames: [ask.firstFrame, ask.lastFrame],
      answeredFrames: [server.frame[answer.first]!, server.frame[answer.last]!],
    };
    previousLast = last;
    return pair;
  });
}

/** How long at least one reply was pending: intervals laid over each other. */
export function unionUs(intervals: readonly (readonly [number, number])[]): number {
  let sum = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const [from, to] of [...intervals].sort((a, b) => a[0] - b[0])) {
    sum += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return sum;
}
