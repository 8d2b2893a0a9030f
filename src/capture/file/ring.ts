/**
 * Which of several capture files are pieces of one capture, cut into a ring by size or by time.
 *
 * Pieces are read one after the other as one source, so a connection may go on from one to the next.
 * Files of two vantage points must never be: their clocks differ and their frames are not one sequence.
 * A wrong join gives wrong delays, a missed one only splits connections at the cut, hence: every sign
 * must agree.
 *
 * **Name.** Same directory, and names that differ only where a capture program counts:
 * - tcpdump -C, -W: `x.pcap`, `x.pcap1`, `x.pcap2` …, `x.pcap00`, `x.pcap01` … (digits behind the suffix)
 * - dumpcap -b: `x_00001_20240101120000.pcapng` (or the two swapped)
 * - tcpdump -G: a time stamp anywhere, of a full date or of seconds since 1970
 * - other digits before the suffix (`x-13.pcap`, `mx1.pcap`) may be hours or a host's number: a weak sign
 * A packed suffix (.gz, .zst) does not count.
 *
 * **Content.** Same link type of the first packet, and one after the other in time: each piece starts
 * after the one before has ended, out-of-order stamps at the cut tolerated. Two vantage points captured
 * at the same time overlap. Where the last packet is not known (packed files), the first ones must be in
 * the order of the counter. A weak name needs more: the next piece starts where the last one ends.
 *
 * **Counter.** In order of time it may start over once (a full ring), not go back and forth.
 */
import { basename, dirname } from "node:path";
import { type Peek, peekCapture } from "./peek.ts";

/** How far a piece may start before the end of the one before: a kernel's queues, not two captures. */
const MAX_OVERLAP_US = 1_000_000;
/** And no more than this part of the shorter one, lest short captures of two hosts pass. */
const MAX_OVERLAP_SHARE = 0.1;
/** A weak name needs the next packet within this time: on a busy link there always is one. */
const MAX_SEAM_US = 1_000_000;

type Sign = "strong" | "weak";

interface RingName {
  /** What all pieces share. */
  stem: string;
  sign: Sign;
  /** Rises from piece to piece; null when the name has no counter but a time. */
  counter: number | null;
}

interface Piece {
  path: string;
  name: RingName;
  peek: Peek;
}

/**
 * Puts the pieces of a ring together, in order of time; every other file is a group of its own.
 * Groups come in the order in which the first of their files is given.
 */
export function groupRings(
  paths: readonly string[],
  peek: (path: string) => Peek | null = peekCapture,
): string[][] {
  const ringOf = new Map<string, string[]>();
  for (const sign of ["strong", "weak"] as const) {
    for (const mates of byStem(paths, sign)) {
      const free = mates.filter(({ path }) => !ringOf.has(path));
      if (free.length < 2) continue;
      for (const ring of ringsAmong(free, peek)) {
        for (const path of ring) ringOf.set(path, ring);
      }
    }
  }
  const groups = new Set<string[]>();
  for (const path of paths) groups.add(ringOf.get(path) ?? [path]);
  return [...groups];
}

function byStem(paths: readonly string[], sign: Sign): Iterable<{ path: string; name: RingName }[]> {
  const stems = new Map<string, { path: string; name: RingName }[]>();
  for (const path of paths) {
    for (const name of ringNames(path)) {
      if (name.sign !== sign) continue;
      const mates = stems.get(name.stem);
      if (mates === undefined) stems.set(name.stem, [{ path, name }]);
      else mates.push({ path, name });
    }
  }
  return stems.values();
}

