/**
 * smtpscope as a library: a capture as a source, its dialogues, and the analysis of them.
 *
 * @example
 * const analysis = new Analysis(options, () => capture.frames);
 * const dialogues = new Dialogues(analysis, { ports: new Set(MAIL_PORTS), copiesPossible: true });
 * const capture = new Capture(dialogues, new Set(MAIL_PORTS));
 * await capture.readFile("mail.pcap", {});
 * capture.end();
 * analysis.resolveSilent((server) => analysis.silent.servers.has(server));
 */
export { Analysis, type AnalysisOptions } from "./analysis/analysis.ts";
export { Capture, type CaptureCounts } from "./capture/capture.ts";
export { MAIL_PORTS } from "./capture/stream/streams.ts";
export { Dialogues } from "./dialogue/dialogues.ts";
export { type Filter, parseFilter } from "./filter/parser.ts";
export { conversationLine, exchangeLine, NDJSON_SCHEMA } from "./reports/index.ts";
export type { Conversation, DialogueListener } from "./spine/conversation.ts";
export { SmtpscopeError } from "./spine/errors.ts";
export type { Exchange } from "./spine/exchange.ts";
export type {
  CauseFinding,
  Evidence,
  Explanation,
  Finding,
  RewritingFinding,
  Severity,
} from "./spine/finding.ts";
export type { Phase } from "./spine/phase.ts";
export type { Report } from "./spine/report.ts";
export type { Settled } from "./spine/settled.ts";
export type { SourceSink, StreamSink, Transport } from "./spine/wire.ts";
