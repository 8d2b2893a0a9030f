import { bytesText } from "../../spine/format.ts";
import type { Health, RelayView, Report } from "../../spine/report.ts";
import { type Part, titled } from "../layout.ts";
import { clockText, shortCount, shortDuration } from "../numbers.ts";
import type { Scene } from "./context.ts";

/** How far what is shown can be trusted, and what a proxy does beside. */
export function health({ canvas, model }: Scene): Part {
  const lines = linesOf(model.report);
  return {
    min: 3,
    want: lines.length + 1,
    draw: (rect) => {
      const body = titled(canvas, rect, "Health", "", false);
      lines.slice(0, body.height).forEach((text, i) => {
        const style = /^[!X]/.test(text) ? "slow" : i === 0 ? "dim" : "plain";
        canvas.put(body.x + 1, body.y + i, text, style, body.x + body.width);
      });
    },
  };
}

function linesOf({ health: h, totals, window, relay }: Report): string[] {
  const { firstAtUs, lastAtUs } = window;
  const length = firstAtUs === null || lastAtUs === null ? null : lastAtUs - firstAtUs;
  if (firstAtUs === null && relay === null) return ["nothing was read yet"];
  const span = `${clockText(firstAtUs).slice(0, 8)} – ${clockText(lastAtUs).slice(0, 8)} UTC (${shortDuration(length)})`;
  const remarks = [...remarksOn(h), ...count(totals.unanswered, "X %n never answered")];
  const fine = remarks.length === 0 ? ["no loss, no gaps, nothing cut"] : remarks;
  return [span, ...(relay === null ? [] : relayLines(relay)), ...fine];
}

/** One line where there is something to count. */
function count(number: number, text: string): string[] {
  return number === 0 ? [] : [text.replace("%n", shortCount(number))];
}

function remarksOn(h: Health): string[] {
  return [
    ...count(h.droppedPackets, "! %n packets dropped by the capture"),
    ...count(h.packetsCutBySnaplen, "! %n packets cut short"),
    ...count(h.dialoguesWithGaps, "! bytes missing in %n dialogues"),
    ...count(h.oneWayDialogues, "! one direction only in %n dialogues"),
    ...count(h.midStreamDialogues, "%n dialogues began before"),
    ...count(h.retransmittedExchanges, "%n exchanges retransmitted"),
  ];
}

function relayLines(relay: RelayView): string[] {
  const { share, uncertainty } = relay;
  const p99 = (of: RelayView["share"]) => shortDuration(of.percentilesUs["99"] ?? of.maxUs);
  const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);
  const why = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .filter(([, number]) => number > 0)
      .map(([name]) => name)
      .join(", ");
  return [
    `relayed ${bytesText(relay.relayedBytes)}, ${shortCount(relay.accepted)} ${relay.accepted === 1 ? "connection" : "connections"}, ${shortCount(relay.open)} open`,
    `own share p99 ${p99(share)}, stamps late by p99 ${p99(uncertainty)}`,
    `busy at most ${shortDuration(relay.loopBusyMaxUs)}, ${bytesText(relay.residentBytes)} of memory`,
    ...count(sum(relay.refused), `! %n refused (${why(relay.refused)})`),
    ...count(sum(relay.failed), `X %n without a server (${why(relay.failed)})`),
    ...(relay.overrunBytes > 0 ? [`! ${bytesText(relay.overrunBytes)} relayed but not observed`] : []),
    ...count(relay.missedConnections, "! %n connections not observed"),
    ...count(relay.observerRestarts, "! analysis started again ×%n"),
    ...(relay.sourcePreserved ? [] : ["the server sees this machine, not the client"]),
  ];
}
