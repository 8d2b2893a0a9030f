import type { ChangeVariant, ChangeView, DiffReport, Place, SideName } from "../spine/diff-report.ts";
import { countText, plural } from "../spine/format.ts";
import { escapeText } from "../spine/text.ts";
import { type Column, table } from "./table.ts";
import type { Paint } from "./text.ts";

/** What was changed on the way: a table, and below it the lines one above the other. */

export function changeTable({ changes, matched, servers }: DiffReport, paint: Paint): string {
  if (changes.length === 0) {
    if (matched.exchanges === matched.doubtful) return "Nothing could be compared.";
    return matched.doubtful === 0
      ? "Nothing was changed on the way."
      : "Nothing was changed on the way, in what could be compared.";
  }
  const rows = changes.slice(0, MAX_LISTED).map((change, i) => ({ ...change, number: i + 1 }));
  const columns: Column<(typeof rows)[number]>[] = [
    { label: "#", align: "right", text: ({ number }) => String(number) },
    { label: "Changed on the way", align: "left", text: (row) => whatText(row) },
    ...direction<(typeof rows)[number]>(servers),
    { label: "how", align: "left", text: ({ kinds }) => kinds.join(", ") },
    {
      label: "dialogues",
      align: "right",
      text: (row) => `${countText(row.dialogues)} of ${countText(matched.dialogues)}`,
    },
    { label: "times", align: "right", text: ({ times }) => countText(times) },
  ];
  return table(columns, rows, paint);
}

/** A column for where the server is, if that is not the same for all. */
export function direction<Row extends { readonly serverSide: SideName }>({
  inside,
  outside,
}: DiffReport["servers"]): Column<Row>[] {
  if (inside === 0 || outside === 0) return [];
  return [{ label: "server", align: "left", text: ({ serverSide }) => serverSide }];
}

function whatText({ part, phase, verb, keyword }: ChangeView): string {
  const name = escapeText(verb);
  switch (part) {
    case "reply":
      if (phase === "banner") return "banner";
      return keyword === null ? `reply to ${name}` : `keyword ${escapeText(keyword)}`;
    case "command":
      return `command ${name}`;
    case "message":
      return "message";
    case "secret":
      return `secret of ${name}`;
    case "encrypted":
      return `TLS, ${name.slice(1, -1)}'s bytes`;
  }
}

/** Kinds of change that are listed: JSON has the rest. */
const MAX_LISTED = 100;

export function changeDetails({ changes, changesLeftOut }: DiffReport, paint: Paint): string {
  const more = changes.length - MAX_LISTED;
  const rest = [
    ...(more > 0 ? [`… and ${plural(more, "kind")} of change more: -o json has them`] : []),
    ...(changesLeftOut > 0
      ? [`… and ${plural(changesLeftOut, "change")} more of kinds that were not kept`]
      : []),
  ];
  return [...changes.slice(0, MAX_LISTED).map((change, i) => changeDetail(change, i, paint)), ...rest].join(
    "\n",
  );
}

function changeDetail(change: ChangeView, i: number, paint: Paint): string {
  const title = paint("strong", `${i + 1}  ${whatText(change)}: ${change.kinds.join(", ")}`);
  return [title, ...change.variants.map((variant) => variantText(change, variant, paint))].join("\n");
}

function variantText({ part, serverSide }: ChangeView, variant: ChangeVariant, paint: Paint): string {
  // What a server says is sent on its side, what a client says on the other.
  const ofServer = part === "reply";
  const sentAt = ofServer ? serverSide : other(serverSide);
  const lines = [
    ...lineText(sentAt, variant.before, variant.beforeMarks, paint),
    ...lineText(other(sentAt), variant.after, variant.afterMarks, paint),
  ];
  if (variant.beforeHex !== "" || variant.afterHex !== "")
    lines.push(`${"hex".padEnd(9)}${variant.beforeHex || "(none)"} → ${variant.afterHex || "(none)"}`);
  const places = [variant.inside, variant.outside].map((place) =>
    place === null ? "not seen" : frameText(place),
  );
  lines.push(
    paint(
      "dim",
      `${"at".padEnd(9)}${places.join("  ↔  ")}${variant.times > 1 ? `, ${countText(variant.times)} times` : ""}`,
    ),
  );
  return lines.map((line) => `     ${line}`).join("\n");
}

export function frameText({ file, frame, tcpStream }: Place): string {
  return `${escapeText(file)}:${frame} tcp.stream ${tcpStream}`;
}

function lineText(side: SideName, text: string | null, marks: string, paint: Paint): string[] {
  const label = side.padEnd(9);
  if (text === null) return [`${label}${paint("dim", "(not there)")}`];
  return marks === "" ? [label + text] : [label + text, " ".repeat(label.length) + paint("warning", marks)];
}

export function other(side: SideName): SideName {
  return side === "inside" ? "outside" : "inside";
}
