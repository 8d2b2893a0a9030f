import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { ArgumentsCamelCase, Argv, InferredOptionTypes } from "yargs";
import { ask } from "../probe/ask.ts";
import { type HostPort, parseHostPort } from "../relay/host-port.ts";
import { learn } from "../rewriting/reference/learn.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { Answers, Reference } from "../spine/reference.ts";
import { escapeText } from "../spine/text.ts";
import { EXIT } from "./exit.ts";
import { openOutput } from "./output.ts";
import { refuseRepeated } from "./report-options.ts";
import { parseLength } from "./times.ts";

const OPTIONS = {
  output: { alias: "O", type: "string", requiresArg: true, describe: "Write it to this file" },
  times: {
    type: "number",
    default: 3,
    requiresArg: true,
    describe: "How often to ask: what differs between the answers is learnt as variable",
  },
  timeout: {
    type: "string",
    default: "30s",
    requiresArg: true,
    describe: "How long the connection and each reply may take",
  },
} as const;

export const REFERENCE_OPTIONS: readonly string[] = Object.keys(OPTIONS);

type ReferenceArguments = ArgumentsCamelCase<
  InferredOptionTypes<typeof OPTIONS> & { server: string | undefined }
>;

export function referenceOptions(argv: Argv) {
  return argv
    .positional("server", { type: "string", describe: "HOST:PORT; on the mail server itself localhost:25" })
    .options(OPTIONS)
    .example("$0 reference localhost:25 -O mx.json", "On the mail server: what does it say?")
    .example("$0 replay outside.pcap --reference mx.json", "Elsewhere: what of it arrived?");
}

/** @returns the exit status */
export async function reference(args: ReferenceArguments): Promise<number> {
  refuseRepeated(args, OPTIONS);
  const { times } = args;
  if (!Number.isInteger(times) || times < 1 || times > MAX_TIMES)
    throw new SmtpscopeError("usage", `--times takes a whole number from 1 to ${MAX_TIMES}`);
  const output = openOutput(args.output ?? null, [], false);
  try {
    const found = await askServer(args.server ?? "", times, parseLength(args.timeout, "timeout"));
    await output.write(`${JSON.stringify(found, null, 1)}\n`);
  } finally {
    output.close();
  }
  return EXIT.done;
}

/** More would annoy the server, and teach nothing new. */
const MAX_TIMES = 20;
/** Between two askings: seconds in dates and greetings must move on. */
const BETWEEN_MS = 1_100;

/** @throws SmtpscopeError */
export async function askServer(server: string, times: number, timeoutMs: number): Promise<Reference> {
  const { host, port } = serverOf(server);
  const answers: Answers[] = [];
  try {
    for (let i = 0; i < times; i++) {
      if (i > 0) await sleep(BETWEEN_MS);
      answers.push(await ask({ host, port, name: hostname() || "localhost", timeoutMs }));
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SmtpscopeError("unreadable", `cannot ask ${server}: ${escapeText(why)}`);
  }
  return learn(server, new Date().toISOString(), answers);
}

/** A host alone is its port 25. */
function serverOf(server: string): HostPort {
  const bare = /^(?:[\w.-]*[A-Za-z][\w.-]*|\d+\.\d+\.\d+\.\d+|\[[\da-fA-F:]+\])$/.test(server);
  return parseHostPort(bare ? `${server}:25` : server, "server", null);
}
