import { escapeText } from "../spine/text.ts";

let told: ((message: string) => void) | null = null;
let write = (text: string): void => {
  process.stderr.write(text);
};

/** One clear line to the operator. */
export function complain(message: string): void {
  if (told === null) write(`smtpscope: ${escapeText(message)}\n`);
  else told(message);
}

/** While a screen has the terminal, what is complained of is said there; null: on standard error again. */
export function complainTo(tell: ((message: string) => void) | null): void {
  told = tell;
}

/** From now on lines are written by this. */
export function complainBy(writer: (text: string) => void): void {
  write = writer;
}
