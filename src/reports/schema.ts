import { PHASES } from "../spine/phase.ts";

/**
 * JSON Schema (2020-12) of the lines of `-o ndjson`. `smtpscope schema` prints it; the tests check
 * every line they see against it.
 */

const instant = {
  type: ["integer", "null"],
  description: "µs since 1970, floored; null where there is none",
};
const duration = { type: ["integer", "null"], minimum: 0, description: "µs" };
const count = { type: "integer", minimum: 0 };
const text = { type: "string" };
const frames = {
  description: "first and last frame as Wireshark numbers them within the file",
  oneOf: [
    { type: "null" },
    { type: "array", items: { type: "integer", minimum: 1 }, minItems: 2, maxItems: 2 },
  ],
};
const place = {
  file: { ...text, description: "the file as it was named; - is standard input" },
  tcpStream: { ...count, description: "tcp.stream as Wireshark numbers it within the file" },
  client: { ...text, description: "address:port, IPv6 in brackets" },
  server: { ...text, description: "address:port, IPv6 in brackets" },
};

function closed(properties: Record<string, unknown>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required, additionalProperties: false };
}

const exchange = closed(
  {
    kind: { const: "exchange" },
    ...place,
    ordinal: { ...count, description: "place within the dialogue" },
    phase: { enum: PHASES },
    verb: {
      ...text,
      description: "in capitals, or (connect) (end-of-data) (auth) (tls) (encrypted) (unsolicited) (unknown)",
    },
    command: { type: ["string", "null"], description: "the line as sent, escaped, secrets replaced" },
    code: { type: ["integer", "null"], minimum: 200, maximum: 599 },
    lines: { type: "array", items: text },
    askedFirstAtUs: instant,
    askedLastAtUs: instant,
    answeredFirstAtUs: instant,
    answeredLineAtUs: { ...instant, description: "end of the reply's first line" },
    answeredLastAtUs: instant,
    thinkUs: { ...duration, description: "answeredFirst − askedLast" },
    serviceUs: {
      ...duration,
      description: "answeredFirst − max(askedLast, previous reply's answeredLast), ≥ 0",
    },
    sinceSynAckUs: {
      type: ["integer", "null"],
      description: "banner only: from the SYN-ACK to its first byte",
    },
    pipelinedBehind: {
      ...count,
      description: "commands without a reply when this one's first byte was seen",
    },
    retransmits: { ...count, description: "later copies of either span" },
    askedFrames: frames,
    answeredFrames: frames,
    askedFile: { ...text, description: "where askedFrames count in an earlier file of the same ring" },
    uncertaintyUs: { ...count, description: "live runs: by how much the reply's stamp may be late" },
    taint: {
      enum: [null, "gap", "clock", "unanswered", "early"],
      description: "why the time is not recorded",
    },
  },
  ["sinceSynAckUs", "askedFile", "uncertaintyUs"],
);

const conversation = closed(
  {
    kind: { const: "conversation" },
    ...place,
    synAtUs: instant,
    synAckAtUs: instant,
    handshakeAtUs: instant,
    endedAtUs: instant,
    ended: { enum: ["fin", "rst", "idle", "open"] },
    tls: {
      oneOf: [
        { type: "null" },
        closed({
          how: { enum: ["starttls", "implicit", "unannounced"] },
          version: { type: ["string", "null"] },
          resumed: { type: "boolean" },
          helloAtUs: instant,
          certificate: {
            description: "the server's, where it passed in the clear (up to TLS 1.2)",
            oneOf: [
              { type: "null" },
              closed({
                fingerprint: text,
                subject: text,
                issuer: text,
                names: { type: "array", items: text },
              }),
            ],
          },
          establishedAtUs: instant,
        }),
      ],
    },
    starttls: { enum: ["used", "offered", "none"] },
    vantage: {
      enum: [null, "client", "server", "middle"],
      description: "where the capture was made, by the handshake",
    },
    rttUs: { ...duration, description: "round trip client to server by the handshake" },
    banner: { type: "array", items: text },
    messages: count,
    time: {
      description: "where the time from SYN to end went, in µs; the parts add up to it",
      ...closed({
        connectUs: count,
        serverUs: count,
        pathUs: count,
        clientUs: count,
        transferUs: count,
        unknownUs: count,
      }),
    },
    flags: { type: "array", items: text, uniqueItems: true },
    live: {
      description: "what a proxy knows of the connection besides",
      ...closed({
        acceptedAtUs: instant,
        via: { type: ["string", "null"], description: "address:port that the server saw" },
        failure: { type: ["string", "null"], description: "why the server could not be reached" },
        rttUs: { ...duration, description: "to the server, by the kernel" },
        minRttUs: duration,
        retransmits: { type: ["integer", "null"], minimum: 0 },
      }),
    },
  },
  ["live"],
);

