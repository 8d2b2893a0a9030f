import yargs, { type Argv } from "yargs";
import { FilterError, nearest, pointAtFault } from "../filter/filter-error.ts";
import { NDJSON_SCHEMA } from "../reports/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { escapeText } from "../spine/text.ts";
import { ThresholdError } from "../thresholds/expression.ts";
import { ATTACH, ATTACH_HELP, ATTACH_OPTIONS, attach, attachOptions } from "./attach.ts";
import { keepYoungSpaceSmall } from "./collector.ts";
import { complain } from "./complain.ts";
import { DASH } from "./dash.ts";
import { DIFF, DIFF_HELP, DIFF_OPTIONS, diff, diffOptions } from "./diff.ts";
import { DOCTOR, DOCTOR_HELP, DOCTOR_OPTIONS, doctor, doctorOptions } from "./doctor.ts";
import { EXIT, EXIT_STATUSES, exitOf } from "./exit.ts";
import { EXPLAIN, EXPLAIN_HELP, explain, explainOptions } from "./explain.ts";
import { leave } from "./leave.ts";
import { PROXY, PROXY_HELP, PROXY_OPTIONS, proxy, proxyOptions } from "./proxy.ts";
import { REFERENCE, REFERENCE_HELP, REFERENCE_OPTIONS, reference, referenceOptions } from "./reference.ts";
import { REPLAY, REPLAY_HELP, REPLAY_OPTIONS, replay, replayOptions } from "./replay.ts";
import { VERSION } from "./version.ts";

/** The command: reads its arguments, runs a subcommand, ends with its status. */
export async function main(args: readonly string[]): Promise<void> {
  // Whoever reads our output may stop reading (head, a pager): that is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.done);
    complain(`cannot write the result: ${error.message}`);
    process.exit(EXIT.usage);
  });
  keepYoungSpaceSmall();
  await leave(await run(args));
}

async function run(args: readonly string[]): Promise<number> {
  let status: number = EXIT.done;
  try {
    const parser = yargs(args.map((arg) => (arg === "-" ? DASH : arg)))
      .scriptName("smtpscope")
      .usage("smtpscope COMMAND\n\nHow long does every SMTP reply take, and where does the time go?")
      .command(REPLAY, REPLAY_HELP, unlessListed(args, replayOptions, REPLAY_OPTIONS), async (parsed) => {
        status = await replay(parsed);
      })
      .command(PROXY, PROXY_HELP, proxyOptions, async (parsed) => {
        status = await proxy(parsed);
      })
      .command(DOCTOR, DOCTOR_HELP, doctorOptions, async (parsed) => {
        status = await doctor(parsed);
      })
      .command(ATTACH, ATTACH_HELP, attachOptions, async (parsed) => {
        status = await attach(parsed);
      })
      .command(DIFF, DIFF_HELP, diffOptions, async (parsed) => {
        status = await diff(parsed);
      })
      .command(REFERENCE, REFERENCE_HELP, referenceOptions, async (parsed) => {
        status = await reference(parsed);
      })
      .command(EXPLAIN, EXPLAIN_HELP, explainOptions, ({ id }) => {
        process.stdout.write(explain(id));
      })
      .command("schema", "Print the JSON Schema of replay -o ndjson", {}, () => {
        process.stdout.write(`${JSON.stringify(NDJSON_SCHEMA, null, 2)}\n`);
      })
      .demandCommand(1, "say what to do: smtpscope replay FILE (smtpscope --help lists more)")
      .strict()
      .parserConfiguration({ "boolean-negation": false })
      .version(VERSION)
      .alias("version", "V")
      .alias("help", "h")
      .epilogue(EXIT_STATUSES)
      .wrap(Math.min(100, process.stdout.columns ?? 100))
      .exitProcess(false)
      .fail((message, error) => {
        // yargs' own errors are the operator's; anything else is ours.
        if (error === undefined || error === null || error.name === "YError") {
          throw new SmtpscopeError("usage", helpful(message ?? error?.message ?? ""));
        }
        throw error;
      });
    await parser.parseAsync();
    return status;
  } catch (error) {
    if (error instanceof FilterError || error instanceof ThresholdError) {
      const option = error instanceof FilterError ? "-Y" : "--slo";
      process.stderr.write(`smtpscope: ${option}: ${escapeText(error.message)}\n${pointAtFault(error)}\n`);
      return exitOf(error.code);
    }
    if (error instanceof SmtpscopeError) {
      complain(error.message);
      return exitOf(error.code);
    }
    const what = error instanceof Error ? error.message : String(error);
    complain(`internal error: ${what}; this is a defect of smtpscope (SMTPSCOPE_DEBUG=1 shows where)`);
    if (process.env.SMTPSCOPE_DEBUG) process.stderr.write(`${error instanceof Error ? error.stack : ""}\n`);
    return EXIT.internal;
  }
}

/**
 * yargs renders the help of a command whenever it runs it. Where nobody asked for it there is nothing to
 * list, which saves a short run a tenth of its time.
 */
function unlessListed<T>(
  args: readonly string[],
  build: (argv: Argv) => T,
  options: readonly string[],
): (argv: Argv) => T {
  if (args.includes("--help") || args.includes("-h")) return build;
  return (argv) => {
    const built = build(argv);
    for (const option of options) argv.hide(option);
    return built;
  };
}

const COMMANDS = [PROXY, DOCTOR, "attach", "replay", "diff", "reference", "explain", "schema"];

/** yargs' message in one line that says what to do. */
function helpful(message: string): string {
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
