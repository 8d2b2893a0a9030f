import { describe, expect, test } from "vitest";
import { ICMP_CASES } from "./cases.ts";
import { dissect, wanted } from "./dissect.ts";

describe("ICMP errors", () => {
  test.each(ICMP_CASES)("$name", (row) => {
    expect(dissect([row])).toEqual([wanted(row)]);
  });
});
