import { FilterError } from "../filter/filter-error.ts";
import { parseFilter } from "../filter/parser.ts";
import type { FilterSubject } from "../filter/subject.ts";
import type { CompiledFilter } from "../screens/index.ts";
import type { KeptDialogue, KeptExchange } from "../spine/kept.ts";

/** The filter language for dialogues that are kept: what is written after `/` on the screen. */
export function compileKeptFilter(text: string): CompiledFilter {
  try {
    const filter = parseFilter(text);
    return { ok: true, matches: (exchange, dialogue) => filter.matches(subjectOf(exchange, dialogue)) };
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return { ok: false, message: error.message, position: [...text.slice(0, error.position)].length };
  }
}

function subjectOf(exchange: KeptExchange, dialogue: KeptDialogue): FilterSubject {
  const { phase, verb, code, serviceUs, thinkUs, file, tcpStream, askedFrames, answeredFrames } = exchange;
  const { pipelinedBehind, retransmits, taint } = exchange;
  const { client, server, banner, tls, starttls, ended, findings } = dialogue;
  return {
    phase,
    verb,
    command: () => exchange.command,
    code,
    lines: () => exchange.lines,
    serviceUs,
    thinkUs,
    client,
    server,
    file,
    tcpStream,
    askedFrames,
    answeredFrames,
    pipelinedBehind,
    retransmits,
    taint,
    findings: () => findings,
    conversation: {
      tls: tls !== null,
      starttls,
      banner: () => banner,
      ended: ended === "open" ? null : ended,
    },
  };
}
