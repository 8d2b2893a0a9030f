import {
  type DelayView,
  type DiffReport,
  type DiffSide,
  HELD_US,
  type Place,
  type SideName,
} from "../spine/diff-report.ts";
import { countText, durationText, plural, timeText } from "../spine/format.ts";
import { escapeText } from "../spine/text.ts";
import { changeDetails, changeTable, direction, frameText, other } from "./diff-changes-text.ts";
import { findingList } from "./findings.ts";
import { type Column, table } from "./table.ts";
import type { Paint } from "./text.ts";

/** What became of the dialogues between two captures, for a reader at a terminal. */

export function renderDiffText(report: DiffReport, paint: Paint): string {
  return [
    header(report),
    changeTable(report, paint),
    changeDetails(report, paint),
    delayTable(report, paint),
    findingList(report.findings, paint),
  ]
    .filter((part) => part !== "")
    .join("\n\n")
    .concat("\n");
}

function header(report: DiffReport): string {
  const { inside, outside, clock, matched, servers, segments } = report;
  const lines: [string, string][] = [
    ["Inside", sideText(inside)],
    ["Outside", sideText(outside)],
    ["Clocks", clockText(clock)],
    ["Matched", matchedText(matched)],
  ];
  for (const [name, side] of [
    ["inside", inside],
    ["outside", outside],
  ] as const) {
    for (const text of unmatchedTexts(name, side)) lines.push(["", text]);
  }
  lines.push(["Path", pathText(servers)]);
  if (segments.resplit > 0) lines.push(["Segments", segmentsText(report)]);
  return lines.map(([label, text]) => `${label.padEnd(10)} ${text}`.trimEnd()).join("\n");
}

function pathText(servers: DiffReport["servers"]): string {
  if (servers.inside > 0 && servers.outside > 0)
    return `the server is inside in ${plural(servers.inside, "dialogue")}, outside in ${countText(servers.outside)}`;
  const serverSide: SideName = servers.outside > 0 ? "outside" : "inside";
  return `${serverSide} is the server's side, ${other(serverSide)} the client's`;
}

function sideText({ files, dialogues, packets, firstAtUs, lastAtUs, leftOut }: DiffSide): string {
  const names =
    files.length > 3 ? `${files.length} files` : files.map(({ file }) => escapeText(file)).join(", ");
  const when =
    firstAtUs === null || lastAtUs === null
      ? ""
      : `, ${timeText(firstAtUs)} … ${timeText(lastAtUs).slice(11)} UTC`;
  const without = leftOut === 0 ? "" : ` (${countText(leftOut)} more did not fit)`;
  return `${names}: ${plural(dialogues, "dialogue")}${without}, ${plural(packets, "packet")}${when}`;
}

function clockText(clock: DiffReport["clock"]): string {
  if (clock === null) return "not comparable: no dialogue was seen in both directions on both sides";
  const { offsetUs, uncertaintyUs, driftPpm, agreeing, asked } = clock;
  const ahead = offsetUs < 0 ? "behind" : "ahead of";
  const by =
    offsetUs === 0 ? "outside and inside agree" : `outside is ${exact(Math.abs(offsetUs))} ${ahead} inside`;
  const drift = driftPpm === 0 ? "" : `, running apart by ${driftPpm} µs a second`;
  return `${by} (± ${durationText(uncertaintyUs)})${drift}; ${countText(agreeing)} of ${plural(asked, "dialogue")} say so`;
}

/** 2.500031 s: an offset is of use only with all its digits. */
function exact(us: number): string {
  return us < 1_000_000 ? durationText(us) : `${(us / 1e6).toFixed(6)} s`;
}

