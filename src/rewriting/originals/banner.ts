import type { Originals } from "../../spine/finding.ts";
import type { ByteString } from "../compare/line.ts";
import type { KnownHost } from "../server-names.ts";
import { BANNER_TEMPLATES, type BannerTemplate } from "./banner-templates.ts";

/**
 * What a masked banner was: each server's greeting is masked in the same way and laid over it. The mask
 * keeps the length, 2 and 0, and a blank behind a 0; so a template fits or does not, its host's length is
 * known, and of dates and versions some digits.
 *
 * How likely each one is: how common the server is, times how likely the digits that survived are, times
 * how usual the length of the host's name is.
 */

export interface BannerGuess {
  readonly template: BannerTemplate;
  /** `?` for what is not known. */
  readonly text: string;
  readonly host: string;
  /** Where the host's name is from; null where only its length is known. */
  readonly known: KnownHost | null;
  /** 0 … 1, of all templates that fit. */
  readonly share: number;
}

/** As a device masks a line; the code in front is kept by this rule itself. */
export function maskText(text: string): string {
  return text.replace(/[^20 ]|(?<!0) /g, "*");
}

/** Shown of one banner. */
const MAX_CANDIDATES = 5;
/** A banner's first line: RFC 5321 allows 512 octets for a reply line. */
const MAX_LINE = 512;

/** @param hosts what the server may be called, the most trusted first */
export function bannerOriginals(lines: readonly ByteString[], hosts: readonly KnownHost[]): Originals {
  const masked = maskedText(lines);
  const guesses = guessBanner(masked, hosts);
  return {
    masked: lines.join(" "),
    candidates: guesses.slice(0, MAX_CANDIDATES).map(({ template, text, host, known, share }) => ({
      text: `220 ${text}`,
      inferred:
        `${template.name}; ${known === null ? `the host's name is ${host.length} characters long` : `the host as in ${known.from}`}` +
        `${text.includes("?") ? "; ? is not known" : ""}`,
      share: Math.round(share * 100) / 100,
    })),
  };
}

/**
 * The text behind the code. A banner that was printed in lines of a terminal's width is one: its further
 * lines have no code.
 */
function maskedText(lines: readonly ByteString[]): string {
  const whole = lines.length > 1 && lines.slice(1).every((line) => !line.startsWith("220"));
  const text = whole ? lines.join("") : (lines[0] ?? "");
  return text.replace(/^(?:220|\*{3})[ -]?/, "").slice(0, MAX_LINE);
}

/** @returns what fits, the most likely first */
export function guessBanner(masked: string, hosts: readonly KnownHost[]): BannerGuess[] {
  // Old devices keep nothing; where nothing is kept, it may be one of those.
  const ways = /[20]/.test(masked) ? [false] : [false, true];
  const found = BANNER_TEMPLATES.flatMap((template) => likeliest(template, masked, hosts, ways) ?? []);
  const total = found.reduce((sum, { weight }) => sum + weight, 0);
  return found
    .sort((a, b) => b.weight - a.weight)
    .map(({ guess, weight }) => ({ ...guess, share: total === 0 ? 0 : weight / total }));
}

function likeliest(
  template: BannerTemplate,
  masked: string,
  hosts: readonly KnownHost[],
  ways: readonly boolean[],
): { guess: Omit<BannerGuess, "share">; weight: number } | null {
  for (const nothingKept of ways) {
    for (const known of [...hosts, null]) {
      const laid = laidOver(template, masked, known, nothingKept);
      if (laid === null) continue;
      // A banner may name another host than all else does.
      const trust = hosts.length === 0 ? 1 : (known?.trust ?? OTHER_HOST);
      const penalty = (nothingKept ? OLD_DEVICE : 1) * trust;
      return { guess: laid.guess, weight: template.weight * laid.likelihood * penalty };
    }
  }
  return null;
}

const OTHER_HOST = 0.02;
const OLD_DEVICE = 0.05;

interface Slot {
  readonly kind: "host" | "number" | "date" | "clock" | "id" | "client";
  readonly pattern: string;
  /** Of a date: how long its zone is at least. */
  readonly zoneLength?: number;
}

/** What may stand in a slot, once masked. Blanks survive behind a 0, and with some devices everywhere. */
const DIGIT = "[*20]";
const BLANK = "[* ]";
const CLOCK = `${DIGIT}{2}\\*${DIGIT}{2}\\*${DIGIT}{2}`;
const DAY = `\\*{4}${BLANK}${DIGIT}{1,2}${BLANK}\\*{3}${BLANK}(?:20${DIGIT}{2}|\\*\\*${DIGIT}{2}|\\*{4})`;
const SLOTS: Readonly<Record<string, Slot>> = {
  h: { kind: "host", pattern: "([*20]{3,100}?)" },
  v: { kind: "number", pattern: `(${DIGIT}{1,2}?)` },
  n: { kind: "number", pattern: `(${DIGIT}{1,5}?)` },
  D: {
    kind: "date",
    zoneLength: 5,
    pattern: `(${DAY}${BLANK}${CLOCK}${BLANK}\\*${DIGIT}{4}(?:${BLANK}\\*{5,6})?)`,
  },
  z: { kind: "date", zoneLength: 3, pattern: `(${DAY}${BLANK}${CLOCK}${BLANK}\\*{3,4})` },
  t: { kind: "clock", pattern: `(${DIGIT}{2}\\*${DIGIT}{2}\\*${DIGIT}{2}${BLANK}${CLOCK})` },
  m: { kind: "id", pattern: "([*20]{32})" },
  i: { kind: "id", pattern: "([*20]{24,64}?)" },
  x: { kind: "id", pattern: "([*20]{2,16}?)" },
  c: { kind: "client", pattern: "([*20 ]{3,200}?)" },
};

