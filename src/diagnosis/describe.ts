import type { Evidence } from "../spine/finding.ts";
import { durationText } from "../spine/format.ts";
import { PHASES } from "../spine/phase.ts";
import type { Item } from "./bundles.ts";
import type { Spent } from "./facts.ts";

/** What is to be seen at a stretch of waiting, in words. */
export function evidenceOf({ dialogue, reply, stretch }: Item): Evidence {
  const { file, tcpStream, client } = dialogue;
  const phase = PHASES[reply.phase]!;
  return {
    file,
    frame: stretch.frame || reply.frame || null,
    tcpStream,
    atUs: reply.fromUs > 0 ? reply.fromUs : null,
    text: `${client}, ${phase}: ${durationText(stretch.lengthUs)} ${seen(stretch.spent, stretch.name)}`,
  };
}

const UNREACHABLE = {
  refused: "until it was refused",
  dropped: "without an answer to the SYN",
  elsewhere: "for another address that could not be reached",
} as const;

function seen(spent: Spent, name: string): string {
  switch (spent.kind) {
    case "lookup":
      switch (spent.outcome) {
        case "slow":
          return `until ${name} was answered`;
        case "lost":
          return `until ${name} was answered, after a retry`;
        case "silent":
          return `in which ${name} was not answered`;
      }
      break;
    case "ident":
      return "in which the server called the client's port 113";
    case "held":
      return spent.what === "reply"
        ? "between sent (by the server's clock) and here"
        : "until the server acknowledged the first copy";
    case "lost":
      return `until the ${spent.what} that was sent again got through`;
    case "window":
      return "with the client's window closed";
    case "overflow":
      return "SYN-ACK repeated after the handshake";
    case "dribble":
      return spent.how === "stutter"
        ? "in small pieces"
        : spent.how === "ack"
          ? "until the client's ACK let the rest follow"
          : "between the beginning and the end of the reply";
    case "path":
      return "for the round trip";
    case "unreachable":
      return UNREACHABLE[spent.how];
    case "unanswered":
      return "without a reply";
    case "silence":
      return "of silence";
    case "client":
      return spent.beforeDot
        ? "of the client's, before the final dot"
        : "of the client's, before its next command";
    case "pieces":
      return "between the pieces of a command, until the server's ACK";
    case "greylisted":
      return spent.acceptedLater ? "temporary refusal; the client got through later" : "temporary refusal";
    case "early":
      return "the client spoke before the greeting";
  }
  return "";
}
