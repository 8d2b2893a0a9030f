/**
 * What a piece of text means, and how a palette shows it. Colours are those of 16-colour terminals, by
 * number; null is the terminal's own. Nothing is told by colour alone: what is slow has a `!`, what is
 * rewritten a `~`, what is broken an `X`.
 */
export const STYLES = [
  "plain",
  "strong",
  "title",
  "focused",
  "dim",
  "good",
  "slow",
  "broken",
  "rewritten",
  "client",
  "server",
  "bar",
  "mark",
  "key",
  "error",
] as const;

export type Style = (typeof STYLES)[number];

interface Look {
  readonly colour: number | null;
  readonly bold?: boolean;
  readonly underline?: boolean;
  readonly inverse?: boolean;
}

export type Palette = Readonly<Record<Style, Look>>;

const [RED, YELLOW, BLUE, MAGENTA, CYAN, GREY, BRIGHT_BLUE] = [9, 11, 4, 13, 6, 8, 12];

export const PALETTES = {
  default: {
    plain: { colour: null },
    strong: { colour: null, bold: true },
    title: { colour: CYAN },
    focused: { colour: CYAN, bold: true },
    dim: { colour: GREY },
    good: { colour: BRIGHT_BLUE },
    slow: { colour: YELLOW, bold: true },
    broken: { colour: RED, bold: true },
    rewritten: { colour: MAGENTA, bold: true },
    client: { colour: CYAN },
    server: { colour: null },
    bar: { colour: BLUE },
    mark: { colour: YELLOW },
    key: { colour: null, inverse: true },
    error: { colour: RED, bold: true },
  },
  mono: {
    plain: { colour: null },
    strong: { colour: null, bold: true },
    title: { colour: null },
    focused: { colour: null, bold: true },
    dim: { colour: null },
    good: { colour: null },
    slow: { colour: null, bold: true },
    broken: { colour: null, bold: true },
    rewritten: { colour: null, underline: true },
    client: { colour: null },
    server: { colour: null },
    bar: { colour: null },
    mark: { colour: null, bold: true },
    key: { colour: null, inverse: true },
    error: { colour: null, bold: true },
  },
} as const satisfies Record<string, Palette>;

export type PaletteName = keyof typeof PALETTES;
