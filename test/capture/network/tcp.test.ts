import { describe, expect, test } from "vitest";
import { TCP_CASES } from "./cases.ts";
import { dissect, wanted } from "./dissect.ts";

describe("TCP headers", () => {
  test.each(TCP_CASES)("$name", (row) => {
    expect(dissect([row])).toEqual([wanted(row)]);
  });
});
