/** What a reader of `-o ndjson` and `-o json` gets. */
import type { Finding } from "../../../src/spine/finding.ts";
import type { Report } from "../../../src/spine/report.ts";

export interface ExchangeLine {
  readonly kind: "exchange";
  readonly file: string;
  readonly tcpStream: number;
  readonly client: string;
  readonly server: string;
  readonly ordinal: number;
  readonly phase: string;
  readonly verb: string;
  readonly command: string | null;
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly askedFirstAtUs: number | null;
  readonly askedLastAtUs: number | null;
  readonly answeredFirstAtUs: number | null;
  readonly answeredLastAtUs: number | null;
  readonly thinkUs: number | null;
  readonly serviceUs: number | null;
  readonly askedFrames: readonly [number, number] | null;
  readonly answeredFrames: readonly [number, number] | null;
  readonly askedFile?: string;
  readonly taint: string | null;
}

interface ConversationLine {
  readonly kind: "conversation";
  readonly file: string;
  readonly tcpStream: number;
  readonly client: string;
  readonly server: string;
  readonly synAtUs: number | null;
  readonly endedAtUs: number | null;
  readonly messages: number;
  readonly time: Readonly<Record<string, number>>;
  readonly flags: readonly string[];
}

export type SummaryLine = Omit<Report, "kind"> & { readonly kind: "summary" };

export type Line = ExchangeLine | ConversationLine | Finding | SummaryLine;

export function parseLines(stdout: string): Line[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

export const exchangesOf = (lines: readonly Line[]) => lines.filter((line) => line.kind === "exchange");
export const conversationsOf = (lines: readonly Line[]) =>
  lines.filter((line) => line.kind === "conversation");

export function summaryOf(lines: readonly Line[]): SummaryLine {
  const last = lines.at(-1);
  if (last?.kind !== "summary") throw new Error(`the last line is no summary but ${JSON.stringify(last)}`);
  return last;
}

/** When a client stops waiting: at the reply's last byte; what comes last of an encrypted turn may be no reply. */
export function waitEndsAtUs(e: ExchangeLine): number {
  return e.phase === "encrypted" ? e.answeredFirstAtUs! : e.answeredLastAtUs!;
}
