/** What each file of this folder offers: one link layer, as capture files number them. */

import type { Dissection, Outcome } from "../network/dissection.ts";

export interface LinkLayer {
  name: string;
  /** LINKTYPE_ values, see https://www.tcpdump.org/linktypes.html */
  linkTypes: readonly number[];
  /** Finds out what the frame `buffer[at, end)` carries and passes it on. */
  open(dissection: Dissection, buffer: Uint8Array, at: number, end: number, wireEnd: number): Outcome;
}
