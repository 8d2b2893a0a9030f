/** What a server says by itself, asked where nothing stands between: to compare with what arrives elsewhere. */

/** Texts are escaped. */
export interface Certificate {
  /** SHA-256 in hex, in capitals, with colons. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly issuer: string;
  /** The names it is for. */
  readonly names: readonly string[];
}

/** A line, code and line end included, one character a byte: what is always the same, and samples of what is not. */
export type ReferenceLine = readonly (string | { readonly varies: string })[];

/** What one asking of a server brought. */
export interface Answers {
  /** Replies as they came, one character a byte; by what was asked: (connect), EHLO, NOOP … */
  readonly replies: Readonly<Record<string, string>>;
  readonly certificate: Certificate | null;
}

export interface Reference {
  readonly kind: "smtpscope-reference";
  readonly schema: 1;
  /** As it was named by the operator. */
  readonly server: string;
  /** RFC 3339; null for what the operator expects. */
  readonly takenAt: string | null;
  /** How often it was asked. */
  readonly asked: number;
  /** Lines of each reply, by what was asked. */
  readonly replies: Readonly<Record<string, readonly ReferenceLine[]>>;
  /** Instead of the banner's lines: an expression that it must match. */
  readonly bannerPattern: string | null;
  readonly certificate: Certificate | null;
}
