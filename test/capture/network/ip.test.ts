import { describe, expect, test } from "vitest";
import { IP_CASES } from "./cases.ts";
import { dissect, wanted } from "./dissect.ts";

describe("Internet Protocol", () => {
  test.each(IP_CASES)("$name", (row) => {
    expect(dissect([row])).toEqual([wanted(row)]);
  });
});
