import { PHASES } from "../spine/phase.ts";
import { beforeAfterDefinitions, diffDefinitions } from "./schema-diff.ts";
import { cause, rewriting } from "./schema-findings.ts";
import { closed, count, duration, frames, instant, place, text } from "./schema-parts.ts";

/**
 * JSON Schema (2020-12) of every line of `-o ndjson` and every object of `-o json`, of all commands. `smtpscope schema`
 * prints it; the tests check all they see against it.
 */

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
        othersTriedUs: {
          ...count,
          description: "for so long other addresses of the server were tried before the one that answered",
        },
        failure: { type: ["string", "null"], description: "why the server could not be reached" },
        rttUs: { ...duration, description: "to the server, by the kernel" },
        minRttUs: duration,
        retransmits: { type: ["integer", "null"], minimum: 0 },
      }),
    },
  },
  ["live"],
);

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

function reportOf(kind: string, description: string) {
  return {
    type: "object",
    description,
    properties: {
      kind: { const: kind },
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
}

const summary = reportOf("summary", "the last line: the report that -o json prints");
const report = reportOf("report", "the object that replay -o json prints");

const definitions = {
  exchange,
  conversation,
  rewriting,
  cause,
  summary,
  report,
  ...diffDefinitions,
  ...beforeAfterDefinitions,
};

export const NDJSON_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "urn:smtpscope:ndjson:1",
  title: "A line of smtpscope -o ndjson, or the object of -o json: of replay, proxy, attach and diff",
  oneOf: Object.keys(definitions).map((name) => ({ $ref: `#/$defs/${name}` })),
  $defs: definitions,
};
