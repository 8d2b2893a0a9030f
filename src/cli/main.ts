import yargs, { type Argv } from "yargs";
import { FilterError, pointAtFault } from "../filter/filter-error.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { escapeText } from "../spine/text.ts";
import { ThresholdError } from "../thresholds/expression.ts";
import { keepYoungSpaceSmall } from "./collector.ts";
import { complain } from "./complain.ts";
import { DASH } from "./dash.ts";
import { EXIT, EXIT_STATUSES, exitOf } from "./exit.ts";
import { leave } from "./leave.ts";
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
      // The code of a command is loaded when it is that command: the others' would cost most of a short run.
      .command(
        "replay [files..]",
        "Read packet captures and say how long every SMTP reply took",
        async (argv) => {
          const { replayOptions, REPLAY_OPTIONS } = await import("./replay.ts");
          return unlessListed(args, replayOptions(argv), REPLAY_OPTIONS);
        },
        async (parsed) => {
          status = await (await import("./replay.ts")).replay(parsed);
        },
      )
      .command(
        "proxy",
        "Stand between a client and a mail server, and say how long every reply takes",
        async (argv) => (await import("./proxy-options.ts")).proxyOptions(argv),
        async (parsed) => {
          status = await (await import("./proxy.ts")).proxy(parsed);
        },
      )
      .command(
        "doctor",
        "Check what a mode of the proxy needs, and prove that connections pass through it",
        async (argv) => (await import("./doctor.ts")).doctorOptions(argv),
        async (parsed) => {
          status = await (await import("./doctor.ts")).doctor(parsed);
        },
      )
      .command(
        "attach [socket]",
        "Watch a running proxy, from now on",
        async (argv) => (await import("./attach.ts")).attachOptions(argv),
        async (parsed) => {
          status = await (await import("./attach.ts")).attach(parsed);
        },
      )
      .command(
        "diff <inside> <outside>",
        "Compare two captures: what a firewall between them changed, or before and after",
        async (argv) => (await import("./diff.ts")).diffOptions(argv),
        async (parsed) => {
          status = await (await import("./diff.ts")).diff(parsed);
        },
      )
      .command(
        "reference <server>",
        "Ask a mail server what it says by itself, to compare with what arrives elsewhere",
        async (argv) => (await import("./reference.ts")).referenceOptions(argv),
        async (parsed) => {
          status = await (await import("./reference.ts")).reference(parsed);
        },
      )
      .command(
        "explain [id]",
        "Explain a finding: what it rests on, what causes it, how to confirm and end it",
        async (argv) => (await import("./explain.ts")).explainOptions(argv),
        async ({ id }) => {
          process.stdout.write((await import("./explain.ts")).explain(id));
        },
      )
      .command("schema", "Print the JSON Schema of what -o json and -o ndjson print", {}, async () => {
        const { NDJSON_SCHEMA } = await import("../reports/index.ts");
        process.stdout.write(`${JSON.stringify(NDJSON_SCHEMA, null, 2)}\n`);
      })
      .demandCommand(1, "say what to do: smtpscope replay FILE (smtpscope --help lists more)")
      .strict()
      .parserConfiguration({ "boolean-negation": false })
      .detectLocale(false)
      .version(VERSION)
      .alias("version", "V")
      .alias("help", "h")
      .epilogue(EXIT_STATUSES)
      .wrap(Math.min(100, process.stdout.columns ?? 100))
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new WrongUse(message);
      });
    await parser.parseAsync();
    return status;
  } catch (error) {
    // yargs' own errors are the operator's.
    if (error instanceof WrongUse || (error instanceof Error && error.name === "YError")) {
      const { helpful } = await import("./wrong-use.ts");
      complain(helpful(error.message));
      return EXIT.usage;
    }
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

/** What yargs says of arguments that it does not understand, where it throws nothing itself. */
class WrongUse extends Error {}

/**
 * yargs renders the help of a command whenever it runs it. Where nobody asked for it there is nothing to
 * list, which saves a short run a tenth of its time.
 */
function unlessListed<T>(args: readonly string[], built: Argv<T>, options: readonly string[]): Argv<T> {
  if (args.includes("--help") || args.includes("-h")) return built;
  for (const option of options) built.hide(option);
  return built;
}
