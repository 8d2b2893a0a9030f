import { escapeText } from "../spine/text.ts";

let told: ((message: string) => void) | null = null;

/** One clear line to the operator. */
export function complain(message: string): void {
  if (told === null) process.stderr.write(`smtpscope: ${escapeText(message)}\n`);
  else told(message);
}

/** While a screen has the terminal, what is complained of is said there; null: on standard error again. */
export function complainTo(tell: ((message: string) => void) | null): void {
  told = tell;
}
