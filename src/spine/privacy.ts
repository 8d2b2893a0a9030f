import type { Side, Transport } from "./wire.ts";

/**
 * What bytes of a dialogue are to whoever writes them down. `plain`: commands, replies, and what is
 * encrypted; `secret`: what proves who somebody is, or may; `message`: a mail's content; `challenge`:
 * a reply of which only the code is plain, for its text belongs to a secret.
 */
export type ByteKind = "plain" | "secret" | "message" | "challenge";

/** Is told what a dialogue's bytes are, as soon as that is known. */
export interface PrivacyListener {
  /**
   * The bytes of `side` up to stream offset `to` are of this kind, from where the last call ended.
   * Never takes back what it said; what it never says anything about is not to be shown.
   */
  judged(transport: Transport, side: Side, to: number, kind: ByteKind): void;
  /** The connection is SMTP, or is not. Until then even what is plain is not to be shown. */
  recognised(transport: Transport, isSmtp: boolean): void;
}