const evidence = {
  type: "array",
  description: "where to see it; the first few of all there are",
  items: closed({
    file: text,
    frame: { type: ["integer", "null"], description: "as Wireshark numbers it within the file" },
    tcpStream: { type: ["integer", "null"] },
    atUs: instant,
    text: { ...text, description: "what is to be seen there, escaped" },
  }),
};
const found = {
  kind: { const: "finding" },
  severity: { enum: ["info", "warning", "critical"] },
  confidence: { type: "number", minimum: 0, maximum: 1 },
  dialogues: { ...count, description: "dialogues it was found in" },
  claim: text,
  evidence,
  remedy: text,
  source: text,
};

const rewriting = closed(
  {
    ...found,
    id: { type: "string", pattern: "^rewriting/[a-z0-9-]+$" },
    basis: {
      enum: ["seen", "likely"],
      description: "seen: compared with the server's own bytes; likely: recognised by its looks",
    },
    originals: {
      type: "array",
      description: "what masked texts may have been, the most likely first; ? for what is not known",
      items: closed({
        masked: text,
        candidates: {
          type: "array",
          items: closed({ text, inferred: text, share: { type: "number", minimum: 0, maximum: 1 } }),
        },
      }),
    },
    differences: {
      type: "array",
      description:
        "what the server said and what arrived, escaped; carets under what differs, and that in hex",
      items: closed({
        kinds: { type: "array", items: text },
        before: text,
        beforeMarks: text,
        beforeHex: text,
        after: text,
        afterMarks: text,
        afterHex: text,
      }),
    },
  },
  ["originals", "differences"],
);

const cause = closed({
  ...found,
  id: { type: "string", pattern: "^cause/[a-z0-9-]+$" },
  rank: { type: "integer", minimum: 1, description: "1 is the worst; ties share a rank" },
  ties: { type: "array", items: text, description: "ids that the evidence cannot tell from this one" },
  deliberate: { type: "boolean", description: "done on purpose" },
  phases: { type: "array", items: { enum: PHASES } },
  waitedUs: { ...count, description: "µs waited in the dialogues and phases concerned" },
  explainedUs: { ...count, description: "of these, what the cause accounts for" },
  against: evidence,
  decide: { type: ["string", "null"], description: "the observation that would tell the ties apart" },
});

const waiting = closed({
  waitedUs: { ...count, description: "as in the report" },
  unseenUs: { ...count, description: "waited past the point of capture: replies that were sent again" },
  parts: {
    type: "array",
    description: "with unexplainedUs they add up to waitedUs + unseenUs",
    items: closed({
      causes: { type: "array", items: text, description: "ids that cannot be told apart" },
      rank: { type: "integer", minimum: 1 },
      phases: { type: "array", items: { enum: PHASES } },
      explainedUs: count,
      share: { type: "number", minimum: 0, maximum: 1 },
      dialogues: count,
      what: text,
      where: {
        type: ["string", "null"],
        description: "a client, network or server; null where it concerned everybody",
      },
    }),
  },
  unexplainedUs: count,
  promptUs: { ...count, description: "of that, in dialogues that were prompt" },
  scope: { enum: ["none", "isolated", "general", "unknown"] },
  verdict: text,
});

const thresholds = {
  type: "array",
  description: "those asked for by --slo",
  items: closed({
    text: { ...text, description: "as asked for, without blanks" },
    phase: { enum: [...PHASES, null] },
    measure: { enum: ["percentile", "max", "min", "mean", "n", "err"] },
    percentile: { type: ["number", "null"] },
    operator: { enum: ["<", "<=", ">", ">="] },
    limit: { type: "number", description: "µs; for err a share, 0 to 1; for n a count" },
    verdict: { enum: ["met", "violated", "too-few"] },
    measured: { type: ["number", "null"], description: "in the unit of the limit" },
    samples: count,
    needed: { ...count, description: "samples it takes to say that it is met" },
  }),
};

const summary = {
  type: "object",
  description: "the last line: the report that -o json prints",
  properties: {
    kind: { const: "summary" },
    schema: { const: 1 },
    totals: { type: "object" },
    thresholds,
    waiting,
    findings: {
      type: "array",
      items: { oneOf: [{ $ref: "#/$defs/rewriting" }, { $ref: "#/$defs/cause" }] },
    },
    phases: { type: "array" },
  },
  required: [
    "kind",
    "schema",
    "tool",
    "source",
    "window",
    "restriction",
    "thresholds",
    "totals",
    "health",
    "waitedUs",
    "account",
    "waiting",
    "findings",
    "phases",
  ],
};

export const NDJSON_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "urn:smtpscope:ndjson:1",
  title: "A line of smtpscope replay -o ndjson",
  oneOf: ["exchange", "conversation", "rewriting", "cause", "summary"].map((name) => ({
    $ref: `#/$defs/${name}`,
  })),
  $defs: { exchange, conversation, rewriting, cause, summary },
};
