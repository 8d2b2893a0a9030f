import type { Place } from "../spine/diff-report.ts";
import type { FileFrames } from "../spine/files.ts";
import { NO_TIME } from "../spine/wire.ts";
import type { RecordedDialogue } from "./recorded.ts";

/** Where a dialogue's packet is; its first one for frame 0. */
export type PlaceOf = (dialogue: RecordedDialogue, frame: number) => Place;

export function placesIn(frames: FileFrames): PlaceOf {
  return (dialogue, frame) => {
    const place = frames.locate(frame === 0 ? dialogue.firstFrame : frame);
    const { client, server, tcpStream, startAt } = dialogue;
    const atUs = startAt === NO_TIME ? null : startAt;
    return { file: place.file, frame: place.frame ?? 0, tcpStream, client, server, atUs };
  };
}
