import type { ReadStream, WriteStream } from "node:tty";
import { type Canvas, SELECTED } from "./canvas.ts";
import type { ScreenHost } from "./model.ts";
import { Session, type SessionOptions } from "./session.ts";
import { PALETTES, type Palette, STYLES } from "./style.ts";

/**
 * The terminal: blessed enters and leaves it, reads its keys, and writes what changed between two
 * pictures. Everything that is shown is drawn on a canvas before.
 */

/** How the screen came to its end. */
export type ScreenEnd =
  | { readonly kind: "quit" }
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals }
  /** As asked for by the program. */
  | { readonly kind: "closed" }
  /** The terminal is no more: nothing can be written to it. */
  | { readonly kind: "gone" };

export interface TerminalOptions extends SessionOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** Ends the screen. */
  readonly close: AbortSignal;
  /** Whether a stop (Ctrl-Z) may stop the process: not where mail goes through its group. */
  readonly canStop: boolean;
  /** Told how to say something to the operator on the screen. */
  readonly onShown?: (say: (text: string) => void) => void;
}

/** What blessed has beside what its types say: cells of [attribute, character], by row. */
interface Cells {
  readonly lines: (([number, string][] & { dirty: boolean }) | undefined)[];
}
interface Tput {
  brokenACS: boolean;
}

/** News are looked for so often; what a snapshot costs makes it less often. */
const REFRESH_MS = 250;
/** Taking snapshots may cost this part of the time. */
const SNAPSHOT_SHARE = 0.1;
/** Keys that come together share a picture. */
const KEY_MS = 10;
/** A terminal that does not take what it is given is left alone until it did. */
const MAX_UNWRITTEN_BYTES = 262_144;

/** Shows the screen until it is quit, or the terminal or the process comes to an end. */
export async function showScreen(host: ScreenHost, options: TerminalOptions): Promise<ScreenEnd> {
  // Line drawing by escape sequences breaks in tmux; we decide ourselves what the terminal can show.
  process.env.NCURSES_NO_UTF8_ACS = "1";
  const { default: blessed } = await import("blessed");
  const session = new Session(host, options);
  const { input, output } = options;
  const screen = blessed.screen({
    input,
    output,
    // Of tmux-256color, kitty and alacritty blessed knows nothing; all of them understand this.
    terminal: "xterm-256color",
    forceUnicode: !options.isAscii,
    fullUnicode: !options.isAscii,
    warnings: false,
  });
  (screen.program as unknown as { tput: Tput }).tput.brokenACS = true;
  const element = blessed.box({ parent: screen, width: "100%", height: "100%" });
  element.render = () => {
    const [width, height] = [Math.max(1, Number(screen.width)), Math.max(1, Number(screen.height))];
    paint(screen as unknown as Cells, session.draw(width, height), PALETTES[session.state.palette]);
    return undefined as never;
  };
  try {
    return await run(session, screen as BlessedScreen, options);
  } finally {
    screen.destroy();
  }
}

/** Its ways to and from the alternate buffer are not in its types. */
type BlessedScreen = ReturnType<typeof import("blessed")["screen"]> & { enter(): void; leave(): void };

async function run(session: Session, screen: BlessedScreen, options: TerminalOptions): Promise<ScreenEnd> {
  const undo: (() => void)[] = [];
  const draw = () => {
    if (options.output.writableLength <= MAX_UNWRITTEN_BYTES) screen.render();
  };
  try {
    return await new Promise<ScreenEnd>((resolve, reject) => {
      const listen: Listen = (target, event, listener) => {
        target.on(event, listener as (...args: unknown[]) => void);
        undo.push(() => target.off(event, listener as (...args: unknown[]) => void));
      };
      endWith(options, listen, resolve, reject);
      const stop = () => {
        if (options.canStop) suspend(screen);
        else session.fail("not while mail goes through here: q leaves the screen, and may keep the rest");
      };
      listen(process, "SIGTSTP", stop);
      listen(process, "SIGCONT", () => resume(screen));
      options.onShown?.((text) => session.say(text));
      undo.push(takeKeys(session, screen, { output: options.output, draw, stop, resolve }));
      undo.push(lookForNews(session, draw));
      draw();
    });
  } finally {
    for (const step of undo) step();
  }
}

type Listen = (target: NodeJS.EventEmitter, event: string, listener: (...args: never[]) => void) => void;

