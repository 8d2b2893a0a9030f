import type { Finding } from "../spine/finding.ts";
import type { KeptDialogue, KeptExchange } from "../spine/kept.ts";
import { shortDuration, sinceText } from "./numbers.ts";
import { type Original, originalsIn } from "./originals.ts";

/**
 * A dialogue as a ladder: what was said, line by line, with the time before each. The view draws these
 * lines, and the export writes them.
 */
export interface LadderLine {
  /** Null for the further lines of a reply. */
  readonly atUs: number | null;
  /** Since the line before. */
  readonly gapUs: number | null;
  /** How long the server was silent: from when it could begin to this reply's first byte. */
  readonly silentUs: number | null;
  /** Of that, one round trip between the point of capture and the server, where the handshake shows it. */
  readonly pathUs: number | null;
  /** `was`: below a line that was rewritten, what it was; `marks`: carets below that. */
  readonly side: "client" | "server" | "event" | "was" | "marks";
  readonly text: string;
  /** The line as bytes, one character each; null where none were kept. */
  readonly octets: string | null;
  /** What is remarkable, in words and with its sign. */
  readonly notes: readonly string[];
  readonly frame: number | null;
}

interface Block {
  readonly atUs: number | null;
  readonly order: number;
  readonly lines: readonly LadderLine[];
}

type Said = Partial<LadderLine> & Pick<LadderLine, "side" | "text">;

const line = (atUs: number | null, said: Said): LadderLine => ({
  atUs,
  gapUs: null,
  silentUs: null,
  pathUs: null,
  octets: null,
  notes: [],
  frame: null,
  ...said,
});

/** @param findings of the whole report: those of this dialogue tell what rewritten lines were */
export function ladderOf(dialogue: KeptDialogue, findings: readonly Finding[]): LadderLine[] {
  const originalOf = originalsIn(dialogue, findings);
  const blocks: Block[] = [];
  const add = (atUs: number | null, ...lines: LadderLine[]) => {
    blocks.push({ atUs, order: blocks.length, lines });
  };
  opening(dialogue, add);
  const exchanges = dialogue.exchanges ?? (dialogue.slowest === null ? [] : [dialogue.slowest]);
  if (dialogue.exchanges === null)
    add(
      null,
      line(null, { side: "event", text: "condensed for lack of room: only the slowest reply is left" }),
    );
  const pathUs = pathOf(dialogue);
  for (const exchange of exchanges) {
    asked(exchange, add);
    answered(exchange, pathUs, originalOf, add);
  }
  const left = dialogue.exchangeCount - exchanges.length;
  if (dialogue.exchanges !== null && left > 0)
    add(dialogue.lastAtUs, line(null, { side: "event", text: `${left} more exchanges were not kept` }));
  closing(dialogue, add);
  return withGaps(inOrder(blocks));
}

type Add = (atUs: number | null, ...lines: LadderLine[]) => void;

function opening({ synAtUs, synAckAtUs, synCount }: KeptDialogue, add: Add): void {
  if (synAtUs !== null) {
    const notes = synCount > 1 ? [`sent ×${synCount}`] : [];
    add(synAtUs, line(synAtUs, { side: "client", text: "SYN", notes }));
  }
  if (synAckAtUs !== null) add(synAckAtUs, line(synAckAtUs, { side: "server", text: "SYN-ACK" }));
}

/** One round trip from the point of capture to the server and back. */
function pathOf({ synAtUs, synAckAtUs, synCount }: KeptDialogue): number | null {
  if (synAtUs === null || synAckAtUs === null || synCount !== 1 || synAckAtUs < synAtUs) return null;
  return synAckAtUs - synAtUs;
}

function asked(exchange: KeptExchange, add: Add): void {
  const { askedFirstAtUs, askedLastAtUs, verb, command, pipelinedBehind, askedFrames } = exchange;
  const atUs = askedLastAtUs ?? askedFirstAtUs;
  if (verb === "(connect)" || verb === "(unsolicited)" || atUs === null) return;
  const notes: string[] = [];
  if (pipelinedBehind > 0) notes.push(`pipelined behind ${pipelinedBehind}`);
  if (askedFirstAtUs !== null && askedLastAtUs !== null && askedLastAtUs - askedFirstAtUs > 10_000)
    notes.push(`took ${shortDuration(askedLastAtUs - askedFirstAtUs)} to arrive`);
  const text = command ?? WORDS[verb] ?? verb;
  const kept = command === null || isSecret(command) ? null : `${command}\r\n`;
  const octets = kept === null ? null : (exchange.commandOctets ?? kept);
  add(atUs, line(atUs, { side: "client", text, octets, notes, frame: askedFrames?.[1] ?? null }));
}

/** What is shown is not what was said. */
function isSecret(text: string): boolean {
  return text.includes("[redacted]");
}

const WORDS: Readonly<Record<string, string>> = {
  "(end-of-data)": "[the message] . (end of data)",
  "(tls)": "ClientHello",
  "(encrypted)": "[encrypted]",
  "(unknown)": "[not understood]",
};

