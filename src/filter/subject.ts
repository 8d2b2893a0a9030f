/**
 * What a filter asks of an exchange. Whoever filters adapts its exchange to this, so the language
 * knows nothing of captures, relays or logs. What costs something to make (`command`, `lines`,
 * `banner`) is a call: a filter that does not ask for it does not pay.
 */
export interface FilterSubject {
  readonly phase: string;
  /** In capitals, or a pseudo-verb such as `(connect)`. */
  readonly verb: string;
  command(): string | null;
  readonly code: number | null;
  /** The reply's lines; empty without a reply. */
  lines(): readonly string[];
  readonly serviceUs: number | null;
  readonly thinkUs: number | null;
  /** `address:port`, IPv6 in brackets. */
  readonly client: string;
  readonly server: string;
  readonly file: string;
  readonly tcpStream: number;
  /** First and last packet number, as Wireshark counts; null when there is none. */
  readonly askedFrames: readonly [number, number] | null;
  readonly answeredFrames: readonly [number, number] | null;
  readonly pipelinedBehind: number;
  readonly retransmits: number;
  readonly taint: string | null;
  /** Ids of what was found in its dialogue so far. */
  findings(): readonly string[];
  readonly conversation: {
    readonly tls: boolean;
    readonly starttls: string;
    banner(): string | null;
    /** Null while it goes on. */
    readonly ended: string | null;
  };
}
