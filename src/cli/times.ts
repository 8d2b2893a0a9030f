import { SmtpscopeError } from "../spine/errors.ts";

/**
 * An instant as written by the operator: `2026-11-24T20:15:03.5Z`, the same with an offset, without
 * one (then UTC, as all times of the report are), with a blank for the T; or seconds since 1970.
 * @returns µs since 1970
 */
export function parseInstant(text: string, option: string): number {
  const trimmed = text.trim();
  const seconds = /^(\d{9,11})(?:\.(\d{1,9}))?$/.exec(trimmed);
  if (seconds !== null) return Number(seconds[1]) * 1_000_000 + micros(seconds[2]);
  const parts =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?$/i.exec(trimmed);
  if (parts !== null) {
    const [, date, clock = "00:00", second = "00", fraction, zone = "Z"] = parts;
    const offset =
      zone.toUpperCase() === "Z" || zone.includes(":")
        ? zone.toUpperCase()
        : `${zone.slice(0, 3)}:${zone.slice(3)}`;
    const ms = Date.parse(`${date}T${clock}:${second}${offset}`);
    if (!Number.isNaN(ms) && existsInCalendar(date!)) return ms * 1_000 + micros(fraction);
  }
  throw new SmtpscopeError(
    "usage",
    `--${option}: "${text}" is no time; write 2026-11-24T20:15:00Z, 2026-11-24 20:15 (UTC) or seconds since 1970`,
  );
}

/** Date.parse takes 31 February for 3 March. */
function existsInCalendar(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

function micros(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Number(fraction.padEnd(6, "0").slice(0, 6));
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Node's timers know no longer ones: they go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A length of time as written by the operator: `500ms`, `30s`, `1.5m`, `2h`; a bare number is seconds.
 * @param longestMs infinity where no timer is set by it
 * @returns ms
 */
export function parseLength(text: string, option: string, longestMs = LONGEST_TIMER_MS): number {
  const parts = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*$/.exec(text);
  if (parts === null) {
    throw new SmtpscopeError(
      "usage",
      `--${option}: "${text}" is no length of time; write 500ms, 30s, 10m or 2h`,
    );
  }
  const ms = Math.round(Number(parts[1]) * UNITS_MS[parts[2] ?? "s"]!);
  if (ms <= longestMs) return ms;
  const days = Math.floor(longestMs / UNITS_MS.d!);
  throw new SmtpscopeError("usage", `--${option}: "${text}" is too long; ${days}d is the most`);
}
