import { styleText } from "node:util";
import { type Paint, plain } from "../reports/index.ts";

export type ColourChoice = "auto" | "always" | "never";

const STYLES = { heading: "bold", strong: "yellow", dim: "gray", warning: "magenta" } as const;

/** Colour on a terminal that can, unless NO_COLOR (any value but the empty one) or the option says otherwise. */
export function paintFor(choice: ColourChoice, isTerminal: boolean, env: NodeJS.ProcessEnv): Paint {
  const wanted =
    choice === "always" ||
    (choice === "auto" && isTerminal && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb");
  if (!wanted) return plain;
  return (style, text) => styleText(STYLES[style], text, { validateStream: false });
}
