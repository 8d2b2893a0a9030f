/** Whom a delay concerned, in a word. */
import { expect, test } from "vitest";
import { whereOf } from "../../src/diagnosis/where.ts";

const at = (clients: readonly string[], server = "192.0.2.25:25") =>
  clients.map((client) => ({ client, server }));

const CASES: readonly { name: string; concerned: string[]; others: string[]; want: string | null }[] = [
  { name: "everybody", concerned: ["10.0.0.1", "10.9.0.1"], others: [], want: null },
  { name: "one client", concerned: ["10.0.0.1", "10.0.0.1"], others: ["10.0.0.2"], want: "10.0.0.1" },
  {
    name: "the smallest network of theirs",
    concerned: ["10.2.0.1", "10.2.0.200"],
    others: ["10.2.1.7"],
    want: "10.2.0.0/24",
  },
  {
    name: "a network that others are in as well",
    concerned: ["10.2.0.1", "10.2.0.200"],
    others: ["10.2.0.7"],
    want: null,
  },
  { name: "a client that was prompt as well", concerned: ["10.2.0.1"], others: ["10.2.0.1"], want: null },
  {
    name: "half the Internet is no network",
    concerned: ["10.0.0.1", "203.0.113.9"],
    others: ["198.51.100.1"],
    want: null,
  },
  {
    name: "IPv6",
    concerned: ["2001:db8:5::1", "2001:db8:5::ff"],
    others: ["2001:db8:6::1"],
    want: "2001:db8:5::/120",
  },
  { name: "both versions of IP", concerned: ["2001:db8::1", "10.0.0.1"], others: ["10.0.0.2"], want: null },
];

test.each(CASES)("$name", ({ concerned, others, want }) => {
  expect(whereOf(at(concerned), at(others))).toBe(want);
});

test("one of several servers", () => {
  const others = at(["10.0.0.1", "10.0.0.3"], "192.0.2.26:25");
  expect(whereOf(at(["10.0.0.1", "10.0.0.2"]), others)).toBe("192.0.2.25:25");
});
