import { nearest } from "../filter/filter-error.ts";
import { ATTACH_OPTIONS } from "./attach.ts";
import { DIFF_OPTIONS } from "./diff.ts";
import { DOCTOR_OPTIONS } from "./doctor.ts";
import { PROXY_OPTIONS } from "./proxy-options.ts";
import { REFERENCE_OPTIONS } from "./reference.ts";
import { REPLAY_OPTIONS } from "./replay.ts";

const COMMANDS = ["proxy", "doctor", "attach", "replay", "diff", "reference", "explain", "schema"];

/** yargs' message in one line that says what to do. */
export function helpful(message: string): string {
  const lacking = /^Not enough arguments following: (.+)$/m.exec(message);
  if (lacking !== null) {
    const option = lacking[1]!.trim();
    return `${option.length > 1 ? "--" : "-"}${option} needs a value (smtpscope --help)`;
  }
  const invalid = /Argument: (\S+), Given: (.+), Choices: (.+)$/m.exec(message);
  if (invalid !== null) return `--${invalid[1]}: ${invalid[2]} is none of ${invalid[3]!.replaceAll('"', "")}`;
  const unknown = /^Unknown arguments?: (.+)$/m.exec(message);
  if (unknown === null)
    return message
      .split("\n")
      .filter((line) => line.trim() !== "")
      .join(" ");
  const name = unknown[1]!.split(",")[0]!.trim().replace(/^\0/, "");
  const near = nearest(name, [
    ...REPLAY_OPTIONS,
    ...PROXY_OPTIONS,
    ...DOCTOR_OPTIONS,
    ...ATTACH_OPTIONS,
    ...DIFF_OPTIONS,
    ...REFERENCE_OPTIONS,
    ...COMMANDS,
    "help",
    "version",
  ]);
  const isOption = !COMMANDS.includes(near ?? "");
  return `unknown ${name.length > 1 ? "argument" : "option"} "${name}"${near === null ? "" : `; did you mean ${isOption ? "--" : ""}${near}?`} (smtpscope --help)`;
}
