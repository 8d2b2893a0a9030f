import { escapeText } from "../spine/text.ts";

/** One clear line to the operator. */
export function complain(message: string): void {
  process.stderr.write(`smtpscope: ${escapeText(message)}\n`);
}