function answered(
  exchange: KeptExchange,
  pathUs: number | null,
  originalOf: (line: string) => Original | null,
  add: Add,
): void {
  const { answeredFirstAtUs, answeredLastAtUs, lines, taint, serviceUs, waitedUs, phase } = exchange;
  if (answeredFirstAtUs === null) {
    if (taint !== "unanswered") return;
    const text = `no reply${waitedUs > 0 ? ` in ${shortDuration(waitedUs)}` : ""}`;
    const atUs = exchange.askedLastAtUs;
    add(atUs, line(null, { side: "event", text: `${text}, to ${exchange.verb}`, notes: ["X"] }));
    return;
  }
  // Where bytes are missing nobody knows who was silent.
  const isSilence = exchange.verb === "(connect)" && taint !== "gap";
  const silentUs = serviceUs ?? (isSilence ? waitedUs : null);
  const timing = {
    silentUs,
    pathUs: silentUs === null || pathUs === null ? null : Math.min(pathUs, silentUs),
  };
  const frame = exchange.answeredFrames?.[0] ?? null;
  const notes = notesOn(exchange);
  const [first = phase === "tls" ? "ServerHello" : "[encrypted]", ...rest] = lines;
  const octets = exchange.replyOctets?.match(/[^\n]*\n|[^\n]+$/g) ?? lines.map((text) => `${text}\r\n`);
  const head = { text: first, octets: octets[0] ?? null, ...timing, frame, notes };
  const shown = [line(answeredFirstAtUs, { side: "server", ...head })];
  rest.forEach((text, i) => {
    const isLate =
      i === rest.length - 1 && answeredLastAtUs !== null && answeredLastAtUs - answeredFirstAtUs > 1_000;
    shown.push(
      line(isLate ? answeredLastAtUs : null, { side: "server", text, octets: octets[i + 1] ?? null }),
    );
  });
  add(answeredFirstAtUs, ...shown.flatMap((said) => withOriginal(said, originalOf(said.text))));
}

function withOriginal(said: LadderLine, original: Original | null): LadderLine[] {
  if (original === null) return [said];
  const { text, textMarks, note } = original;
  return [
    { ...said, notes: [...said.notes, "~"] },
    line(null, { side: "was", text, notes: [note] }),
    line(null, { side: "marks", text: textMarks }),
  ];
}

function notesOn({ retransmits, taint, verb }: KeptExchange): string[] {
  const notes: string[] = [];
  if (retransmits > 0) notes.push(`retransmitted ×${retransmits}`);
  if (verb === "(unsolicited)") notes.push("answers nothing");
  if (taint === "gap") notes.push("bytes missing: not timed");
  if (taint === "early") notes.push("before its command ended: not timed");
  if (taint === "clock") notes.push("clock ran backwards: not timed");
  return notes;
}

function closing({ tls, ended, lastAtUs, pending }: KeptDialogue, add: Add): void {
  if (tls !== null && tls.establishedAtUs !== null) {
    const version = tls.version === null ? "TLS" : `TLS ${tls.version}`;
    const text = `${version}${tls.resumed ? ", resumed," : ""} established (${tls.how}): the rest is encrypted`;
    add(tls.establishedAtUs, line(tls.establishedAtUs, { side: "event", text }));
  }
  if (pending !== null) {
    const { what, sinceUs, waitedUs } = pending;
    const text = `${WAITS[what]}, for ${shortDuration(waitedUs)} now`;
    add(sinceUs + waitedUs, line(sinceUs + waitedUs, { side: "event", text, silentUs: waitedUs }));
  } else if (ended === null) add(null, line(null, { side: "event", text: "goes on" }));
  else add(lastAtUs, line(lastAtUs, { side: "event", text: ENDINGS[ended] }));
}

const WAITS = {
  connect: "waits for the server to accept the connection",
  banner: "waits for the banner",
  reply: "waits for a reply",
};

const ENDINGS = {
  fin: "closed",
  rst: "broken off (RST)",
  idle: "let go for lack of room",
  open: "still open when the capture ended",
};

/** By time; what has none stays behind what it was added after. */
function inOrder(blocks: readonly Block[]): LadderLine[] {
  let latest = Number.NEGATIVE_INFINITY;
  const timed = blocks.map((block) => {
    if (block.atUs !== null) latest = block.atUs;
    return { ...block, at: block.atUs ?? latest };
  });
  return timed.sort((a, b) => a.at - b.at || a.order - b.order).flatMap(({ lines }) => lines);
}

function withGaps(lines: readonly LadderLine[]): LadderLine[] {
  let previousUs: number | null = null;
  return lines.map((entry) => {
    if (entry.atUs === null) return entry;
    const gapUs = previousUs === null ? null : Math.max(0, entry.atUs - previousUs);
    previousUs = entry.atUs;
    return { ...entry, gapUs };
  });
}

const TEXT_ARROWS = { client: "-->", server: "<--", event: " * ", was: "was", marks: "   " };

/** The ladder as a text file. */
export function ladderText(dialogue: KeptDialogue, findings: readonly Finding[]): string {
  const rows = ladderOf(dialogue, findings).map(({ atUs, gapUs, silentUs, side, text, notes, frame }) => {
    const arrow = TEXT_ARROWS[side];
    const when = sinceText(atUs, dialogue.startAtUs).padStart(10);
    const cells = [when, shortDuration(gapUs).padStart(8), shortDuration(silentUs).padStart(8), arrow, text];
    const rest = [...notes, ...(frame === null ? [] : [`frame ${frame}`])];
    return `${cells.join("  ")}${rest.length === 0 ? "" : `  (${rest.join(", ")})`}`;
  });
  const head = `${dialogue.client} > ${dialogue.server}  ${dialogue.file}  tcp.stream ${dialogue.tcpStream}`;
  const labels = `${"time".padStart(10)}  ${"gap".padStart(8)}  ${"silent".padStart(8)}`;
  return `${[head, labels, ...rows].join("\n")}\n`;
}

/** Bytes, one character each, as a hex dump of 16 a row. */
export function hexRows(octets: string): string[] {
  const rows: string[] = [];
  for (let at = 0; at < octets.length; at += 16) {
    const bytes = Array.from(octets.slice(at, at + 16), (character) => character.charCodeAt(0) & 0xff);
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = bytes
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."))
      .join("");
    rows.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${ascii}`);
  }
  return rows;
}
