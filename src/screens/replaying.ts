import { type ReplayClock, SPEEDS } from "./model.ts";
import type { Session } from "./session.ts";

/** A capture's time: to and fro, faster and slower. */

export const SEEK_US = 10_000_000;

/** The capture's time, where it has one; says so where it has not. */
export function clockOf(session: Session) {
  const { clock } = session.host;
  if (clock !== null && clock.atUs !== null) return { clock, atUs: clock.atUs };
  session.fail(
    clock === null ? "only a capture in files is replayed in time" : "not before it has been read once",
  );
  return null;
}

export function seekBy(session: Session, byUs: number): void {
  const found = clockOf(session);
  if (found !== null) seekTo(found.clock, found.atUs + byUs);
}

/** No further than the capture goes. */
export function seekTo(clock: ReplayClock, atUs: number): void {
  clock.seek(Math.max(clock.firstAtUs, Math.min(clock.lastAtUs, atUs)));
}

export function changeSpeed(session: Session, by: number): void {
  const found = clockOf(session);
  if (found === null) return;
  const place = SPEEDS.indexOf(found.clock.speed) + by;
  found.clock.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, place))]!);
  if (found.atUs >= found.clock.lastAtUs) session.say("it has come to its end: [ goes back");
}

/** On to the next finding; behind the last one comes the first. */
export function seekFinding(session: Session) {
  const found = clockOf(session);
  if (found === null) return;
  const { clock, atUs } = found;
  const next = clock.marksUs.find((mark) => mark > atUs) ?? clock.marksUs[0];
  if (next === undefined) session.fail("there are no findings");
  else seekTo(clock, next + 1);
}
