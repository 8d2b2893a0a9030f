import { Analysis } from "../analysis/analysis.ts";
import { FileFrames } from "../spine/files.ts";
import type { RelayView, Report } from "../spine/report.ts";
import { judgeAll } from "../thresholds/judge.ts";
import { largest, least, type ReadPart, type ReadRequest } from "./reading.ts";
import { VERSION } from "./version.ts";

/** Adds up what all threads read, in the order in which the files were named. */
export function assemble(
  parts: readonly ReadPart[],
  request: ReadRequest,
  order: readonly string[],
  relay: RelayView | null = null,
): Report {
  const { percentiles, top, by, filter, sinceAtUs, untilAtUs } = request;
  const frames = new FileFrames();
  const nothing = {
    redact: (text: string) => text,
    accepts: null,
    acceptsStage: () => true,
    onExchange: null,
    onConversation: null,
  };
  const whole = new Analysis({ percentiles, top, by, ...nothing }, () => frames);
  const undecoded: Record<string, number> = {};
  let window: { firstAtUs: number | null; lastAtUs: number | null } = { firstAtUs: null, lastAtUs: null };
  for (const part of parts) {
    whole.add(part.analysis);
    for (const [why, count] of Object.entries(part.undecoded)) undecoded[why] = (undecoded[why] ?? 0) + count;
    window = {
      firstAtUs: least(window.firstAtUs, part.firstAtUs),
      lastAtUs: largest(window.lastAtUs, part.lastAtUs),
    };
  }
  const sum = (pick: (part: ReadPart) => number) => parts.reduce((total, part) => total + pick(part), 0);
  const rank = new Map(order.map((file, i) => [file, i]));
  const placeOf = ({ file }: { file: string }) => rank.get(file) ?? order.length;
  const files = parts.flatMap((part) => part.files).sort((a, b) => placeOf(a) - placeOf(b));
  return {
    kind: "report",
    schema: 1,
    tool: { name: "smtpscope", version: VERSION },
    source: { files },
    window,
    restriction: { filter, sinceAtUs, untilAtUs },
    relay,
    percentiles,
    thresholds: judgeAll(request.thresholds, (phase) => whole.measured(phase)),
    totals: whole.totals(
      sum((part) => part.packets),
      sum((part) => part.packetBytes),
      sum((part) => part.connections),
    ),
    health: whole.health(
      sum((part) => part.dropped),
      sum((part) => part.cutBySnaplen),
      sum((part) => part.outOfOrder),
      undecoded,
    ),
    waitedUs: whole.waitedUs,
    account: whole.account,
    ...whole.conclude(),
    phases: whole.phases(),
    by: whole.groups(),
    slowest: whole.slowest,
    unanswered: whole.unanswered,
  };
}