interface Compiled {
  readonly regexp: RegExp;
  readonly slots: readonly Slot[];
  /** The pattern's parts in order: literals, and null for a slot. */
  readonly parts: readonly (string | null)[];
}

const compiled = new Map<string, Compiled>();

function compile({ pattern }: BannerTemplate, nothingKept: boolean): Compiled {
  const key = `${nothingKept ? "*" : ""}${pattern}`;
  let known = compiled.get(key);
  if (known === undefined) {
    const slots: Slot[] = [];
    const parts: (string | null)[] = [];
    const source = pattern
      .split(/(%[hnvDztmixc])/)
      .map((part) => {
        const slot = part.length === 2 && part.startsWith("%") ? SLOTS[part[1]!] : undefined;
        parts.push(slot === undefined ? part : null);
        if (slot === undefined) return literal(part, nothingKept);
        slots.push(slot);
        return nothingKept
          ? slot.pattern.replaceAll("20", "[2*][0*]").replaceAll("[*[2*][0*]", "[*20")
          : slot.pattern;
      })
      .join("");
    known = { regexp: new RegExp(`^${source}$`), slots, parts };
    compiled.set(key, known);
  }
  return known;
}

function literal(text: string, nothingKept: boolean): string {
  return [...text]
    .map((character) => {
      if (character === " ") return BLANK;
      const kept = (character === "2" || character === "0") && !nothingKept;
      return kept ? character : "\\*";
    })
    .join("");
}

function laidOver(
  template: BannerTemplate,
  masked: string,
  known: KnownHost | null,
  nothingKept: boolean,
): { guess: Omit<BannerGuess, "share">; likelihood: number } | null {
  const { regexp, slots, parts } = compile(template, nothingKept);
  const host = known?.host ?? null;
  const match = matchWithHost(regexp, masked, host, nothingKept);
  if (match === null) return null;
  let slot = 0;
  let likelihood = 1;
  let found = "";
  const text = parts
    .map((part) => {
      if (part !== null) return part;
      const { kind, zoneLength = 0 } = slots[slot++]!;
      const seen = match[slot]!;
      if (kind !== "host") {
        likelihood *= chance(seen, kind);
        return kind === "date" ? dateText(seen, zoneLength) : seen.replaceAll("*", "?");
      }
      found = host ?? seen.replaceAll("*", "?");
      if (host === null) likelihood *= chance(seen, kind) * usualLength(seen.length);
      return found;
    })
    .join("");
  return { guess: { template, text, host: found, known }, likelihood };
}

/** With a known host only a match in which it stands in its place. All templates begin with the host. */
function matchWithHost(
  regexp: RegExp,
  masked: string,
  host: string | null,
  nothingKept: boolean,
): RegExpExecArray | null {
  if (host === null) return regexp.exec(masked);
  const mask = nothingKept ? "*".repeat(host.length) : maskText(host);
  if (!masked.startsWith(mask)) return null;
  const source = regexp.source.replace(SLOTS.h!.pattern, `(${mask.replaceAll("*", "\\*")})`);
  return new RegExp(source).exec(masked);
}

/** How likely what survived in a slot is: a digit is a 2 or a 0 more often than a letter of a name. */
function chance(seen: string, kind: Slot["kind"]): number {
  const [two, zero] =
    kind === "host" || kind === "client" ? [0.015, 0.015] : kind === "id" ? [0.05, 0.05] : [0.12, 0.15];
  let product = 1;
  for (const character of seen) {
    if (character === "2") product *= two;
    else if (character === "0") product *= zero;
    else product *= 1 - two - zero;
  }
  // Numbers of many digits are rarer, and a slot of any length fits more easily than one that is fixed.
  if (kind === "number") product *= [1, 0.5, 0.35, 0.1, 0.07, 0.05][seen.length] ?? 0.05;
  if (kind === "id" || kind === "client") product *= 0.02;
  return product;
}

/** Host names: most have 12 to 26 characters. */
function usualLength(length: number): number {
  const distance = (length - 18) / 7;
  return 0.06 * Math.exp((-distance * distance) / 2) + 0.0005;
}

/** `???, 2? ??? 200? 0?:??:?? +0?00` */
function dateText(seen: string, zoneLength: number): string {
  const text = seen.replaceAll("*", "?");
  // The zone's length is known, or that of a remark behind it: what is left says how long the day is.
  const rest = text.length - "???,  ??? ???? ??:??:?? ".length;
  const day = rest === zoneLength + 1 || rest === zoneLength + 1 + " (CET)".length ? 1 : 2;
  const at = "???, ".length + day + 1;
  const [month, year, clock] = [
    text.slice(at, at + 3),
    text.slice(at + 4, at + 8),
    text.slice(at + 9, at + 17),
  ];
  const time = [clock.slice(0, 2), clock.slice(3, 5), clock.slice(6)].join(":");
  return `${text.slice(0, 3)}, ${text.slice(5, 5 + day)} ${month} ${year} ${time} ${text.slice(at + 18)}`;
}
