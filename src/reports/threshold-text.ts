import { countText, durationText, percentText, plural } from "../spine/format.ts";
import { escapeText } from "../spine/text.ts";
import type { ThresholdView } from "../spine/threshold.ts";
import { table } from "./table.ts";
import type { Paint } from "./text.ts";

const VERDICTS: Readonly<Record<ThresholdView["verdict"], string>> = {
  met: "met",
  violated: "VIOLATED",
  "too-few": "too few samples",
};

/** What was asked for by --slo, what was measured, and whether that is met. */
export function thresholdTable(thresholds: readonly ThresholdView[], paint: Paint): string {
  if (thresholds.length === 0) return "";
  return table<ThresholdView>(
    [
      { label: "Asked", align: "left", text: ({ text }) => escapeText(text) },
      { label: "measured", align: "right", text: thresholdValue },
      { label: "n", align: "right", text: ({ samples }) => countText(samples) },
      { label: "verdict", align: "left", text: verdictText },
    ],
    thresholds,
    paint,
  );
}

/** In one sentence. */
export function thresholdSentence(threshold: ThresholdView): string {
  return `${escapeText(threshold.text)} is not met: ${thresholdValue(threshold)} in ${plural(threshold.samples, "sample")}`;
}

function verdictText({ verdict, samples, needed }: ThresholdView): string {
  const few = verdict === "too-few" && samples < needed ? `: it takes ${countText(needed)}` : "";
  const despite = verdict === "violated" && samples < needed ? ", few as they are" : "";
  return VERDICTS[verdict] + few + despite;
}

function thresholdValue({ measure, measured }: ThresholdView): string {
  if (measured === null) return "-";
  if (measure === "n") return countText(measured);
  return measure === "err" ? percentText(measured) : durationText(measured);
}
