import type { BeforeAfter, PhaseChange, TextChange, Verdict } from "../spine/before-after.ts";
import { countText, durationText, percentText, plural } from "../spine/format.ts";
import { type Column, table } from "./table.ts";
import type { Paint } from "./text.ts";

/** Two periods, for a reader at a terminal. */

export function renderBeforeAfterText(report: BeforeAfter, paint: Paint): string {
  return [
    header(report),
    phaseTable(report, paint),
    texts("Banners that changed", report.banners, paint),
    texts("EHLO keywords that changed", report.keywords, paint),
  ]
    .filter((part) => part !== "")
    .join("\n\n")
    .concat("\n");
}

function header({ before, after, phases, banners }: BeforeAfter): string {
  const lines = [
    `Before     ${plural(before.dialogues, "dialogue")}`,
    `After      ${plural(after.dialogues, "dialogue")}`,
  ];
  if (phases.some(({ basis }) => basis === "histogram"))
    lines.push("           from saved reports: their bars show only differences of about a factor of three");
  if (banners === null)
    lines.push("           saved reports do not tell banners and keywords: they are not compared");
  return lines.join("\n");
}

const SIGNS: Readonly<Record<Verdict, string>> = {
  slower: "SLOWER *",
  faster: "faster *",
  different: "otherwise distributed *",
  same: "no significant difference",
  "too few samples": "too few samples",
  "only before": "only before",
  "only after": "only after",
};

function phaseTable({ phases, level }: BeforeAfter, paint: Paint): string {
  if (phases.length === 0) return "";
  const pair = (of: (times: NonNullable<PhaseChange["before"]>) => string) => (row: PhaseChange) =>
    [row.before, row.after].map((times) => (times === null ? "-" : of(times))).join(" → ");
  const time = (us: number | null) => (us === null ? "-" : durationText(us));
  const columns: Column<PhaseChange>[] = [
    { label: "Phase", align: "left", text: ({ phase }) => phase },
    { label: "n", align: "right", text: pair(({ n }) => countText(n)) },
    { label: "p50", align: "right", text: pair(({ p50Us }) => time(p50Us)) },
    { label: "p95", align: "right", text: pair(({ p95Us }) => time(p95Us)) },
    { label: "p99", align: "right", text: pair(({ p99Us }) => time(p99Us)) },
    { label: "p50 by", align: "right", text: ({ change }) => changeText(change?.p50Us ?? null) },
    {
      label: "",
      align: "left",
      text: ({ verdict, p }) => SIGNS[verdict] + (p === null ? "" : ` (p ${pText(p)})`),
    },
  ];
  const note = `* significant: p ≤ ${pText(level)}, the smaller of Mann–Whitney's and Kolmogorov–Smirnov's, ${percentText(0.05)} divided by the number of tests`;
  const any = phases.some(({ p }) => p !== null);
  return any ? `${table(columns, phases, paint)}\n${paint("dim", note)}` : table(columns, phases, paint);
}

function changeText(by: number | null): string {
  if (by === null) return "-";
  return by < 0 ? `−${durationText(-by)}` : `+${durationText(by)}`;
}

function pText(p: number): string {
  return p < 0.0001 ? "< 0.0001" : p.toFixed(4);
}

function texts(title: string, changes: readonly TextChange[] | null, paint: Paint): string {
  if (changes === null || changes.length === 0) return "";
  const columns: Column<TextChange>[] = [
    { label: title, align: "left", text: ({ text }) => text },
    { label: "before", align: "right", text: ({ before }) => percentText(before) },
    { label: "after", align: "right", text: ({ after }) => percentText(after) },
  ];
  return table(columns, changes, paint);
}
