import { type ByteString, lineChanges } from "../rewriting/compare/line.ts";
import { compareReplies } from "../rewriting/compare/reply.ts";
import { DIGESTED_TLS_BYTES } from "../spine/conversation.ts";
import type { Unkept } from "../spine/exchange.ts";
import type { Phase } from "../spine/phase.ts";
import { NO_TIME } from "../spine/wire.ts";
import { type Clock, offsetAt } from "./clock.ts";
import type { RecordedDialogue, RecordedTurn } from "./recorded.ts";
import { repliesShiftedFrom, type TurnPair } from "./turns.ts";

/**
 * What one dialogue says on the server's side of the path, against what it says on the client's. What the
 * server said was changed between server and client, what the client said between client and server: `before`
 * is always as it was sent.
 */

type ChangedPart =
  | "reply"
  | "command"
  | "message"
  /** A secret of AUTH; its text is not known here. */
  | "secret"
  /** The encrypted part: TLS ends on the path. */
  | "encrypted";

/** How; beyond the kinds of rewriting/compare: */
type ChangeKind =
  | ReturnType<typeof compareReplies>[number]["changes"][number]
  /** A command that never came to the server: something on the path answered it. */
  | "not-passed-on"
  /** A command that no client said. */
  | "put-in"
  /** A reply that never came to the client. */
  | "swallowed"
  /** The client had it before the server gave it. */
  | "answered-on-path"
  /** Other bytes, of which only length and digest are known. */
  | "other-bytes";

export interface Change {
  readonly part: ChangedPart;
  readonly phase: Phase;
  readonly verb: string;
  readonly kinds: readonly ChangeKind[];
  readonly keyword: string | null;
  readonly before: ByteString | Unkept | null;
  readonly after: ByteString | Unkept | null;
  readonly onServerSide: RecordedTurn | null;
  readonly onClientSide: RecordedTurn | null;
}

/**
 * @param turns the server's side first
 * @param clock of the server's side less the client's
 */
export function changesIn(
  server: RecordedDialogue,
  client: RecordedDialogue,
  turns: readonly TurnPair[],
  clock: Clock | null,
): Change[] {
  const changes: Change[] = [];
  const shiftedFrom = repliesShiftedFrom(turns);
  turns.forEach(([s, c], i) => {
    if (s !== null && c !== null) {
      const isShifted = i >= shiftedFrom;
      changes.push(
        ...turnChanges(s, c, hungUp(s, c, client, clock)).filter(
          ({ part }) => part !== "reply" || !isShifted,
        ),
      );
      return;
    }
    if (i >= shiftedFrom && s === null && c?.verb === "(unsolicited)") return;
    // Part of a message whose command was overwritten: the server takes it for commands.
    if (i >= shiftedFrom && s !== null && s.verb === "(unknown)" && s.command === null) return;
    const turn = (s ?? c)!;
    if (server.hasGap || client.hasGap || isCutOff(server, client, turns, i)) return;
    changes.push(...unpairedChanges(turn, s, c));
  });
  if (!server.hasGap && !client.hasGap) changes.push(...encryptedChanges(server, client, turns));
  return changes;
}

/** The capture was over before the reply came; or behind QUIT, where a client need not wait for it, the client was. */
function hungUp(s: RecordedTurn, c: RecordedTurn, client: RecordedDialogue, clock: Clock | null): boolean {
  if (client.isOpen) return true;
  if (c.verb !== "QUIT" || client.clientEndAt === NO_TIME) return false;
  return clock === null || s.answeredFirst - offsetAt(clock, s.answeredFirst) >= client.clientEndAt;
}

function turnChanges(s: RecordedTurn, c: RecordedTurn, hasHungUp: boolean): Change[] {
  const changes: Change[] = [];
  const { phase, verb } = c;
  const at = { phase, verb, onServerSide: s, onClientSide: c };
  if (!s.hasGap && !c.hasGap) {
    const kinds = commandChanges(c, s);
    const said = { before: c.command, after: s.command };
    if (kinds.length > 0) changes.push({ ...at, part: "command", kinds, keyword: null, ...said });
    const unkept = unkeptChange(s, c);
    if (unkept !== null) changes.push({ ...at, ...unkept });
  }
  if (s.reply === null || c.reply === null || s.hasGap || c.hasGap) return changes;
  if (s.reply !== "" && c.reply === "" && c.unanswered && !isEncrypted(c) && !hasHungUp) {
    const lost = { before: s.reply, after: null, keyword: null };
    changes.push({ ...at, part: "reply", kinds: ["swallowed"], ...lost });
  } else if (s.reply !== "" && c.reply !== "") {
    const toEhlo = verb === "EHLO" || verb === "LHLO";
    for (const { changes: kinds, before, after, keyword } of compareReplies(s.reply, c.reply, toEhlo))
      changes.push({ ...at, part: "reply", kinds, keyword, before, after });
  }
  return changes;
}

