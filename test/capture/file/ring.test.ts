import { describe, expect, test } from "vitest";
import type { Peek } from "../../../src/capture/file/peek.ts";
import { groupRings } from "../../../src/capture/file/ring.ts";

const T = 1_700_000_000_000_000;

/** `name first–last` in seconds; `first–` when the end is not known; a link type may follow. */
function group(...files: string[]): string[][] {
  const peeks = new Map<string, Peek | null>();
  const paths = files.map((file) => {
    const [path = "", span = "", linkType = "1"] = file.split(" ");
    const [first = "", last = ""] = span.split("–");
    const at = (text: string): number => T + Math.round(Number(text) * 1e6);
    const lastUs = last === "" ? null : at(last);
    peeks.set(path, first === "" ? null : { firstUs: at(first), lastUs, linkType: Number(linkType) });
    return path;
  });
  return groupRings(paths, (path) => peeks.get(path) ?? null);
}

describe("one ring", () => {
  const table: [string, string[], string][] = [
    ["tcpdump -C", ["x.pcap 0–10", "x.pcap1 10–20", "x.pcap2 20–30"], "x.pcap x.pcap1 x.pcap2"],
    ["in any order given", ["x.pcap10 90–99", "x.pcap9 80–90", "x.pcap8 70–80"], "x.pcap8 x.pcap9 x.pcap10"],
    ["a base that ends in a digit", ["mx1.pcap 0–10", "mx1.pcap1 10–20"], "mx1.pcap mx1.pcap1"],
    ["tcpdump -W", ["x.pcap00 0–10", "x.pcap01 11–20"], "x.pcap00 x.pcap01"],
    [
      "tcpdump -W, gone round",
      ["x.pcap0 30–40", "x.pcap1 40–50", "x.pcap2 20–30"],
      "x.pcap2 x.pcap0 x.pcap1",
    ],
    [
      "tcpdump -G",
      ["m-2024-01-01_12:00:00.pcap 0–10", "m-2024-01-01_13:00:00.pcap 3600–"],
      "m-2024-01-01_12:00:00.pcap m-2024-01-01_13:00:00.pcap",
    ],
    [
      "tcpdump -G in seconds",
      ["m.1700000000.pcap 0–1", "m.1700003600.pcap 3600–3601"],
      "m.1700000000.pcap m.1700003600.pcap",
    ],
    [
      "tcpdump -G and -C",
      ["m-20240101.pcap 0–5", "m-20240101.pcap1 5–9", "m-20240102.pcap 99–101"],
      "m-20240101.pcap m-20240101.pcap1 m-20240102.pcap",
    ],
    [
      "dumpcap",
      ["x_00001_20240101120000.pcapng 0–10", "x_00002_20240101120100.pcapng 60–70"],
      "x_00001_20240101120000.pcapng x_00002_20240101120100.pcapng",
    ],
    [
      "dumpcap, time first",
      ["x_20240101120000_00001.pcapng 0–10", "x_20240101120100_00002.pcapng 60–70"],
      "x_20240101120000_00001.pcapng x_20240101120100_00002.pcapng",
    ],
    [
      "packed, the end not known",
      ["x.pcap.gz 0–", "x.pcap1.gz 10–", "x.pcap2 20–30"],
      "x.pcap.gz x.pcap1.gz x.pcap2",
    ],
    ["stamps out of order at the cut", ["x.pcap 0–10.002", "x.pcap1 10–20"], "x.pcap x.pcap1"],
    ["hours, without a gap", ["x-12.pcap 0–3599.9", "x-13.pcap 3600–7000"], "x-12.pcap x-13.pcap"],
  ];
  test.each(table)("%s", (_name, files, ring) => {
    expect(group(...files)).toEqual([ring.split(" ")]);
  });
});

describe("files of their own", () => {
  const table: [string, string[]][] = [
    ["other names", ["client.pcap 0–10", "server.pcap 10–20"]],
    ["two vantage points with a number", ["inside1.pcap 0–10", "outside1.pcap 10–20"]],
    ["hosts captured at the same time", ["host1.pcap 0–10", "host2.pcap 0.2–10.1"]],
    ["hosts, shortly", ["host1.pcap 0–0.058", "host2.pcap 0.001–0.059"]],
    ["hosts captured on two days", ["host1.pcap 0–10", "host2.pcap 86400–86410"]],
    ["packed hosts", ["host1.pcap.gz 0–", "host2.pcap.gz 10–"]],
    ["suffix counted, at the same time", ["x.pcap1 0–10", "x.pcap2 1–11"]],
    ["the same capture twice", ["x.pcap 0–10", "x.pcap1 0–10"]],
    ["the same capture packed", ["x.pcap 0–10", "x.pcap.gz 0–"]],
    ["other directories", ["a/x.pcap 0–10", "b/x.pcap1 10–20"]],
    ["other link types", ["x.pcap 0–10 1", "x.pcap1 10–20 113"]],
    [
      "a counter that goes back and forth",
      ["x.pcap5 0–10", "x.pcap3 10–20", "x.pcap7 20–30", "x.pcap6 30–40"],
    ],
    ["stamps of hosts", ["20240101-mx1.pcap 0–10", "20240101-mx2.pcap 10–20"]],
    ["not captures", ["x.pcap", "x.pcap1"]],
    ["domain-like suffixes", ["mail.mx1 0–10", "mail.mx2 100–110"]],
  ];
  test.each(table)("%s", (_name, files) => {
    expect(group(...files)).toEqual(files.map((file) => [file.split(" ")[0]]));
  });
});

test("groups come in the order of their first file", () => {
  const files = ["b.pcap1 10–20", "solo.pcap 0–5", "a.pcap 0–10", "b.pcap 0–10", "a.pcap1 10–20"];
  expect(group(...files)).toEqual([["b.pcap", "b.pcap1"], ["solo.pcap"], ["a.pcap", "a.pcap1"]]);
});

test("a break in the middle makes two rings", () => {
  const files = ["x.pcap 0–10", "x.pcap1 10–20", "x.pcap2 15–30", "x.pcap3 30–40"];
  expect(group(...files)).toEqual([
    ["x.pcap", "x.pcap1"],
    ["x.pcap2", "x.pcap3"],
  ]);
});
