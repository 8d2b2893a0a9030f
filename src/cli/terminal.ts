import { openSync } from "node:fs";
import { ReadStream } from "node:tty";
import type { TerminalOptions } from "../screens/index.ts";
import type { ColourChoice } from "./colour.ts";

/** Why the screen cannot be shown here; null when it can. */
export function noTerminalBecause(env: NodeJS.ProcessEnv): string | null {
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
): Omit<TerminalOptions, "close"> {
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
