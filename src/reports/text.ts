import { bytesText, countText, durationText, percentText, plural, timeText } from "../spine/format.ts";
import type { Distribution, GroupTable, GroupView, PhaseView, Report, SlowReply } from "../spine/report.ts";
import { escapeText } from "../spine/text.ts";
import { findingList } from "./findings.ts";
import { relayCost, relayRemarks, relaySource } from "./relay-text.ts";
import { type Column, table, wrapped } from "./table.ts";
import { thresholdTable } from "./threshold-text.ts";

/**
 * The report for a reader at a terminal, in the shape of pt-query-digest: what was read, how good it
 * is, what was found, then the phases ranked by their share of the waiting time, the worst one's distribution, and
 * the replies to look up in the capture.
 */

/** Paints a piece of text; the identity where there is no colour. */
export type Paint = (style: "heading" | "strong" | "dim" | "warning", text: string) => string;

export const plain: Paint = (_style, text) => text;

export function renderText(report: Report, paint: Paint): string {
  const slowest = replyList("Slowest replies", report.slowest, paint);
  const unanswered = replyList("Never answered (longest wait first)", report.unanswered, paint);
  const silenceIsWorse = (report.unanswered[0]?.waitedUs ?? 0) > (report.slowest[0]?.waitedUs ?? 0);
  return [
    header(report, paint),
    thresholdTable(report.thresholds, paint),
    findingList(report.findings, paint),
    phaseTable(report, paint),
    worstHistogram(report, paint),
    report.by === null ? "" : groupTable(report.by, report.percentiles, paint),
    ...(silenceIsWorse ? [unanswered, slowest] : [slowest, unanswered]),
  ]
    .filter((part) => part !== "")
    .join("\n\n")
    .concat("\n");
}

function header(report: Report, paint: Paint): string {
  const { totals, window, account, restriction } = report;
  const lines: [string, string][] = [["Source", source(report)]];
  if (window.firstAtUs !== null && window.lastAtUs !== null) {
    const length = durationText(window.lastAtUs - window.firstAtUs);
    lines.push(["Window", `${timeText(window.firstAtUs)} → ${timeText(window.lastAtUs)} UTC (${length})`]);
  }
  if (restriction.filter !== null) lines.push(["Filter", escapeText(restriction.filter)]);
  if (restriction.sinceAtUs !== null) lines.push(["Since", `${timeText(restriction.sinceAtUs)} UTC`]);
  if (restriction.untilAtUs !== null) lines.push(["Until", `${timeText(restriction.untilAtUs)} UTC`]);
  lines.push([
    "Dialogues",
    `${countText(totals.dialogues)} SMTP (${plural(totals.messages, "message")}), ` +
      `${plural(totals.otherStreams, "other connection")}; ` +
      `${plural(totals.exchanges, "exchange")}, ${countText(totals.recorded)} timed`,
  ]);
  const health = [...(report.relay === null ? [] : relayRemarks(report.relay)), ...healthRemarks(report)];
  lines.push([
    "Health",
    health.length === 0 ? "no loss, no gaps, nothing cut" : paint("warning", health[0]!),
  ]);
  for (const remark of health.slice(1)) lines.push(["", remark]);
  if (restriction.filter !== null && totals.exchanges === 0) {
    lines.push([
      "",
      `nothing matches the filter (${plural(report.totals.dialoguesSeen, "dialogue")} without it)`,
    ]);
  }
  lines.push(["Waiting", waiting(report)], ["Why", report.waiting.verdict]);
  if (account.lengthUs > 0) {
    const parts = (["connect", "server", "path", "client", "transfer", "unknown"] as const)
      .map((name) => [name, account[`${name}Us`]] as const)
      .filter(([, us]) => us > 0)
      .map(
        ([name, us]) =>
          `${name} ${us < account.lengthUs / 1_000 ? "<0.1 %" : percentText(us / account.lengthUs)}`,
      );
    lines.push(["Time", `${durationText(account.lengthUs)} of dialogue: ${parts.join(", ")}`]);
  }
  if (report.relay !== null) lines.push(["Proxy", relayCost(report.relay)]);
  return lines
    .map(
      ([label, text]) =>
        `${paint("heading", label.padEnd(10))} ${wrapped(text, TEXT_WIDTH).join(`\n${" ".repeat(11)}`)}`,
    )
    .join("\n");
}

/** What fits beside the labels in 80 columns. */
const TEXT_WIDTH = 69;