function matchedText({ dialogues, by, unchanged, exchanges, doubtful }: DiffReport["matched"]): string {
  const ways = [
    [by.sequence, "by TCP sequence numbers"],
    [by.timestamps, "by TCP time stamps"],
    [by.contents, "by contents"],
    [by.time, "by time"],
  ] as const;
  const how = ways.filter(([count]) => count > 0).map(([count, way]) => `${countText(count)} ${way}`);
  const missing =
    doubtful === 0 ? "" : `; ${plural(doubtful, "exchange")} not compared, for bytes are missing`;
  return `${plural(dialogues, "dialogue")} (${how.join(", ")}), ${plural(exchanges, "exchange")}; ${countText(unchanged)} unchanged${missing}`;
}

function unmatchedTexts(name: SideName, { only, ambiguous, outsideWindow }: DiffSide): string[] {
  const texts: string[] = [];
  const first = ([place]: readonly Place[]) => (place === undefined ? "" : `, the first ${placeText(place)}`);
  if (only.dialogues > 0)
    texts.push(`${plural(only.dialogues, "dialogue")} ${name} only${first(only.first)}`);
  if (outsideWindow > 0)
    texts.push(`${plural(outsideWindow, "dialogue")} ${name} from when the other capture was not running`);
  if (ambiguous.dialogues > 0)
    texts.push(
      `${plural(ambiguous.dialogues, "dialogue")} ${name} ambiguous: several could be it, or too little of it was captured${first(ambiguous.first)}`,
    );
  return texts;
}

function placeText({ file, frame, tcpStream, client }: Place): string {
  return `${escapeText(file)}:${frame} tcp.stream ${tcpStream} from ${client}`;
}

function segmentsText({ segments }: DiffReport): string {
  const { resplit, compared, dialogues, example } = segments;
  const text = `cut at other places in ${countText(resplit)} of ${countText(compared)} lines and messages, ${plural(dialogues, "dialogue")}`;
  if (example === null) return text;
  const cuts = (at: readonly number[]) => (at.length === 0 ? "whole" : `cut at ${at.join(", ")}`);
  return `${text}; e.g. ${escapeText(example.verb)} of the ${example.from}: ${cuts(example.before)} when sent, ${cuts(example.after)} when it arrived`;
}

function delayTable({ delays, servers }: DiffReport, paint: Paint): string {
  if (delays.length === 0) return "";
  const columns: Column<DelayView>[] = [
    { label: "Added by the path", align: "left", text: ({ phase }) => phase },
    ...direction<DelayView>(servers),
    { label: "n", align: "right", text: ({ added }) => countText(added.n) },
    { label: "p50", align: "right", text: ({ added }) => signed(added.p50Us) },
    { label: "p95", align: "right", text: ({ added }) => signed(added.p95Us) },
    { label: "max", align: "right", text: ({ added }) => signed(added.maxUs) },
    { label: "±", align: "right", text: ({ added }) => durationText(added.uncertaintyUs) },
    {
      label: "to server",
      align: "right",
      text: ({ command }) => (command === null ? "-" : signed(command.p50Us)),
    },
    { label: "to client", align: "right", text: ({ reply }) => (reply === null ? "-" : signed(reply.p50Us)) },
    {
      label: "worst",
      align: "left",
      text: ({ worst, serverSide }) => (worst === null ? "" : frameText(worst[other(serverSide)])),
    },
  ];
  const oneWay = delays.find(({ reply }) => reply !== null)?.reply?.uncertaintyUs;
  const note =
    oneWay === undefined
      ? "How it divides between the command's way and the reply's is not known."
      : `Of that, the median of the command's way to the server and of the reply's to the client (± ${durationText(oneWay)}).`;
  const lost = delays.reduce((sum, each) => sum + each.lost, 0);
  const lostNote = `In ${plural(lost, "exchange")} something was lost between the two and sent again, which took ${durationText(HELD_US)} or more.`;
  const notes = lost === 0 ? [note] : [note, lostNote];
  return [table(columns, delays, paint), ...notes.map((text) => paint("dim", text))].join("\n");
}

function signed(us: number): string {
  return us < 0 ? `−${durationText(-us)}` : durationText(us);
}
