import type { ByteKind } from "../spine/privacy.ts";
import type { Side } from "../spine/wire.ts";
import { AMID_LINE, fill } from "./filler.ts";
import type { Piece } from "./piece.ts";

/** One side's payloads of which it is not yet known what they are, in the order of the stream. */
class SidePieces {
  readonly unjudged: Piece[] = [];
  /** Judged, while it is open whether the connection is SMTP. */
  readonly judged: Piece[] = [];
  toOffset = 0;
  column = 0;
}

/** Counts what is kept back of all connections of a recording. */
export interface WithheldBudget {
  bytes: number;
}

/**
 * Keeps a connection's payloads back until they have been judged and, where they are private, filled
 * over. Nothing gets out as it came because it was waited for too long.
 */
export class Withheld {
  readonly #sides: Readonly<Record<Side, SidePieces>> = {
    client: new SidePieces(),
    server: new SidePieces(),
  };
  #isSmtp: boolean | null = null;
  readonly #budget: WithheldBudget;
  /** Of the blocks that are kept back. */
  bytes = 0;

  constructor(budget: WithheldBudget) {
    this.#budget = budget;
  }

  /** The connection is something else: its payloads are not to be kept at all. */
  get isOther(): boolean {
    return this.#isSmtp === false;
  }

  add(piece: Piece): void {
    this.#count(piece.block.length);
    this.#sides[piece.from].unjudged.push(piece);
  }

  /** The bytes up to stream offset `to` are of this kind. */
  judged(side: Side, to: number, kind: ByteKind): void {
    const pieces = this.#sides[side];
    let done = 0;
    for (const piece of pieces.unjudged) {
      if (pieces.toOffset < piece.fromOffset) {
        pieces.toOffset = piece.fromOffset;
        // A reply is taken to begin anew behind missing bytes; a client's line is not.
        pieces.column = side === "server" ? 0 : AMID_LINE;
      }
      if (pieces.toOffset === piece.fromOffset) piece.column = pieces.column;
      const until = Math.min(to, piece.toOffset);
      if (until > pieces.toOffset) {
        const zero = piece.payloadAt - piece.fromOffset;
        pieces.column = fill(kind, piece.block, zero + pieces.toOffset, zero + until, pieces.column);
        pieces.toOffset = until;
      }
      if (pieces.toOffset < piece.toOffset) break;
      done++;
      this.#judgedWhole(piece, pieces);
    }
    if (done > 0) pieces.unjudged.splice(0, done);
  }

  #judgedWhole(piece: Piece, pieces: SidePieces): void {
    if (this.#isSmtp === null) pieces.judged.push(piece);
    else this.#release(piece);
  }

  #release(piece: Piece): void {
    // Of another protocol only what shows that it is one.
    if (this.#isSmtp === false && piece.from === "server") fillWhole(piece, "challenge");
    this.#count(-piece.block.length);
    piece.release();
  }

  #count(bytes: number): void {
    this.bytes += bytes;
    this.#budget.bytes += bytes;
  }

  recognised(isSmtp: boolean): void {
    this.#isSmtp = isSmtp;
    for (const side of ["client", "server"] as const) {
      const { judged } = this.#sides[side];
      for (const piece of judged.splice(0)) this.#release(piece);
    }
  }

  /** What has not been judged by now never shows: it is filled over. */
  fillRest(): void {
    for (const side of ["client", "server"] as const) {
      const kind = side === "client" ? "secret" : "challenge";
      const pieces = this.#sides[side];
      for (const piece of pieces.judged.splice(0)) {
        fillWhole(piece, kind);
        this.#release(piece);
      }
      const last = pieces.unjudged.at(-1);
      if (last === undefined) continue;
      this.judged(side, last.toOffset, kind);
      for (const piece of pieces.judged.splice(0)) this.#release(piece);
    }
  }
}

function fillWhole(piece: Piece, kind: ByteKind): void {
  const { block, payloadAt, fromOffset, toOffset, column } = piece;
  fill(kind, block, payloadAt, payloadAt + (toOffset - fromOffset), column);
}
