import { durationText, timeText } from "../spine/format.ts";

/** A duration in at most seven cells: 5.05s, 812µs, 2m08s. */
export function shortDuration(us: number | null | undefined): string {
  return us === null || us === undefined ? "-" : durationText(us).replace(" ", "");
}

/** A count in at most five cells: 950, 12.3k, 4.5M. */
export function shortCount(count: number): string {
  if (count < 10_000) return String(count);
  if (count < 999_500) return `${(count / 1_000).toFixed(count < 99_950 ? 1 : 0)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

/** 87.0%, 4.3%, <0.1% */
export function shortShare(share: number | null): string {
  if (share === null) return "-";
  if (share > 0 && share < 0.0005) return "<0.1%";
  return `${(share * 100).toFixed(1)}%`;
}

/** 20:23:55.831 (UTC) */
export function clockText(atUs: number | null): string {
  return atUs === null ? "no time" : timeText(atUs).slice(11, 23);
}

/** Seconds since an instant as a ladder shows them: +5.101. */
export function sinceText(atUs: number | null, startAtUs: number | null): string {
  if (atUs === null || startAtUs === null) return "";
  const seconds = (atUs - startAtUs) / 1_000_000;
  return `${seconds < 0 ? "-" : "+"}${Math.abs(seconds).toFixed(3)}`;
}
