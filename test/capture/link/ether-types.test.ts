import { describe, expect, test } from "vitest";
import { dissect, wanted } from "../network/dissect.ts";
import { ETHER_TYPE_CASES } from "./cases.ts";

describe("what an EtherType announces", () => {
  test.each(ETHER_TYPE_CASES)("$name", (row) => {
    expect(dissect([row])).toEqual([wanted(row)]);
  });
});
