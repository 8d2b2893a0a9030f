import { bytesText, countText, durationText, plural } from "../spine/format.ts";
import type { RelayView } from "../spine/report.ts";
import { escapeText } from "../spine/text.ts";

/** What a report says of the proxy it comes from: where it stood, what it missed, what it cost. */

export function relaySource({ listen, upstream, mode, accepted, open, relayedBytes }: RelayView): string {
  const stillOpen = open === 0 ? "" : `, ${countText(open)} of them open`;
  return (
    `proxy ${listen.join(", ")} → ${escapeText(upstream)} ` +
    `(${mode}; ${plural(accepted, "connection")}${stillOpen}, ${bytesText(relayedBytes)})`
  );
}

/** What the reader must know before believing the rest, worst first. */
export function relayRemarks(relay: RelayView): string[] {
  const remarks: string[] = [];
  if (!relay.sourcePreserved) {
    remarks.push("the server saw the proxy's address: its lookups were about the proxy, not the client");
  }
  if (relay.overrunBytes > 0 || relay.missedConnections > 0) {
    remarks.push(
      `relayed but not observed: ${bytesText(relay.overrunBytes)}, ${plural(relay.missedConnections, "whole connection")}`,
    );
  }
  if (relay.observerRestarts > 0) {
    remarks.push(`the analysing process was started again ${plural(relay.observerRestarts, "time")}`);
  }
  if (relay.faults > 0) {
    remarks.push(
      `${plural(relay.faults, "defect")} of the analysis met: as many connections in part not analysed`,
    );
  }
  for (const [label, counts] of [
    ["clients refused", relay.refused],
    ["server not reached", relay.failed],
  ] as const) {
    const parts = Object.entries(counts).map(([why, count]) => `${why} ${countText(count)}`);
    if (parts.length > 0) remarks.push(`${label}: ${parts.join(", ")}`);
  }
  return remarks;
}

/** The instrument's own share and error. */
export function relayCost({ share, uncertainty, loopBusyMaxUs, residentBytes }: RelayView): string {
  const at = (d: RelayView["share"]) => {
    const entries = Object.entries(d.percentilesUs);
    const first = entries[0];
    const last = entries.at(-1);
    if (d.maxUs === null || first === undefined || last === undefined) return "-";
    return `p${first[0]} ${durationText(first[1])}, p${last[0]} ${durationText(last[1])}, max ${durationText(d.maxUs)}`;
  };
  return (
    `held bytes ${at(share)}; stamps late by up to ${at(uncertainty)}; ` +
    `busy at a stretch up to ${durationText(loopBusyMaxUs)}; memory ${bytesText(residentBytes)}`
  );
}