/** Everything that ends the screen beside its own key. */
function endWith(
  { input, output, close }: TerminalOptions,
  listen: Listen,
  resolve: (end: ScreenEnd) => void,
  reject: (error: Error) => void,
): void {
  const onGone = () => resolve({ kind: "gone" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT"] as const)
    listen(process, signal, () => resolve({ kind: "signal", signal }));
  if (close.aborted) resolve({ kind: "closed" });
  close.addEventListener("abort", () => resolve({ kind: "closed" }), { once: true });
  listen(process, "SIGHUP", onGone);
  for (const event of ["end", "close", "error"]) listen(input, event, onGone);
  listen(output, "error", onGone);
  for (const event of ["uncaughtException", "unhandledRejection"]) listen(process, event, reject);
}

interface KeyHooks {
  readonly output: WriteStream;
  readonly draw: () => void;
  readonly stop: () => void;
  readonly resolve: (end: ScreenEnd) => void;
}

/** @returns how to end it */
function takeKeys(session: Session, screen: BlessedScreen, { output, draw, stop, resolve }: KeyHooks) {
  let pending: NodeJS.Timeout | null = null;
  const soon = () => {
    pending ??= setTimeout(() => {
      pending = null;
      if (session.stale) draw();
    }, KEY_MS);
  };
  screen.on("keypress", (character: string | undefined, key: BlessedKey) => {
    for (const [name, text] of keysOf(character, key)) {
      if (name === "C-z") stop();
      else session.press(name, text);
      if (session.ended) return resolve({ kind: "quit" });
    }
    if (session.clipboard !== null) copy(session, output);
    soon();
  });
  return () => {
    if (pending !== null) clearTimeout(pending);
  };
}

/** @returns how to end it */
function lookForNews(session: Session, draw: () => void): () => void {
  let nextMs = 0;
  const timer = setInterval(() => {
    const startMs = performance.now();
    if (startMs >= nextMs) {
      session.refresh();
      nextMs = performance.now() + (performance.now() - startMs) / SNAPSHOT_SHARE;
    }
    if (session.stale) draw();
  }, REFRESH_MS);
  return () => clearInterval(timer);
}

/** Gives the terminal back, and stops as if nobody had caught the signal. */
function suspend(screen: BlessedScreen): void {
  screen.leave();
  (screen.program.input as ReadStream).setRawMode(false);
  process.kill(process.pid, "SIGSTOP");
}

function resume(screen: BlessedScreen): void {
  (screen.program.input as ReadStream).setRawMode(true);
  screen.leave();
  screen.enter();
  screen.render();
}

function isPrintable(character: string | undefined): character is string {
  return character !== undefined && /^[^\p{C}\p{Zl}\p{Zp}]$/u.test(character);
}

interface BlessedKey {
  readonly full?: string;
  readonly name?: string;
  readonly meta?: boolean;
  readonly sequence?: string;
}

/** Keys as keys.ts names them, each with the character it writes. */
function keysOf(character: string | undefined, key: BlessedKey): [name: string, text: string | null][] {
  const { full, name, meta, sequence = "" } = key;
  // Comes a second time as "enter".
  if (name === "return") return [];
  if (name === "linefeed") return [["enter", null]];
  // Escape and another key, so close together that they look like one with Alt.
  if (meta && sequence.length === 2) {
    const second = sequence[1]!;
    return second === "\x1b"
      ? [["escape", null]]
      : [["escape", null], ...keysOf(second, { full: name ?? second })];
  }
  if (character === " ") return [["space", " "]];
  if (isPrintable(character)) return [[character, character]];
  const known = full ?? name;
  return known === undefined ? [] : [[known, null]];
}

/** OSC 52: base64 only, so nothing in it acts. */
function copy(session: Session, output: WriteStream): void {
  const text = session.clipboard!;
  session.clipboard = null;
  // The Linux console has no clipboard, and shows the sequence.
  if (process.env.TERM !== "linux") output.write(`\x1b]52;c;${Buffer.from(text).toString("base64")}\x07`);
}

/** Attributes as blessed packs them: flags, foreground, background; 0x1ff is the terminal's own colour. */
function attributes(palette: Palette): number[] {
  return STYLES.map((style) => {
    const { colour, bold, underline, inverse } = palette[style];
    const flags = (bold ? 1 : 0) | (underline ? 2 : 0) | (inverse ? 8 : 0);
    return (flags << 18) | ((colour ?? 0x1ff) << 9) | 0x1ff;
  });
}

const INVERSE = 8 << 18;

function paint({ lines }: Cells, canvas: Canvas, palette: Palette): void {
  const looks = attributes(palette);
  for (let y = 0; y < canvas.height; y++) {
    const line = lines[y];
    if (line === undefined) continue;
    const width = Math.min(canvas.width, line.length);
    for (let x = 0; x < width; x++) {
      const at = y * canvas.width + x;
      const style = canvas.styles[at]!;
      const look = looks[style & ~SELECTED]!;
      const cell = line[x]!;
      cell[0] = style & SELECTED ? look ^ INVERSE : look;
      // blessed passes over the cell behind a wide character.
      cell[1] = canvas.characters[at] || " ";
    }
    line.dirty = true;
  }
}
