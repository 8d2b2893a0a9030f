import { openSync } from "node:fs";
import { ReadStream } from "node:tty";
import type { TerminalOptions } from "../screens/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { ColourChoice } from "./colour.ts";
import { complain } from "./complain.ts";

export const SCREEN_OPTIONS = {
  tui: {
    type: "boolean",
    default: false,
    describe: "Explore it on a screen: overview, dialogues line by line, findings",
  },
  ascii: { type: "boolean", default: false, describe: "Draw the screen with ASCII characters only" },
} as const;

/** Whether the screen that was asked for can be shown; says so where it cannot. */
export function screenIsPossible(format: string, output: string | undefined): boolean {
  if (format !== "text" || output !== undefined) {
    throw new SmtpscopeError(
      "usage",
      "--tui shows a screen: leave out -o and -O, e on the screen writes files",
    );
  }
  const obstacle = noTerminalBecause(process.env);
  if (obstacle !== null) complain(`no screen, for ${obstacle}: the report as text instead`);
  return obstacle === null;
}

/** Why the screen cannot be shown here; null when it can. */
function noTerminalBecause(env: NodeJS.ProcessEnv): string | null {
  if (process.stdout.isTTY !== true) return "standard output is no terminal";
  if (env.TERM === undefined || env.TERM === "" || env.TERM === "dumb")
    return `TERM is ${env.TERM || "not set"}`;
  if (process.stdin.isTTY !== true && openKeyboard() === null)
    return "there is no terminal to take keys from";
  return null;
}

export function terminalOptions(
  choice: ColourChoice,
  ascii: boolean,
  env: NodeJS.ProcessEnv,
): Pick<TerminalOptions, "input" | "output" | "palette" | "isAscii"> {
  const isMono = choice === "never" || (choice === "auto" && (env.NO_COLOR ?? "") !== "");
  return {
    input: process.stdin.isTTY === true ? process.stdin : openKeyboard()!,
    output: process.stdout,
    palette: isMono ? "mono" : "default",
    isAscii: ascii || !showsUnicode(env),
  };
}

let keyboard: ReadStream | null = null;

/** Standard input may be a capture: keys then come from the terminal itself. */
function openKeyboard(): ReadStream | null {
  try {
    keyboard ??= new ReadStream(openSync("/dev/tty", "r"));
    return keyboard;
  } catch {
    return null;
  }
}

/** By the locale, as C programs do. The console's own font lacks most of what is drawn. */
function showsUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return /utf-?8/i.test(locale) && env.TERM !== "linux";
}

/**
 * Gives a terminal back whose screen was killed: normal keypad and cursor keys, the whole screen scrolls,
 * colours, the cursor, the normal buffer. Its settings (stty) are not among what sequences restore.
 */
export const RESTORE_TERMINAL = "\x1b[?1l\x1b>\x1b[r\x1b[m\x1b[?25h\x1b[?1049l";
