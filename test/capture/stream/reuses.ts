/**
 * When a SYN begins a new conversation, as Wireshark counts; held against tshark in oracle.test.ts.
 *
 * Only another sequence number does. Windows sends a refused SYN twice more with the same number, and
 * that is one conversation to tshark 4.0.
 */
import { type Packet, Talk } from "./packets.ts";

export const first = new Talk();
/** The same addresses and ports, other sequence numbers. */
export const second = new Talk({ clientIsn: 900_000, serverIsn: 700_000 });
export const noData = "";

export const ended = (talk: Talk): Packet[] => [
  ...talk.handshake(),
  talk.client(0, "QUIT|", { flags: "F" }),
  talk.server(0, "221 a|", { ack: 6, flags: "F" }),
  talk.client(6, noData, { ack: 7 }),
];
export const running = (talk: Talk): Packet[] => [...talk.handshake(), talk.server(0, "220 a|")];
const reset = (talk: Talk): Packet[] => [...running(talk), talk.client(0, noData, { ack: 6, flags: "R" })];

export const REUSES: { name: string; in: Packet[]; streams: number }[] = [
  { name: "the same number, nothing else said", in: [first.syn(), first.syn()], streams: 1 },
  { name: "the same number, in mid-conversation", in: [...running(first), first.syn()], streams: 1 },
  { name: "the same number, after a FIN", in: [...ended(first), first.syn()], streams: 1 },
  {
    name: "the same number, after a FIN of the client alone",
    in: [...running(first), first.client(0, noData, { flags: "F", ack: 6 }), first.syn()],
    streams: 1,
  },
  { name: "the same number, after a RST", in: [...reset(first), first.syn()], streams: 1 },
  {
    name: "the same number, refused and tried again",
    in: [first.syn(), first.server(-1, noData, { ack: 0, flags: "R" }), first.syn()],
    streams: 1,
  },
  { name: "another number, before an answer", in: [first.syn(), second.syn()], streams: 2 },
  { name: "another number, in mid-conversation", in: [...running(first), ...running(second)], streams: 2 },
  { name: "another number, after a FIN", in: [...ended(first), ...running(second)], streams: 2 },
  { name: "another number, after a RST", in: [...reset(first), ...running(second)], streams: 2 },
  {
    name: "in the other direction, another number",
    in: [...running(first), second.server(-1, noData, { flags: "S", ack: null })],
    streams: 2,
  },
  { name: "joined in the middle, then anew", in: [first.client(9, "QUIT|"), ...running(second)], streams: 2 },
  {
    name: "the same number, after a RST out of the window",
    in: [...running(first), first.client(0x3000_0000, noData, { ack: 6, flags: "R" }), first.syn()],
    streams: 1,
  },
  {
    name: "the answer alone, with another number",
    in: [...ended(first), ...running(second).slice(1)],
    streams: 1,
  },
  {
    name: "the answer alone, in mid-conversation",
    in: [...running(first), ...running(second).slice(1)],
    streams: 1,
  },
];
