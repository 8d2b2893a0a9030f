import { PHASES } from "../spine/phase.ts";
import { closed, count, instant, listOf, orNull, place, text } from "./schema-parts.ts";

/** What `smtpscope diff` prints, with `--before-after` and without. */

const phase = { enum: PHASES };
const side = { enum: ["inside", "outside"] };
const tool = closed({ name: { const: "smtpscope" }, version: text });
const share = { type: "number", minimum: 0, maximum: 1 };
/** Differences of times may be negative. */
const difference = { type: "integer", description: "µs" };

// ---- Two sides

const at = closed({
  ...place,
  frame: { ...count, description: "as Wireshark numbers it within the file" },
  atUs: instant,
});

const fileView = closed({
  file: text,
  format: { type: ["string", "null"] },
  compression: { type: ["string", "null"] },
  bytes: count,
  damage: orNull(closed({ kind: { enum: ["cut", "damaged"] }, offsetBytes: count, what: text })),
  interrupted: { type: "boolean" },
  nanoseconds: { type: "boolean" },
});

const unmatched = closed({ dialogues: count, first: listOf(at) });

const sideView = closed({
  files: listOf(fileView),
  firstAtUs: instant,
  lastAtUs: instant,
  packets: count,
  dialogues: count,
  leftOut: { ...count, description: "dialogues for which there was no room" },
  only: { ...unmatched, description: "dialogues that the other side never saw, though it was capturing" },
  outsideWindow: { ...count, description: "from before the other capture began, or after it ended" },
  ambiguous: {
    ...unmatched,
    description: "several dialogues of the other side could be it, or too little of it was captured to tell",
  },
});

const clock = closed({
  offsetUs: { type: "integer", description: "outside's stamps less inside's" },
  uncertaintyUs: count,
  driftPpm: { type: "number" },
  agreeing: count,
  asked: count,
});

const variant = closed({
  before: { type: ["string", "null"], description: "as it was sent, escaped; null where there was none" },
  beforeMarks: { ...text, description: "carets under what differs" },
  beforeHex: { ...text, description: "the bytes that differ" },
  after: { type: ["string", "null"], description: "as it arrived" },
  afterMarks: text,
  afterHex: text,
  times: count,
  inside: orNull(at),
  outside: orNull(at),
});

const change = {
  serverSide: { ...side, description: "where the server is; what it says comes from there" },
  part: { enum: ["reply", "command", "message", "secret", "encrypted"] },
  phase,
  verb: text,
  kinds: { ...listOf(text), description: "the main kind first" },
  keyword: { type: ["string", "null"] },
  dialogues: count,
  times: count,
  variants: { ...listOf(variant), description: "commonest first, the first few" },
};

const distribution = closed({
  n: count,
  minUs: difference,
  p50Us: difference,
  p95Us: difference,
  maxUs: difference,
  uncertaintyUs: count,
});

const delay = {
  serverSide: side,
  phase,
  added: {
    ...distribution,
    description: "by how much longer it took where the client is; body: where the server is",
  },
  held: { ...count, description: "times to which 100 ms or more was added" },
  lost: { ...count, description: "the same, where packets were lost between the captures and sent again" },
  command: {
    ...orNull(distribution),
    description: "of that on the way of the command (body: its last byte); null without a clock",
  },
  reply: { ...orNull(distribution), description: "and on the reply's (body: the 354's)" },
  worst: orNull(closed({ addedUs: difference, inside: at, outside: at })),
};

const segments = closed({
  compared: count,
  resplit: { ...count, description: "of these, cut into segments at other places" },
  dialogues: count,
  example: orNull(
    closed({
      verb: text,
      from: { enum: ["client", "server"] },
      before: listOf(count),
      after: listOf(count),
      inside: at,
      outside: at,
    }),
  ),
});

const sides = {
  schema: { const: 1 },
  tool,
  inside: sideView,
  outside: sideView,
  servers: {
    description: "dialogues whose server is on this side",
    ...closed({ inside: count, outside: count }),
  },
  clock: orNull(clock),
  matched: closed({
    dialogues: count,
    by: closed({ sequence: count, timestamps: count, contents: count, time: count }),
    unchanged: count,
    exchanges: count,
    doubtful: { ...count, description: "exchanges that could not be compared: bytes are missing" },
  }),
  changesLeftOut: count,
  segments,
};

export const diffDefinitions = {
  change: closed({ kind: { const: "change" }, ...change }),
  delay: closed({ kind: { const: "delay" }, ...delay }),
  diffSummary: closed({ kind: { const: "diff-summary" }, ...sides }),
  diff: {
    description: "the object that diff -o json prints",
    ...closed({
      kind: { const: "diff" },
      ...sides,
      changes: listOf(closed(change)),
      delays: listOf(closed(delay)),
      findings: listOf({ $ref: "#/$defs/rewriting" }),
    }),
  },
};

// ---- Two periods

const percentile = { type: ["integer", "null"], description: "µs; null where there are too few times" };
const percentiles = { p50Us: percentile, p95Us: percentile, p99Us: percentile };
const times = orNull(closed({ n: count, ...percentiles }));

const phaseChange = {
  phase,
  before: times,
  after: times,
  change: { ...orNull(closed(percentiles)), description: "after less before" },
  verdict: {
    enum: ["slower", "faster", "different", "same", "too few samples", "only before", "only after"],
  },
  p: { type: ["number", "null"], minimum: 0, maximum: 1 },
  basis: { enum: ["samples", "histogram", null], description: "single times, or the bars of a saved report" },
};

const textChange = {
  text,
  before: { ...share, description: "of dialogues (banners) or of replies to EHLO (keywords)" },
  after: share,
};

const periods = {
  schema: { const: 1 },
  tool,
  before: closed({ dialogues: count }),
  after: closed({ dialogues: count }),
  level: { ...share, description: "a phase is different when one of its p is not above this" },
};

export const beforeAfterDefinitions = {
  phaseChange: closed({ kind: { const: "phase-change" }, ...phaseChange }),
  bannerChange: closed({ kind: { const: "banner-change" }, ...textChange }),
  keywordChange: closed({ kind: { const: "keyword-change" }, ...textChange }),
  beforeAfterSummary: closed({ kind: { const: "before-after-summary" }, ...periods }),
  beforeAfter: {
    description: "the object that diff --before-after -o json prints",
    ...closed({
      kind: { const: "before-after" },
      ...periods,
      phases: listOf(closed(phaseChange)),
      banners: orNull(listOf(closed(textChange))),
      keywords: orNull(listOf(closed(textChange))),
    }),
  },
};
