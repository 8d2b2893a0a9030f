import type { Conversation } from "./conversation.ts";
import type { Exchange } from "./exchange.ts";
import type { Finding } from "./finding.ts";

/**
 * An exchange together with where it is: what filters look at and what is written out.
 * Lent like the exchange itself.
 */
export interface Settled {
  readonly exchange: Exchange;
  readonly conversation: Conversation;
  readonly file: string;
  readonly tcpStream: number;
  /** First and last frame within `file`, null where there are none. */
  readonly askedFrames: readonly [number, number] | null;
  readonly answeredFrames: readonly [number, number] | null;
  /** The file that askedFrames count in, where it is another one of the same ring; else null. */
  readonly askedFile: string | null;
  /** What has been found in this dialogue so far, up to and with this exchange. */
  findings(): readonly Finding["id"][];
  /** Live runs: by how much the stamp of the reply's first byte may be late, µs. */
  readonly uncertaintyUs: number | null;
}
