import { existsSync, rmSync } from "node:fs";
import { Capture } from "../capture/capture.ts";
import { Dialogues } from "../dialogue/dialogues.ts";
import { Recording } from "../recording/recording.ts";
import type { DialogueListener } from "../spine/conversation.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import type { KeptDialogue } from "../spine/kept.ts";
import type { SourceSink, StreamSink, Transport } from "../spine/wire.ts";
import { VERSION } from "./version.ts";

/** Which dialogue of a capture: its ends, and when it began. */
type Chosen = Pick<KeptDialogue, "file" | "client" | "server" | "startAtUs" | "tcpStream">;

/**
 * Reads a capture again and writes one dialogue of it as a capture of its own, without what came twice
 * and with filler for what is private.
 * @param files those that are read as one, in order
 * @throws SmtpscopeError
 */
export async function saveDialogue(
  path: string,
  chosen: Chosen,
  files: readonly string[],
  ports: ReadonlySet<number>,
): Promise<void> {
  if (existsSync(path))
    throw new SmtpscopeError("output", `cannot write ${path}: it exists; choose another name`);
  let trouble: string | null = null;
  const recording = new Recording({
    path,
    raw: false,
    application: `smtpscope ${VERSION}`,
    comment: `of ${chosen.file}, tcp.stream ${chosen.tcpStream}; the packets are made up, times and bytes are the capture's`,
    uncertaintyUs: null,
    say: (sentence) => {
      trouble ??= sentence;
    },
    sizeBytes: null,
    ageUs: null,
    keep: null,
  });
  if (recording.path !== path) {
    // Of a recording with this name further files are there.
    await recording.close();
    rmSync(recording.path, { force: true });
    throw new SmtpscopeError("output", `cannot write ${path}: ${path}N exist; choose another name`);
  }
  const dialogues = new Dialogues(NOBODY, { ports, copiesPossible: true, privacy: recording });
  const only = new OnlyOne(chosen, recording.before(dialogues));
  const capture = new Capture(only, ports);
  for (const file of files) {
    if (!only.isOver) await capture.readFile(file, { signal: only.signal });
  }
  capture.end();
  await recording.close();
  if (only.found && trouble === null) return;
  rmSync(path, { force: true });
  throw new SmtpscopeError("output", trouble ?? `${chosen.file} has changed: the dialogue is not in it`);
}

const NOBODY: DialogueListener = {
  exchange: () => {},
  body: () => {},
  conversation: () => {},
  other: () => {},
  undecided: () => {},
};

/** Lets one connection through, and ends the reading when it is over. */
class OnlyOne implements SourceSink {
  found = false;
  isOver = false;
  readonly #chosen: Chosen;
  readonly #inner: SourceSink;
  readonly #abort = new AbortController();

  constructor(chosen: Chosen, inner: SourceSink) {
    this.#chosen = chosen;
    this.#inner = inner;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  open(transport: Transport): StreamSink {
    const { client, server, startAtUs } = this.#chosen;
    const isIt = transport.client === client && transport.server === server;
    if (this.found || !isIt || (transport.synAtUs ?? transport.firstAtUs) !== startAtUs) return UNWANTED;
    this.found = true;
    const sink = this.#inner.open(transport);
    return {
      get wanted() {
        return sink.wanted;
      },
      bytes: (...said) => sink.bytes(...said),
      gap: (...said) => sink.gap(...said),
      copy: (...said) => sink.copy(...said),
      end: (...said) => sink.end(...said),
      close: (atUs) => {
        sink.close(atUs);
        this.isOver = true;
        this.#abort.abort();
      },
    };
  }

  tick(atUs: number): void {
    this.#inner.tick(atUs);
  }
}

const UNWANTED: StreamSink = {
  wanted: false,
  bytes: () => {},
  gap: () => {},
  copy: () => {},
  end: () => {},
  close: () => {},
};