function source(report: Report): string {
  if (report.relay !== null) return relaySource(report.relay);
  const { files } = report.source;
  const { packets, packetBytes } = report.totals;
  const size = `${plural(packets, "packet")}, ${bytesText(packetBytes)}`;
  const first = files[0];
  if (files.length !== 1 || first === undefined) return `${plural(files.length, "file")} (${size})`;
  const format = [first.format, first.compression].filter((part) => part !== null).join(", ");
  return `${escapeText(first.file)} (${format}; ${size})`;
}

function waiting({ slowest, totals, unanswered, waitedUs }: Report): string {
  const worst = slowest[0];
  const longest =
    worst === undefined ? "" : `; longest reply ${durationText(worst.waitedUs)} (${worst.phase})`;
  const never = unanswered[0];
  const rest =
    never === undefined
      ? ""
      : `; ${countText(totals.unanswered)} never answered, up to ${durationText(never.waitedUs)}`;
  return `${durationText(waitedUs)} in which a client waited for a connection or a reply${longest}${rest}`;
}

function healthRemarks({ health, totals, source: { files } }: Report): string[] {
  const remarks: string[] = [];
  const say = (count: number, text: string) => {
    if (count > 0) remarks.push(text);
  };
  for (const { file: name, damage, interrupted } of files) {
    const file = escapeText(name);
    if (damage !== null)
      remarks.push(`${file} is ${damage.kind} at byte ${countText(damage.offsetBytes)}: ${damage.what}`);
    if (interrupted) remarks.push(`${file}: reading was interrupted, this is what was read until then`);
  }
  say(
    health.droppedPackets,
    `${plural(health.droppedPackets, "packet")} dropped while capturing: times may be missing or wrong`,
  );
  say(
    health.packetsCutBySnaplen,
    `${plural(health.packetsCutBySnaplen, "packet")} cut short (snap length): capture with -s 0`,
  );
  say(
    health.dialoguesWithGaps,
    `${plural(health.dialoguesWithGaps, "dialogue")} with bytes missing from the capture`,
  );
  say(
    health.oneWayDialogues,
    `${plural(health.oneWayDialogues, "dialogue")} of which only one direction was captured`,
  );
  say(
    health.midStreamDialogues,
    `${plural(health.midStreamDialogues, "dialogue")} already under way when the capture began`,
  );
  say(
    health.unfinishedDialogues,
    `${plural(health.unfinishedDialogues, "dialogue")} still open at the end of what was read`,
  );
  say(
    health.retransmittedExchanges,
    `${plural(health.retransmittedExchanges, "exchange")} with packets captured more than once (retransmitted)`,
  );
  const { gap, clock, early } = health.taintedExchanges;
  const left = [
    [gap, "bytes missing"],
    [early, "answered before the command ended"],
    [clock, "clock ran backwards or no time"],
  ] as const;
  const reasons = left.filter(([count]) => count > 0).map(([count, why]) => `${countText(count)} ${why}`);
  if (reasons.length > 0) remarks.push(`counted but not timed: ${reasons.join(", ")}`);
  if (totals.packets > 0 && health.packetsOutOfOrder > totals.packets / 100) {
    remarks.push(
      `${plural(health.packetsOutOfOrder, "packet")} earlier than the one before it: reordercap puts them in order`,
    );
  }
  const undecoded = Object.entries(health.undecodedPackets).filter(([, count]) => count > 0);
  const share = undecoded.reduce((sum, [, count]) => sum + count, 0);
  // ARP, DNS and the like are in every capture; only what could have been mail is worth a line.
  if (share > totals.packets / 2)
    remarks.push(
      `${plural(share, "packet")} without TCP: ${undecoded.map(([why, count]) => `${why} ${countText(count)}`).join(", ")}`,
    );
  say(totals.silentLeftOut, `${plural(totals.silentLeftOut, "silent connection")} not looked into`);
  return remarks;
}

function percentileColumns<T>(percentiles: readonly number[], of: (row: T) => Distribution): Column<T>[] {
  const at = (label: string, pick: (d: Distribution) => number | null | undefined): Column<T> => ({
    label,
    align: "right",
    text: (row) => {
      const value = pick(of(row));
      return value === null || value === undefined ? "-" : compact(durationText(value));
    },
    close: true,
  });
  return [
    at("min", (d) => d.minUs),
    ...percentiles.map((percentile) => at(`p${percentile}`, (d) => d.percentilesUs[String(percentile)])),
    at("max", (d) => d.maxUs),
  ];
}

/** Only where there is something in it. */
function unansweredColumn<T extends { readonly unanswered: number }>(rows: readonly T[]): Column<T>[] {
  if (!rows.some(({ unanswered }) => unanswered > 0)) return [];
  return [
    {
      label: "no reply",
      align: "right",
      close: true,
      text: ({ unanswered }) => (unanswered === 0 ? "-" : countText(unanswered)),
    },
  ];
}

