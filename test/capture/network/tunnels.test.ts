import { describe, expect, test } from "vitest";
import { TUNNEL_CASES } from "./cases.ts";
import { dissect, wanted } from "./dissect.ts";

describe("tunnels", () => {
  test.each(TUNNEL_CASES)("$name", (row) => {
    expect(dissect([row])).toEqual([wanted(row)]);
  });
});
