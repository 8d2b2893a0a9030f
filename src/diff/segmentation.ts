import type { SegmentsView, SideName } from "../spine/diff-report.ts";
import type { Side } from "../spine/wire.ts";
import type { PlaceOf } from "./places.ts";
import type { RecordedDialogue, RecordedTurn } from "./recorded.ts";
import type { TurnPair } from "./turns.ts";

/**
 * Bytes that arrived in other segments than they were sent in: something took the stream apart and put it together
 * again. Only what kept its length is looked at. A capture on a host that merges segments for its own comfort
 * (GRO, TSO) shows the same.
 */

interface Example {
  readonly verb: string;
  readonly from: Side;
  readonly before: number[];
  readonly after: number[];
  readonly atServer: Parameters<PlaceOf>;
  readonly atClient: Parameters<PlaceOf>;
}

/** Cuts shown of an example. */
const MAX_SHOWN = 16;

export class Segmentation {
  #compared = 0;
  #resplit = 0;
  #dialogues = 0;
  #example: Example | null = null;

  /** @param turns the server's side first */
  add(server: RecordedDialogue, client: RecordedDialogue, turns: readonly TurnPair[]): void {
    const before = this.#resplit;
    let message = { server: 0, client: 0 };
    for (const [s, c] of turns) {
      if (s !== null && c !== null && !s.hasGap && !c.hasGap) {
        // A message is the stretch between the DATA line and its end.
        const body = c.verb === "(end-of-data)" ? message : { server: s.askedFrom, client: c.askedFrom };
        this.#compare("client", server, client, s, c, [body.server, s.askedTo], [body.client, c.askedTo]);
        const [inS, inC] = [[s.answeredFrom, s.answeredTo] as const, [c.answeredFrom, c.answeredTo] as const];
        this.#compare("server", server, client, s, c, inS, inC);
      }
      message = { server: s?.askedTo ?? message.server, client: c?.askedTo ?? message.client };
    }
    if (this.#resplit > before) this.#dialogues++;
  }

  #compare(
    from: Side,
    server: RecordedDialogue,
    client: RecordedDialogue,
    s: RecordedTurn,
    c: RecordedTurn,
    [sFrom, sTo]: readonly [number, number],
    [cFrom, cTo]: readonly [number, number],
  ): void {
    if (sTo - sFrom !== cTo - cFrom || sTo <= sFrom) return;
    const atServer = server.segments[from].within(sFrom, sTo);
    const atClient = client.segments[from].within(cFrom, cTo);
    if (atServer === null || atClient === null) return;
    this.#compared++;
    if (atServer.length === atClient.length && atServer.every((cut, i) => cut === atClient[i])) return;
    this.#resplit++;
    this.#example ??= {
      verb: c.verb,
      from,
      before: from === "client" ? atClient : atServer,
      after: from === "client" ? atServer : atClient,
      atServer: [server, from === "client" ? s.askedFrame : s.answeredFrame],
      atClient: [client, from === "client" ? c.askedFrame : c.answeredFrame],
    };
  }

  view(placeAtClient: PlaceOf, placeAtServer: PlaceOf, serverSide: SideName): SegmentsView {
    const example = this.#example;
    const totals = { compared: this.#compared, resplit: this.#resplit, dialogues: this.#dialogues };
    if (example === null) return { ...totals, example: null };
    const { verb, from } = example;
    const [client, server] = [placeAtClient(...example.atClient), placeAtServer(...example.atServer)];
    return {
      ...totals,
      example: {
        verb,
        from,
        before: example.before.slice(0, MAX_SHOWN),
        after: example.after.slice(0, MAX_SHOWN),
        inside: serverSide === "inside" ? server : client,
        outside: serverSide === "inside" ? client : server,
      },
    };
  }
}
