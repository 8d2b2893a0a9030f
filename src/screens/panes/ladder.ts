import { widthOf } from "../canvas.ts";
import { hexRows, type LadderLine, ladderOf } from "../ladder.ts";
import { barText, firstRow, type Rect, titled } from "../layout.ts";
import { lengthUs } from "../listing.ts";
import { SLOW_US } from "../marks.ts";
import { clockText, shortDuration, shortShare, sinceText } from "../numbers.ts";
import type { Style } from "../style.ts";
import type { Scene } from "./context.ts";

/** The chosen dialogue: what was said, and the time before each line. */
export function drawLadder(scene: Scene, rect: Rect, focused: boolean): void {
  const { canvas, dialogue, state } = scene;
  if (dialogue === null) {
    const body = titled(canvas, rect, "Ladder", "", focused);
    canvas.put(body.x + 1, body.y, "no dialogue is chosen: 2 shows the list", "dim", body.x + body.width);
    return;
  }
  const title = `${dialogue.client} → ${dialogue.server}`;
  const hint = focused ? "←→: other dialogue  x: hex" : "";
  const below = titled(canvas, rect, title, hint, focused);
  const facts = factsOf(scene);
  const shown = below.height >= 8 ? facts : [];
  shown.forEach((fact, i) => {
    canvas.put(below.x + 1, below.y + i, fact, i === 0 ? "plain" : "dim", below.x + below.width);
  });
  const body = { ...below, y: below.y + shown.length, height: below.height - shown.length };
  const lines = ladderOf(dialogue, scene.model.report.findings);
  const chosen = Math.min(state.ladderLine, lines.length - 1);
  drawLines(scene, body, lines, focused ? chosen : -1);
}

function factsOf({ dialogue, model }: Scene): string[] {
  if (dialogue === null) return [];
  const { account, flags, tls, file, tcpStream, startAtUs } = dialogue;
  const whole = Object.values(account).reduce((sum, us) => sum + us, 0);
  const share = (name: string, us: number) =>
    us < whole * 0.0005 || whole === 0 ? [] : [`${name} ${shortShare(us / whole)}`];
  const parts = [
    ...share("connect", account.connectUs),
    ...share("server", account.serverUs),
    ...share("path", account.pathUs),
    ...share("client", account.clientUs),
    ...share("transfer", account.transferUs),
    ...share("unknown", account.unknownUs),
  ];
  const place = `${model.source.includes(file) ? "" : `${file}  `}tcp.stream ${tcpStream}`;
  const when = `${clockText(startAtUs)}  ${shortDuration(lengthUs(dialogue))}`;
  const facts = [`${when}  ${place}  ${parts.join("  ")}`];
  const more = [...(tls === null ? [] : [`TLS ${tls.version ?? "?"} (${tls.how})`]), ...flags];
  if (more.length > 0) facts.push(more.join("  "));
  return facts;
}

const TIME = 10;
const GAP = 9;
const BAR = 10;
const PATH = 8;
const FRAME = 8;

/** Where the columns are; those that do not fit are left out. */
function columnsFor(width: number) {
  const hasBar = width >= 100;
  const hasPath = width >= 110;
  const hasFrame = width >= 120;
  const gap = TIME;
  const bar = gap + GAP;
  const silent = bar + (hasBar ? BAR + 1 : 0);
  const path = silent + GAP;
  const arrow = path + (hasPath ? PATH : 0) + 1;
  return {
    hasBar,
    hasPath,
    hasFrame,
    gap,
    bar,
    silent,
    path,
    arrow,
    text: arrow + 4,
    end: width - (hasFrame ? FRAME : 0),
  };
}