function ringsAmong(
  mates: readonly { path: string; name: RingName }[],
  peek: (path: string) => Peek | null,
): string[][] {
  const byLinkType = new Map<number, Piece[]>();
  for (const mate of mates) {
    const peeked = peek(mate.path);
    if (peeked === null) continue;
    const pieces = byLinkType.get(peeked.linkType) ?? [];
    pieces.push({ ...mate, peek: peeked });
    byLinkType.set(peeked.linkType, pieces);
  }
  const rings: string[][] = [];
  for (const pieces of byLinkType.values()) {
    pieces.sort((a, b) => a.peek.firstUs - b.peek.firstUs || (a.path < b.path ? -1 : 1));
    if (!countsUp(pieces)) continue;
    let ring: Piece[] = [];
    for (const piece of pieces) {
      const before = ring.at(-1);
      if (before === undefined || !follows(before, piece)) {
        if (ring.length > 1) rings.push(ring.map(({ path }) => path));
        ring = [];
      }
      ring.push(piece);
    }
    if (ring.length > 1) rings.push(ring.map(({ path }) => path));
  }
  return rings;
}

/** In this order, the counter starts over at most once, and then stays below where it began. */
function countsUp(pieces: readonly Piece[]): boolean {
  const counters = pieces.flatMap(({ name }) => (name.counter === null ? [] : [name.counter]));
  const back = counters.filter((counter, index) => index > 0 && counter <= counters[index - 1]!).length;
  return back === 0 || (back === 1 && counters.at(-1)! < counters[0]!);
}

function follows(before: Piece, after: Piece): boolean {
  const { firstUs, lastUs } = before.peek;
  const next = after.peek;
  if (next.firstUs <= firstUs) return false;
  const weak = before.name.sign === "weak";
  if (lastUs === null) return !weak;
  const gapUs = next.firstUs - lastUs;
  if (gapUs >= 0) return !weak || gapUs <= MAX_SEAM_US;
  const shorterUs = Math.min(lastUs - firstUs, (next.lastUs ?? Number.POSITIVE_INFINITY) - next.firstUs);
  return -gapUs <= Math.min(MAX_OVERLAP_US, shorterUs * MAX_OVERLAP_SHARE);
}

const PACKED_SUFFIX = /\.(gz|zst)$/i;
const COUNTED_SUFFIX = /^(.*\.(?:pcap|pcapng|cap|dmp|dump|trace|out))(\d*)$/i;
const DUMPCAP = /^(.*)_(\d{5,})_(\d{14})(\.[^.]*)?$/;
const DUMPCAP_TIME_FIRST = /^(.*)_(\d{14})_(\d{5,})(\.[^.]*)?$/;
/** A date from 1970 to 2099 with or without separators, what follows of the time of day, or seconds since 2001. */
const TIME_STAMP =
  /(?<!\d)(?:(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?:[-_.T:]?\d\d){0,3}|1\d{9})(?!\d)/;

/** What the name may mean: a strong reading, a weak one, both (`mx1.pcap` may be followed by `mx1.pcap1`) or none. */
function ringNames(path: string): RingName[] {
  const name = basename(path).replace(PACKED_SUFFIX, "");
  const ring = (stem: string, sign: Sign, counter: string | null): RingName => ({
    stem: `${dirname(path)}/${stem}`,
    sign,
    counter: counter === null ? null : Number(counter),
  });

  const dumpcap = DUMPCAP.exec(name);
  if (dumpcap !== null) return [ring(`${dumpcap[1]}_#_@${dumpcap[4] ?? ""}`, "strong", dumpcap[2]!)];
  const timeFirst = DUMPCAP_TIME_FIRST.exec(name);
  if (timeFirst !== null) return [ring(`${timeFirst[1]}_@_#${timeFirst[4] ?? ""}`, "strong", timeFirst[3]!)];

  const [, uncounted = name, counter = null] = COUNTED_SUFFIX.exec(name) ?? [];
  // With tcpdump -C and -G both, the counter starts over with each time stamp.
  const unstamped = uncounted.replace(TIME_STAMP, "@");
  if (unstamped !== uncounted) return [ring(unstamped, "strong", null)];
  // The first piece of tcpdump -C has no number.
  const names = counter === null ? [] : [ring(`${uncounted}#`, "strong", counter === "" ? "0" : counter)];
  const weak = /^(.*?)(\d+)(\.[^.\d]*)?$/.exec(name);
  if (weak !== null) names.push(ring(`${weak[1]}#${weak[3] ?? ""}`, "weak", weak[2]!));
  return names;
}
