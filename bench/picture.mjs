/**
 * Makes the picture of the screen in README.md: runs `replay --tui` on a shipped capture in a pseudo-terminal
 * and writes what the terminal shows as SVG. After `npm run build`: node bench/picture.mjs
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { spawn } from "@lydell/node-pty";
import xterm from "@xterm/headless";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const [COLUMNS, ROWS] = [120, 36];
const [CELL_WIDTH, CELL_HEIGHT, MARGIN] = [8.4, 17, 12];
/** The 16 colours, as a dark terminal has them. */
const COLOURS = [
  ["#21252b", "#e06c75", "#98c379", "#d19a66", "#5b8def", "#c678dd", "#56b6c2", "#d7dae0"],
  ["#7f848e", "#ff7b86", "#b5e890", "#e5c07b", "#82aaff", "#e29bf0", "#7fdbe6", "#ffffff"],
].flat();
const [FOREGROUND, BACKGROUND] = ["#d7dae0", "#16181d"];

/** Keys pressed one after the other; each waits for what it must bring. */
const STEPS = [
  [null, /all read/],
  ["\t\t", /═ Dialogues/],
  ["j", /▶ 20:23:41/],
];

const terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
const program = spawn(process.execPath, ["bin/smtpscope", "replay", "captures/slow-ptr.pcap", "--tui"], {
  cols: COLUMNS,
  rows: ROWS,
  cwd: ROOT,
  name: "xterm-256color",
  env: { ...process.env, LANG: "C.UTF-8", TERM: "xterm-256color", NO_COLOR: "" },
});
program.onData((data) => terminal.write(data));

const buffer = () => terminal.buffer.active;
const text = () =>
  Array.from({ length: ROWS }, (_, y) => buffer().getLine(y)?.translateToString()).join("\n");

for (const [keys, sign] of STEPS) {
  if (keys !== null) program.write(keys);
  for (let i = 0; !sign.test(text()); i++) {
    if (i > 400) throw new Error(`waited in vain for ${sign}:\n${text()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const escaped = (character) =>
  character.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
const colour = (cell, isForeground) => {
  const isDefault = isForeground ? cell.isFgDefault() : cell.isBgDefault();
  if (isDefault) return isForeground ? FOREGROUND : BACKGROUND;
  return COLOURS[isForeground ? cell.getFgColor() : cell.getBgColor()];
};

/** Cells of a row that look the same, together. */
function runs(y) {
  const found = [];
  for (let x = 0; x < COLUMNS; x++) {
    const cell = buffer().getLine(y).getCell(x);
    let [front, back] = [colour(cell, true), colour(cell, false)];
    if (cell.isInverse()) [front, back] = [back, front];
    const look = `${front} ${back} ${cell.isBold()}`;
    const last = found.at(-1);
    const characters = cell.getChars() || " ";
    if (last?.look === look) last.text += characters;
    else found.push({ look, x, front, back, isBold: cell.isBold() !== 0, text: characters });
  }
  return found;
}

const shapes = [];
for (let y = 0; y < ROWS; y++) {
  for (const { x, front, back, isBold, text: part } of runs(y)) {
    const [left, top] = [MARGIN + x * CELL_WIDTH, MARGIN + y * CELL_HEIGHT];
    const width = part.length * CELL_WIDTH;
    if (back !== BACKGROUND)
      shapes.push(
        `<rect x="${left.toFixed(1)}" y="${top}" width="${width.toFixed(1)}" height="${CELL_HEIGHT}" fill="${back}"/>`,
      );
    if (part.trim() === "") continue;
    // Every run has its width, so that columns stand in line in any font.
    const weight = isBold ? ' font-weight="bold"' : "";
    shapes.push(
      `<text x="${left.toFixed(1)}" y="${top + 13}" textLength="${width.toFixed(1)}" lengthAdjust="spacingAndGlyphs" fill="${front}"${weight}>${escaped(part)}</text>`,
    );
  }
}
const [width, height] = [2 * MARGIN + COLUMNS * CELL_WIDTH, 2 * MARGIN + ROWS * CELL_HEIGHT];
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" xml:space="preserve">
<title>smtpscope replay captures/slow-ptr.pcap --tui</title>
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
${shapes.join("\n")}
</svg>
`;
mkdirSync(new URL("../docs", import.meta.url), { recursive: true });
writeFileSync(new URL("../docs/screen.svg", import.meta.url), svg);
program.write("q");