function drawLines(scene: Scene, rect: Rect, lines: readonly LadderLine[], chosen: number): void {
  const { canvas, state } = scene;
  const columns = columnsFor(rect.width);
  const { x } = rect;
  const label = (text: string, end: number) => canvas.putRight(x + end, rect.y, text, "dim");
  label("time", columns.gap);
  label("gap", columns.bar);
  label("silent", columns.silent + GAP - 1);
  if (columns.hasPath) label("path", columns.path + PATH);
  if (columns.hasFrame) label("frame", rect.width);
  const hex = state.hex && chosen >= 0 ? hexOf(lines[chosen]!) : [];
  const height = rect.height - 1 - Math.min(hex.length, Math.max(0, rect.height - 4));
  const first = firstRow(Math.max(0, chosen), lines.length, height);
  const hexX = Math.max(1, Math.min(columns.text, rect.width - HEX_WIDTH));
  const longestUs = Math.max(1, ...lines.map(({ gapUs }) => gapUs ?? 0));
  let y = rect.y + 1;
  for (let i = first; i < lines.length && y < rect.y + rect.height; i++) {
    drawLine(scene, rect, columns, lines[i]!, longestUs, y);
    if (i === chosen) canvas.select(x, y, rect.width);
    y++;
    if (i !== chosen) continue;
    for (const row of hex.slice(0, rect.y + rect.height - y))
      canvas.put(x + hexX, y++, row, "dim", x + rect.width);
  }
}

function hexOf({ octets, side }: LadderLine): string[] {
  if (octets !== null) return hexRows(octets);
  return side === "client" || side === "server" ? ["its bytes were not kept"] : [];
}

const HEX_WIDTH = 71;

const ARROWS = { client: "──▶", server: "◀──", event: " · ", was: "was", marks: "   " };

function drawLine(
  scene: Scene,
  rect: Rect,
  columns: ReturnType<typeof columnsFor>,
  entry: LadderLine,
  longestUs: number,
  y: number,
): void {
  const { canvas, dialogue } = scene;
  const { x } = rect;
  const { gapUs, silentUs, side } = entry;
  canvas.putRight(x + columns.gap, y, sinceText(entry.atUs, dialogue!.startAtUs), "dim");
  const isSlow = (gapUs ?? 0) >= SLOW_US;
  if (gapUs !== null) canvas.putRight(x + columns.bar, y, shortDuration(gapUs), isSlow ? "slow" : "plain");
  if (columns.hasBar && gapUs !== null && gapUs > 0)
    canvas.put(
      x + columns.bar + 1,
      y,
      barText((gapUs / longestUs) * BAR),
      side === "server" ? "bar" : "dim",
      x + columns.silent,
    );
  if (silentUs !== null) {
    const slowReply = silentUs >= SLOW_US;
    const end = x + columns.silent + GAP;
    canvas.putRight(end - 1, y, shortDuration(silentUs), slowReply ? "slow" : "plain");
    if (slowReply) canvas.put(end - 1, y, "!", "slow");
  }
  if (columns.hasPath && entry.pathUs !== null)
    canvas.putRight(x + columns.path + PATH, y, shortDuration(entry.pathUs), "dim");
  canvas.put(x + columns.arrow, y, ARROWS[side], LOOKS[side]);
  const notes = entry.notes.join(", ");
  // A long note gives way to the text.
  const noteWidth = notes === "" || entry.side === "was" ? 0 : widthOf(notes) + 3;
  const end = x + columns.end;
  const at = canvas.put(x + columns.text, y, entry.text, styleOf(entry), end - noteWidth);
  if (notes !== "")
    canvas.put(at + 2, y, notes, notes === "X" ? "broken" : notes === "~" ? "rewritten" : "mark", end);
  if (columns.hasFrame && entry.frame !== null)
    canvas.putRight(x + rect.width, y, String(entry.frame), "dim");
}

const LOOKS: Readonly<Record<LadderLine["side"], Style>> = {
  client: "client",
  server: "server",
  event: "dim",
  was: "rewritten",
  marks: "rewritten",
};

function styleOf({ side, text, notes }: LadderLine): Style {
  if (notes.includes("X")) return "broken";
  if (side !== "server") return LOOKS[side];
  if (notes.includes("~")) return "rewritten";
  return /^[45]\d\d/.test(text) ? "broken" : "server";
}
