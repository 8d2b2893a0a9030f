import type { Conversation, Flag } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import type { FileFrames } from "../spine/files.ts";
import { EHLO, HELO, MAIL, RCPT } from "../spine/phase.ts";
import type { SourceSink, StreamSink, Transport } from "../spine/wire.ts";
import { Draft, domainIn, type ListedCount } from "./draft.ts";
import { Examiner } from "./examiner.ts";
import { Idents } from "./idents.ts";
import { LookupBook } from "./lookup-book.ts";
import { type Conclusion, conclude } from "./report.ts";
import { Sample, type SamplePart } from "./sample.ts";

/**
 * Why replies were late. While the input is read this collects, of each dialogue, what a judge needs;
 * when all has been read, `conclude` judges the whole.
 *
 * Most dialogues are prompt: of those only counts are kept. A dialogue that was not is cut into
 * stretches of waiting (`stretches.ts`), each put down to what its packets show; what they don't show is
 * silence, whose cause only the pattern over many replies can tell (`judge.ts`, `causes/`).
 */

/** A dialogue none of whose waits (µs) is longer is prompt, unless its packets were lost or refused. */
const NOTABLE_US = 20_000;

/** A pause of the client (µs) that is worth a look: RFC 5321 lets it take minutes. */
const CLIENT_PAUSE_US = 400_000;

/** What is worth a look however quick it was. */
const TELLING: readonly Flag[] = [
  "syn-retransmitted",
  "refused",
  "silent-server",
  "early-talker",
  "syn-unanswered",
];

export class Diagnosis {
  readonly #drafts = new Map<Conversation, Draft>();
  readonly #listed: ListedCount = { replies: 0 };
  readonly #spare: Draft[] = [];
  readonly #lookups = new LookupBook();
  readonly #idents = new Idents();
  readonly #sample = new Sample();
  readonly #examiner = new Examiner(this.#lookups, this.#idents);
  #latest: Conversation | null = null;
  #latestDraft = new Draft(this.#listed);

  /** Sees what passes a source besides the mail. Sources come one after the other, each with its own time. */
  watch(sink: SourceSink): SourceSink {
    this.#lookups.clear();
    this.#idents.clear();
    return {
      open: (transport: Transport): StreamSink => {
        this.#idents.opened(transport);
        return sink.open(transport);
      },
      tick: (atUs) => sink.tick(atUs),
      lookup: (lookup) => this.#lookups.note(lookup),
    };
  }

  exchange(exchange: Exchange, conversation: Conversation, isAccepted: boolean): void {
    const draft = this.#draft(conversation);
    draft.exchange(exchange, isAccepted);
    const { phaseIndex: phase } = exchange;
    if (this.#lookups.empty || (phase !== MAIL && phase !== RCPT && phase !== EHLO && phase !== HELO)) return;
    const domain = domainIn(exchange.command() ?? "");
    if (domain !== null) draft.heard(domain, exchange.askedFirstAtUs ?? 0);
  }

  /** A dialogue is over. @param connectAccepted whether its connecting is to be in the account */
  conversation(
    conversation: Conversation,
    connectAccepted: boolean,
    rewriting: () => readonly string[],
    frames: FileFrames,
  ): void {
    const draft = this.#draft(conversation);
    const { account, flags, transport } = conversation;
    const connectUs = connectAccepted && transport.synAtUs !== null ? account.connectUs : 0;
    const notable =
      draft.longestUs >= NOTABLE_US ||
      account.connectUs >= NOTABLE_US ||
      draft.hesitated ||
      draft.retransmits > 0 ||
      draft.refusals > 0 ||
      account.clientUs + account.transferUs >= CLIENT_PAUSE_US ||
      (flags.size > 0 && TELLING.some((flag) => flags.has(flag)));
    if (notable) {
      this.#sample.add(this.#examiner.examine(conversation, draft, connectUs, rewriting(), frames));
    } else this.#sample.prompt(conversation, draft, connectUs);
    this.#latest = null;
    draft.clear();
    if (this.#spare.length < MAX_SPARE) this.#spare.push(draft);
  }

  part(): SamplePart {
    return this.#sample.part();
  }

  add(part: SamplePart): void {
    this.#sample.addPart(part);
  }

  conclude(): Conclusion {
    return conclude(this.#sample);
  }

  /** The latest dialogue's draft is at hand; those of others are looked up. */
  #draft(conversation: Conversation): Draft {
    if (conversation === this.#latest) return this.#latestDraft;
    if (this.#latest !== null) this.#drafts.set(this.#latest, this.#latestDraft);
    const known = this.#drafts.size === 0 ? undefined : this.#drafts.get(conversation);
    if (known !== undefined) this.#drafts.delete(conversation);
    this.#latest = conversation;
    this.#latestDraft = known ?? this.#spare.pop() ?? new Draft(this.#listed);
    return this.#latestDraft;
  }
}

/** Drafts kept for the next dialogue, at up to 30 KB each. */
const MAX_SPARE = 64;
