import type { Report } from "../../spine/report.ts";
import { barText, type Rect, titled } from "../layout.ts";
import { shortDuration, shortShare } from "../numbers.ts";
import type { Style } from "../style.ts";
import type { Scene } from "./context.ts";

interface Slice {
  readonly name: string;
  readonly us: number;
  readonly note: string;
  readonly style: Style;
}

/** Where the time went: the waiting by cause and by phase, and whose turn it was. */
export function drawWaiting(scene: Scene, rect: Rect): void {
  const { canvas, model } = scene;
  const { report } = model;
  const causes = causesOf(report);
  const wholeUs = report.waiting.waitedUs + report.waiting.unseenUs;
  const phases = report.phases
    .filter(({ waitedUs }) => waitedUs !== null && waitedUs > 0)
    .map(({ phase, waitedUs }) => slice(phase, waitedUs!));
  const groups: readonly (readonly [
    title: string,
    wholeUs: number,
    slices: readonly Slice[],
    chosen: number,
  ])[] = [
    [
      `Waiting by cause · ${shortDuration(wholeUs)}`,
      wholeUs,
      causes,
      Math.min(scene.state.cause, causes.length - 1),
    ],
    ["Waiting by phase", report.waitedUs, phases, -1],
    [
      `Whose turn it was · ${shortDuration(report.account.lengthUs)} of dialogue`,
      report.account.lengthUs,
      turns(report),
      -1,
    ],
  ];
  const names = groups.flatMap(([, , slices]) => slices.map(({ name }) => name.length + 1));
  const nameWidth = Math.min(34, Math.max(12, ...names));
  let { y } = rect;
  const end = rect.y + rect.height;
  groups.forEach(([title, wholeUs, slices, chosen], index) => {
    const rest = groups.slice(index + 1).reduce((sum, [, , later]) => sum + Math.min(later.length, 3) + 1, 0);
    const height = Math.max(2, Math.min(slices.length + 1, end - y - rest));
    if (y + 2 > end) return;
    const hint = index === 0 && causes.length > 0 && causes[0]!.style !== "dim" ? "Enter: evidence" : "";
    const body = titled(canvas, { ...rect, y, height }, title, hint, index === 0);
    drawSlices(scene, body, slices, wholeUs, chosen, nameWidth);
    y += height;
  });
}

function drawSlices(
  { canvas }: Scene,
  rect: Rect,
  slices: readonly Slice[],
  wholeUs: number,
  chosen: number,
  nameWidth: number,
): void {
  const free = rect.width - nameWidth - 20;
  // Half a note says nothing: the bars get its room.
  const hasNotes = free >= NOTE_FROM;
  const room = Math.max(6, hasNotes ? Math.min(50, Math.floor(free / 2)) : free);
  slices.slice(0, rect.height).forEach(({ name, us, note, style }, i) => {
    const y = rect.y + i;
    const share = wholeUs === 0 ? 0 : us / wholeUs;
    canvas.put(rect.x + 1, y, name, style, rect.x + 1 + nameWidth);
    canvas.putRight(rect.x + nameWidth + 9, y, shortDuration(us));
    canvas.putRight(rect.x + nameWidth + 17, y, shortShare(share));
    canvas.put(
      rect.x + nameWidth + 18,
      y,
      barText(us === 0 ? 0 : Math.max(0.125, share * room)),
      "bar",
      rect.x + nameWidth + 18 + room,
    );
    if (hasNotes) canvas.put(rect.x + nameWidth + 19 + room, y, note, "dim", rect.x + rect.width);
    if (i === chosen && style !== "dim") canvas.select(rect.x, y, rect.width);
  });
}

/** Cells for a bar and a note beside it. */
const NOTE_FROM = 70;

function slice(name: string, us: number, note = "", style: Style = "plain"): Slice {
  return { name, us, note, style };
}

/** The account's parts: causes that the evidence cannot tell apart stand together. */
function causesOf({ waiting, findings }: Report): Slice[] {
  const causes = waiting.parts.map(({ causes: ids, explainedUs, what, where }) => {
    const found = findings.filter(({ id }) => ids.includes(id));
    const isDeliberate = found.some((finding) => "deliberate" in finding && finding.deliberate);
    const notes = [
      where === null ? what : `${what}: ${where}`,
      ...(isDeliberate ? ["perhaps on purpose"] : []),
    ];
    const names = ids.map((id) => id.slice(id.indexOf("/") + 1));
    return slice(names.join(" or "), explainedUs, notes.join(", "), "strong");
  });
  const note = causes.length === 0 && waiting.unexplainedUs > 0 ? "the phases say where" : "";
  return [...causes, slice("not explained", waiting.unexplainedUs, note, "dim")];
}

function turns({ account }: Report): Slice[] {
  return [
    slice("server", account.serverUs, "a reply was pending"),
    slice("path", account.pathUs, "of replies, the network's part"),
    slice("connect", account.connectUs, "SYN to SYN-ACK"),
    slice("client", account.clientUs, "it was the client's turn"),
    slice("transfer", account.transferUs, "a message was on its way"),
    slice("unknown", account.unknownUs, "bytes missing or encrypted"),
  ].filter(({ us }) => us > 0);
}