function commandChanges(c: RecordedTurn, s: RecordedTurn): readonly ChangeKind[] {
  if (c.command === null || s.command === null) return [];
  return lineChanges(c.command, s.command);
}

function unkeptChange(
  s: RecordedTurn,
  c: RecordedTurn,
): Pick<Change, "part" | "kinds" | "keyword" | "before" | "after"> | null {
  const [before, after] = [c.unkept, s.unkept];
  if (before === null || after === null || before.digest === null || after.digest === null) return null;
  if (before.digest === after.digest && before.lengthBytes === after.lengthBytes) return null;
  const isMessage = c.phase === "end-of-data" || c.phase === "bdat";
  return { part: isMessage ? "message" : "secret", kinds: ["other-bytes"], keyword: null, before, after };
}

function isEncrypted({ phase }: RecordedTurn): boolean {
  return phase === "tls" || phase === "encrypted";
}

/** What comes before one capture's beginning, or behind its end, was not left out by the path. */
function isCutOff(
  server: RecordedDialogue,
  client: RecordedDialogue,
  turns: readonly TurnPair[],
  at: number,
): boolean {
  const isPaired = ([s, c]: TurnPair) => s !== null && c !== null;
  // A capture that begins, or ends, in the middle of a turn sees half of it and takes it for another.
  if ((server.startsMidway || client.startsMidway) && !turns.slice(0, at).some(isPaired)) return true;
  return (server.isOpen || client.isOpen) && !turns.slice(at + 1).some(isPaired);
}

function unpairedChanges(turn: RecordedTurn, s: RecordedTurn | null, c: RecordedTurn | null): Change[] {
  const { phase, verb, command, reply } = turn;
  const at = { phase, verb, keyword: null, onServerSide: s, onClientSide: c };
  // What is encrypted is compared as a whole.
  if (isEncrypted(turn)) return [];
  if (verb === "(unsolicited)") {
    const kinds: ChangeKind[] = c === null ? ["swallowed"] : ["put-in"];
    return [
      { ...at, part: "reply", kinds, before: s === null ? null : reply, after: c === null ? null : reply },
    ];
  }
  const kinds: ChangeKind[] = s === null ? ["not-passed-on"] : ["put-in"];
  return [
    {
      ...at,
      part: "command",
      kinds,
      before: c === null ? null : command,
      after: s === null ? null : command,
    },
  ];
}

function encryptedChanges(
  server: RecordedDialogue,
  client: RecordedDialogue,
  turns: readonly TurnPair[],
): Change[] {
  if (server.startsMidway || client.startsMidway) return [];
  const areComplete = server.isComplete && client.isComplete;
  const changes: Change[] = [];
  for (const side of ["client", "server"] as const) {
    const ofClient = side === "client";
    const before = (ofClient ? client : server).encrypted[side];
    const after = (ofClient ? server : client).encrypted[side];
    if (before === null || after === null || before.digest === null || after.digest === null) continue;
    if (before.digest === after.digest) continue;
    // One may be the beginning of the other.
    const isCut = Math.min(before.lengthBytes, after.lengthBytes) < DIGESTED_TLS_BYTES;
    if (isCut && !areComplete && before.lengthBytes !== after.lengthBytes) continue;
    const [s, c] = turns.find(([x, y]) => (x ?? y)!.phase === "tls") ?? [null, null];
    changes.push({
      part: "encrypted",
      phase: "tls",
      verb: side === "client" ? "(client)" : "(server)",
      kinds: ["other-bytes"],
      keyword: null,
      before,
      after,
      onServerSide: s,
      onClientSide: c,
    });
  }
  return changes;
}
