import { describe, expect, test } from "vitest";
import { LINK_LAYERS } from "../../../src/capture/link/index.ts";
import { dissect, wanted } from "../network/dissect.ts";
import { LINK_CASES } from "./cases.ts";

describe("link layers", () => {
  test.each(LINK_CASES)("$name", (row) => {
    expect(dissect([row])).toEqual([wanted(row)]);
  });

  test("each number belongs to one of them, and has a packet here", () => {
    const numbers = LINK_LAYERS.flatMap((layer) => layer.linkTypes);
    expect(new Set(numbers).size).toBe(numbers.length);
    const tested = new Set(LINK_CASES.map((row) => row.linkType));
    expect(numbers.filter((number) => !tested.has(number))).toEqual([]);
  });
});
