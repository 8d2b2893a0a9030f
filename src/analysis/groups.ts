import { Series, type SeriesPart } from "../latency/series.ts";
import type { Conversation } from "../spine/conversation.ts";
import type { Exchange } from "../spine/exchange.ts";
import type { GroupTable, GroupView } from "../spine/report.ts";

/**
 * Reply times by who asked, who answered, with what code, or when.
 * To add a grouping: one line here; the command line takes its names from this table.
 */
export const GROUPINGS = {
  server: (_: Exchange, conversation: Conversation) => conversation.transport.server,
  client: (_: Exchange, conversation: Conversation) => withoutPort(conversation.transport.client),
  code: (exchange: Exchange) => (exchange.code === null ? "none" : String(exchange.code)),
  minute: (exchange: Exchange) => minuteOf(exchange.answeredFirstAtUs ?? exchange.askedLastAtUs),
} as const satisfies Record<string, (exchange: Exchange, conversation: Conversation) => string>;

export type GroupKey = keyof typeof GROUPINGS;

/** Groups with a distribution of their own, at up to 100 KB each; those that waited least share a last one. */
const MAX_GROUPS = 256;

const REST = "";

interface Group {
  waitedUs: number;
  seen: number;
  unanswered: number;
  series: Series;
}

export interface GroupPart {
  readonly name: string;
  readonly waitedUs: number;
  readonly seen: number;
  readonly unanswered: number;
  readonly series: SeriesPart;
}

export class Groups {
  readonly #key: GroupKey;
  readonly #groups = new Map<string, Group>();

  constructor(key: GroupKey) {
    this.#key = key;
  }

  record(exchange: Exchange, conversation: Conversation): void {
    const group = this.#group(GROUPINGS[this.#key](exchange, conversation));
    group.seen++;
    group.waitedUs += exchange.waitedUs;
    if (exchange.taint === "unanswered") group.unanswered++;
    if (exchange.taint === null && exchange.serviceUs !== null) group.series.record(exchange.serviceUs);
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined) {
      const named = this.#groups.size - (this.#groups.has(REST) ? 1 : 0);
      if (named >= MAX_GROUPS && name !== REST) this.#makeRoom();
      group = { waitedUs: 0, seen: 0, unanswered: 0, series: new Series() };
      this.#groups.set(name, group);
    }
    return group;
  }

  /** The group that has waited least so far joins the others: whoever waits long stays. */
  #makeRoom(): void {
    let least: [string, Group] | null = null;
    for (const entry of this.#groups) {
      if (entry[0] !== REST && (least === null || entry[1].waitedUs < least[1].waitedUs)) least = entry;
    }
    if (least === null) return;
    this.#groups.delete(least[0]);
    const { series, waitedUs, seen, unanswered } = least[1];
    const rest = this.#group(REST);
    rest.waitedUs += waitedUs;
    rest.seen += seen;
    rest.unanswered += unanswered;
    rest.series.add(series.part());
  }

  part(): GroupPart[] {
    return [...this.#groups].map(([name, { series, ...counts }]) => ({
      name,
      ...counts,
      series: series.part(),
    }));
  }

  add(parts: readonly GroupPart[]): void {
    for (const part of parts) {
      const group = this.#group(part.name);
      group.waitedUs += part.waitedUs;
      group.seen += part.seen;
      group.unanswered += part.unanswered;
      group.series.add(part.series);
    }
  }

  /** Shares are of what all groups waited together: `connect`, which belongs to none, is left out. */
  table(percentiles: readonly number[]): GroupTable {
    const waitedUs = [...this.#groups.values()].reduce((sum, group) => sum + group.waitedUs, 0);
    const views = [...this.#groups].map(
      ([name, group]): GroupView => ({
        name,
        waitedUs: group.waitedUs,
        share: waitedUs === 0 ? 0 : group.waitedUs / waitedUs,
        seen: group.seen,
        unanswered: group.unanswered,
        service: group.series.distribution(percentiles),
      }),
    );
    const groups = views.filter(({ name }) => name !== REST);
    if (this.#key === "minute") groups.sort((a, b) => (a.name < b.name ? -1 : 1));
    else groups.sort((a, b) => b.waitedUs - a.waitedUs || (a.name < b.name ? -1 : 1));
    return { key: this.#key, groups, rest: views.find(({ name }) => name === REST) ?? null };
  }
}

function withoutPort(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(":"));
}

/** The minute of the reply (UTC): 2026-11-24T20:15Z. */
function minuteOf(atUs: number | null): string {
  return atUs === null ? "no time" : `${new Date(atUs / 1000).toISOString().slice(0, 16)}Z`;
}
