import { PHASES } from "../spine/phase.ts";
import { closed, count, instant, text } from "./schema-parts.ts";

/** Findings: what the path changed, and why replies were late. */

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

export const rewriting = closed(
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

export const cause = closed({
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
