/** Where an exchange is, in a ring of files. */
import { expect, test } from "vitest";
import { locate } from "../../src/analysis/located.ts";
import type { Conversation } from "../../src/spine/conversation.ts";
import type { Exchange } from "../../src/spine/exchange.ts";
import { FileFrames } from "../../src/spine/files.ts";

const frames = new FileFrames();
frames.begin("a", 0);
frames.begin("b", 10);
frames.begin("c", 20);
const conversation = { transport: { firstFrame: 1, tcpStreamAt: () => 0 } } as unknown as Conversation;

function located(asked: [number, number], answered: [number, number]) {
  const exchange = {
    askedFirstFrame: asked[0],
    askedLastFrame: asked[1],
    answeredFirstFrame: answered[0],
    answeredLastFrame: answered[1],
  } as Exchange;
  const { file, askedFile, askedFrames, answeredFrames } = locate(exchange, conversation, frames, () => []);
  return { file, askedFile, askedFrames, answeredFrames };
}

test.each([
  [
    "in one file",
    [11, 12],
    [13, 14],
    { file: "b", askedFile: null, askedFrames: [1, 2], answeredFrames: [3, 4] },
  ],
  [
    "asked before",
    [9, 9],
    [11, 12],
    { file: "b", askedFile: "a", askedFrames: [9, 9], answeredFrames: [1, 2] },
  ],
  [
    "a reply that goes on",
    [12, 12],
    [19, 22],
    { file: "b", askedFile: null, askedFrames: [2, 2], answeredFrames: [9, 9] },
  ],
  [
    "a command that goes on",
    [9, 12],
    [13, 13],
    { file: "b", askedFile: "a", askedFrames: [9, 9], answeredFrames: [3, 3] },
  ],
  ["no reply", [19, 19], [0, 0], { file: "b", askedFile: null, askedFrames: [9, 9], answeredFrames: null }],
] as const)("%s", (_what, asked, answered, want) => {
  expect(located([...asked], [...answered])).toEqual(want);
});
