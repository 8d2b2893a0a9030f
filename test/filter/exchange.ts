import type { FilterSubject } from "../../src/filter/subject.ts";

type Given = Partial<Omit<FilterSubject, "command" | "lines" | "findings" | "conversation">> & {
  readonly command?: string | null;
  readonly lines?: readonly string[];
  readonly tls?: boolean;
  readonly starttls?: string;
  readonly banner?: string | null;
  readonly ended?: string | null;
  readonly found?: readonly string[];
};

/** A recipient turned away after 1.25 s, but for what is given. */
export function exchange(given: Given = {}): FilterSubject {
  const { command, lines, tls, starttls, banner, ended, found, ...rest } = given;
  return {
    phase: "rcpt",
    verb: "RCPT",
    command: () => (command === undefined ? "RCPT TO:<a@example.net>" : command),
    code: 450,
    lines: () => lines ?? ["450-4.7.1 Greylisted, see", "450 4.7.1 https://example.net/grey"],
    serviceUs: 1_250_000,
    thinkUs: 1_300_000,
    client: "10.2.0.7:40112",
    server: "192.0.2.1:25",
    file: "monday.pcap",
    tcpStream: 3,
    askedFrames: [10, 11],
    answeredFrames: [15, 17],
    pipelinedBehind: 0,
    retransmits: 0,
    taint: null,
    findings: () => found ?? [],
    conversation: {
      tls: tls ?? false,
      starttls: starttls ?? "offered",
      banner: () => (banner === undefined ? "220 mx.example.net ESMTP" : banner),
      ended: ended ?? null,
    },
    ...rest,
  };
}

/** The same command, and silence. */
export const SILENCE = exchange({
  code: null,
  lines: [],
  serviceUs: null,
  thinkUs: null,
  answeredFrames: null,
  taint: "unanswered",
});
