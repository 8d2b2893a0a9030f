/** What other people's programs make of a recording. */
import { expect, test } from "vitest";
import { describeWith, run } from "../capture/file/tools.ts";
import { parse, tell } from "../dialogue/playbook.ts";
import { inFolder, record, recordCapture } from "./support.ts";

const own = (name: string) => new URL(`../../captures/${name}.pcap`, import.meta.url).pathname;

const CHECKED = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];

/** What tshark says of connections that begin and end. */
const ORDINARY = /^Connection |^This frame (initiates|undergoes) the connection closing$/;

/** What tshark notes and warns of besides. */
async function complaints(file: string): Promise<string[]> {
  const remarks = "_ws.expert.severity > 0x200000";
  const { out, status } = await run(
    "tshark",
    "-n",
    "-r",
    file,
    ...CHECKED,
    "-Y",
    remarks,
    "-T",
    "fields",
    "-e",
    "_ws.expert.message",
  );
  expect(status).toBe(0);
  return out.split(/[\n,]/).filter((message) => message !== "" && !ORDINARY.test(message));
}

/** Every packet with payload: its time, its ends and its length. */
async function segments(file: string): Promise<string[]> {
  const columns = [
    "frame.time_epoch",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "tcp.len",
  ];
  const fields = columns.flatMap((name) => ["-e", name]);
  const { out } = await run("tshark", "-n", "-r", file, "-Y", "tcp.len > 0", "-T", "fields", ...fields);
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^(\d+\.\d{6})\d*/, "$1"))
    .sort();
}

describeWith(["tshark", "capinfos"], "Wireshark", () => {
  test.each(["healthy", "starttls", "pipelining", "bdat-exim", "slow-ptr", "no-banner"])(
    "finds nothing wrong with a recording of %s",
    async (name) => {
      await inFolder(async (folder) => {
        const { files } = await recordCapture(folder, own(name));
        expect(await complaints(files[0]!)).toEqual([]);
      });
    },
  );

  test.each(["healthy", "starttls", "bdat-exim"])("sees the same segments as in %s", async (name) => {
    await inFolder(async (folder) => {
      const { files } = await recordCapture(folder, own(name));
      const there = await segments(own(name));
      expect(there.length).toBeGreaterThan(20);
      expect(await segments(files[0]!)).toEqual(there);
    });
  });

  test("IPv6, IPv4 to IPv6, an early talker, half-closed, reset, refused, given up, long segments and much one way", async () => {
    const hello = String.raw`
      1000 S< 220 mx ESMTP\r\n
      1100 C> EHLO a\r\n
      1200 S< 250 mx\r\n`;
    const handshake = "0 SYN / 10 SYN-ACK / 20 ACK";
    const long = "x".repeat(70_000);
    const scripts: [client: string, server: string, text: string][] = [
      ["[2001:db8::1]:40001", "[2001:db8::25]:25", `${handshake}\n${hello}\n2000 C. fin\n2100 S. fin`],
      ["192.0.2.1:40002", "[2001:db8::25]:25", `${handshake}\n${hello}\n2000 S. fin\n2100 C. fin`],
      ["[fe80::1%eth0]:40003", "[fe80::2%eth0]:25", `${handshake}\n${hello}\n2000 C. rst`],
      [
        "192.0.2.1:40004",
        "192.0.2.25:25",
        `0 SYN / 50 SYN-ACK / 60 ACK\n20 C> EHLO a\\r\\n\n${hello}\n2000 C. fin\n3000 S< 421 bye\\r\\n\n3100 S. fin`,
      ],
      [
        "192.0.2.1:40008",
        "192.0.2.25:25",
        `0 SYN / 500 SYN-ACK / 500 ACK\n20 C> ${long}\\r\\n\n600 S< 421 bye\\r\\n\n700 S. fin\n800 C. fin`,
      ],
      [
        "192.0.2.1:40009",
        "192.0.2.25:25",
        "0 SYN / 500 SYN-ACK / 500 ACK\n20 C. fin\n600 S< 421 bye\\r\\n\n700 S. fin",
      ],
      ["192.0.2.1:40005", "192.0.2.25:25", "0 SYN\nrefused\n900 tick"],
      ["192.0.2.1:40006", "192.0.2.25:25", "0 SYN\n30000000 tick"],
      [
        "192.0.2.1:40007",
        "192.0.2.25:25",
        `${handshake}\n${hello}\n1300 C> DATA\\r\\n\n1400 S< 354 go\\r\\n\n${Array.from({ length: 100 }, (_, i) => `${2000 + i} C> ${long}\\r\\n`).join("\n")}
         9000 C> .\\r\\n\n9100 S< 250 ok\\r\\n\n9200 S. rst`,
      ],
    ];
    await inFolder(async (folder) => {
      const { files, recording } = await record(folder, (sink) => {
        for (const [client, server, text] of scripts) tell(parse(text), sink, undefined, { client, server });
      });
      expect(recording.counts.faults).toBe(0);
      expect(await complaints(files[0]!)).toEqual([]);
      const { out } = await run(
        "tshark",
        "-n",
        "-r",
        files[0]!,
        "-T",
        "fields",
        "-e",
        "ipv6.src",
        "-e",
        "ip.src",
        "-e",
        "tcp.stream",
        "-Y",
        "tcp.flags.syn == 1 && tcp.flags.ack == 0",
      );
      expect(
        out
          .trim()
          .split("\n")
          .map((line) => line.split("\t")),
      ).toEqual([
        ["2001:db8::1", "", "0"],
        ["::ffff:192.0.2.1", "", "1"],
        ["fe80::1", "", "2"],
        ["", "192.0.2.1", "3"],
        ["", "192.0.2.1", "4"],
        ["", "192.0.2.1", "5"],
        ["", "192.0.2.1", "6"],
        ["", "192.0.2.1", "7"],
        ["", "192.0.2.1", "8"],
      ]);
      const reset = await run(
        "tshark",
        "-n",
        "-r",
        files[0]!,
        "-T",
        "fields",
        "-e",
        "tcp.stream",
        "-Y",
        "tcp.flags.reset == 1",
      );
      expect(reset.out.trim().split("\n").sort()).toEqual(["2", "6", "8"]);
    });
  });

  test("a gap is a hole in the sequence, and nothing else", async () => {
    const text = String.raw`
      0 SYN / 10 SYN-ACK / 20 ACK
      1000 S< 220 mx ESMTP\r\n
      1100 C> EHLO a\r\n
      1150 S! 500
      1200 S< 250 mx\r\n
      2000 C. fin
      2100 S. fin`;
    await inFolder(async (folder) => {
      const { files } = await record(folder, (sink) => tell(parse(text), sink));
      expect([...new Set(await complaints(files[0]!))].sort()).toEqual([
        "ACKed segment that wasn't captured (common at capture start)",
        "Previous segment(s) not captured (common at capture start)",
      ]);
    });
  });

  test("names who wrote it, and what about", async () => {
    await inFolder(async (folder) => {
      const { files } = await recordCapture(folder, own("healthy"));
      const { out } = await run("capinfos", files[0]!);
      expect(out).toMatch(/Capture application:\s+smtpscope test/);
      expect(out).toMatch(/Capture comment:\s+a comment/);
      expect(out).toMatch(/File encapsulation:\s+Raw IP/);
      expect(out).toMatch(/Time precision = microseconds/);
      expect(out).toMatch(/Strict time order:\s+True/);
    });
  });
});