function phaseTable({ phases, percentiles }: Report, paint: Paint): string {
  if (phases.length === 0) return "";
  const columns: Column<PhaseView>[] = [
    { label: "Phase", align: "left", text: ({ phase }) => phase },
    {
      label: "share",
      align: "right",
      text: ({ share }) => (share === null ? "-" : compact(percentText(share))),
    },
    {
      label: "waited",
      align: "right",
      text: ({ waitedUs }) => (waitedUs === null ? "-" : compact(durationText(waitedUs))),
    },
    { label: "n", align: "right", text: ({ service }) => countText(service.n), close: true },
    ...unansweredColumn(phases),
    ...percentileColumns<PhaseView>(percentiles, ({ service }) => service),
  ];
  return table(columns, phases, paint);
}

/** `5.05 s` as it stands in a table: `5.05s`. */
function compact(text: string): string {
  return text.replace(" ", "");
}

const BAR_WIDTH = 44;

function worstHistogram({ phases }: Report, paint: Paint): string {
  const worst = phases.find(({ service, waitedUs }) => service.n > 0 && waitedUs !== null);
  if (worst === undefined) return "";
  const most = Math.max(...worst.histogram.map(({ count }) => count));
  const lines = worst.histogram.flatMap(({ fromUs, count }, i) => {
    const isEmpty = (at: number) => worst.histogram[at]?.count === 0;
    // Of a run of empty rows one is enough, and it says that some are left out.
    if (count === 0 && isEmpty(i - 1)) return [];
    if (count === 0 && isEmpty(i + 1)) return [`${"…".padStart(9)} |`];
    const length = count === 0 ? 0 : Math.max(1, Math.round((count / most) * BAR_WIDTH));
    const share = percentText(count / worst.service.n).padStart(8);
    const bar = "#".repeat(length).padEnd(BAR_WIDTH);
    return [`${durationText(fromUs).padStart(9)} |${bar} ${countText(count).padStart(9)} ${share}`];
  });
  const title = `${worst.phase}: how long ${plural(worst.service.n, worst.phase === "connect" ? "connection" : "reply")} took`;
  return [paint("heading", title), ...lines].join("\n");
}

function groupTable({ key, groups, rest }: GroupTable, percentiles: readonly number[], paint: Paint): string {
  const rows = rest === null ? groups : [...groups, { ...rest, name: "(others)" }];
  return table(
    [
      { label: `By ${key}`, align: "left", text: ({ name }) => name },
      { label: "share", align: "right", text: ({ share }) => compact(percentText(share)) },
      { label: "waited", align: "right", text: ({ waitedUs }) => compact(durationText(waitedUs)) },
      { label: "n", align: "right", text: ({ service }) => countText(service.n), close: true },
      ...unansweredColumn(rows),
      ...percentileColumns<GroupView>(percentiles, ({ service }) => service),
    ],
    rows,
    paint,
  );
}

/** Longer texts are cut here; the capture has the rest. */
const SAID_WIDTH = 60;

function replyList(title: string, replies: readonly SlowReply[], paint: Paint): string {
  if (replies.length === 0) return "";
  const lines = replies.flatMap((reply) => {
    const said = reply.command ?? (reply.verb === "(connect)" ? openingOf(reply) : reply.verb);
    const answer = reply.reply ?? reply.remark ?? "";
    const frame = reply.answeredFrame ?? reply.askedFrame;
    const where =
      frame === null
        ? `connection ${reply.tcpStream}`
        : `${escapeText(reply.file)}:${frame}  tcp.stream ${reply.tcpStream}`;
    const when = reply.atUs === null ? "" : `  ${timeText(reply.atUs).slice(11)}`;
    return [
      `${paint("strong", durationText(reply.waitedUs).padStart(9))}  ${cut(said)} → ${cut(answer)}${dribble(reply)}`,
      `${" ".repeat(11)}${paint("dim", `${where}  ${reply.client} → ${reply.server}${when}`)}`,
    ];
  });
  return [paint("heading", title), ...lines].join("\n");
}

/** Of a reply that began long before it was complete: when it began. */
function dribble({ serviceUs, waitedUs }: SlowReply): string {
  if (serviceUs === null || waitedUs - serviceUs < Math.max(10_000, waitedUs / 10)) return "";
  return ` (first byte after ${durationText(serviceUs)})`;
}

/** What a connection without a banner was waiting for. */
function openingOf({ remark }: SlowReply): string {
  return remark === null || remark.startsWith("no reply") ? "banner" : "connect";
}

function cut(text: string): string {
  const characters = [...text];
  return characters.length <= SAID_WIDTH ? text : `${characters.slice(0, SAID_WIDTH - 1).join("")}…`;
}
