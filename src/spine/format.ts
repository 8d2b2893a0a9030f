/** Numbers as a reader wants them. */

/** Three significant digits: 0 µs, 812 µs, 1.23 ms, 45.6 s, 2m08s, 3h05m. */
export function durationText(us: number): string {
  if (us < 1_000) return `${Math.round(us)} µs`;
  if (us < 999_500) return `${three(us / 1_000)} ms`;
  if (us < 99_950_000) return `${three(us / 1_000_000)} s`;
  const seconds = Math.round(us / 1_000_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
}

function three(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** 1,234,567 */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 2026-11-24 20:15:03.123456 (UTC) */
export function timeText(atUs: number): string {
  const ms = Math.floor(atUs / 1_000);
  const iso = new Date(ms).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(atUs - ms * 1_000).padStart(3, "0")}`;
}

/** 131 MB: powers of ten, as disks and networks count. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${unit === 0 ? value : three(value)} ${units[unit]}`;
}

export function percentText(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** "1 dialogue", "2 dialogues" */
export function plural(count: number, noun: string): string {
  const form = count === 1 ? noun : noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${countText(count)} ${form}`;
}
