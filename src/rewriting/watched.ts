import type { Conversation } from "../spine/conversation.ts";
import { Beginning } from "./heard.ts";
import type { Found } from "./looking.ts";

/** What is kept with an open dialogue: how it began, and what was found in it. */

/** Of one dialogue: a reply in which every line is another has some dozens. */
const MAX_SIGHTINGS = 64;

export interface Seen extends Found {
  /** Packet number over the whole source. */
  readonly frame: number;
  readonly atUs: number | null;
}

/** A dialogue in which something was found; of others only the beginning is kept. */
export class Watched {
  heard: Beginning | null;
  readonly sightings: Seen[] = [];

  constructor(heard: Beginning | null) {
    this.heard = heard;
  }

  /** Of each signature the first sighting counts; of what was compared, each change. */
  add({ signature, basis, sighting }: Found, frame: number, atUs: number | null): void {
    const { sightings } = this;
    if (sightings.length >= MAX_SIGHTINGS) return;
    // Behind a device that masks, this is done for every dialogue: no closures, no spread.
    for (const known of sightings) {
      if (known.signature !== signature || known.basis !== basis) continue;
      if (basis === "likely" || known.sighting.variant === sighting.variant) return;
    }
    sightings.push({ signature, basis, sighting, frame, atUs });
  }
}

export function heardIn({ kept }: Conversation): Beginning | null {
  if (kept instanceof Beginning) return kept;
  return kept instanceof Watched ? kept.heard : null;
}

/** The dialogue's, made when something is found in it. */
export function watchedIn(conversation: Conversation): Watched {
  const { kept } = conversation;
  if (kept instanceof Watched) return kept;
  const watched = new Watched(heardIn(conversation));
  conversation.kept = watched;
  return watched;
}
