/** The packets that are remembered of a connection, against tshark's reading of the same capture. */
import { expect, test } from "vitest";
import { Capture } from "../../../src/capture/capture.ts";
import { Dialogues } from "../../../src/dialogue/dialogues.ts";
import type { Conversation } from "../../../src/spine/conversation.ts";
import { PacketTable, SYN_FLAG } from "../../../src/spine/packets.ts";
import { Collector, PORTS } from "../../support/collect.ts";
import { describeWith } from "../file/tools.ts";
import { fields, microsOf } from "./tshark.ts";

const CAPTURE = new URL("../../../captures/lossy.pcap", import.meta.url).pathname;

/** What the log has of every dialogue when it is over, one line a packet. */
class Remembering extends Collector {
  readonly lines = new Map<number, string>();
  /** Packets after a silence, with a flag of the connection's, or of the server's without bytes. */
  readonly frames: number[] = [];

  override conversation(conversation: Conversation): void {
    super.conversation(conversation);
    const table = new PacketTable();
    conversation.transport.trail!.read(table);
    let previous = 0;
    for (let i = table.first; i < table.end; i++) {
      expect(table.frame[i]!).toBeGreaterThan(previous);
      previous = table.frame[i]!;
      const clock = table.hasClock[i] === 1 ? [table.clock[i]! >>> 0, table.echo[i]! >>> 0] : ["", ""];
      const seen = [
        table.atUs[i],
        table.flags[i]! & 0xff,
        table.offset[i]! + 1,
        table.lengthBytes[i],
        ...clock,
        table.hops[i],
        table.window[i],
        table.scale[i] === -1 ? "" : table.scale[i],
        table.permitsSack[i] === 1,
        table.hasSack[i] === 1 ? table.sackFrom[i]! + 1 : "",
        table.knowsOptions[i],
      ];
      this.lines.set(previous, seen.join(" "));
    }
  }
}

describeWith(["tshark"], "remembered packets as tshark sees them", () => {
  test("time, flags, offset, length, clocks, hops, window and options are those of the frame", async () => {
    const collector = new Remembering();
    const capture = new Capture(new Dialogues(collector, { ports: PORTS, copiesPossible: true }), PORTS);
    await capture.readFile(CAPTURE, {});
    capture.end();
    const names = [
      "frame.number",
      "frame.time_epoch",
      "tcp.flags",
      "tcp.seq",
      "tcp.len",
      "tcp.options.timestamp.tsval",
      "tcp.options.timestamp.tsecr",
      "ip.ttl",
      "ipv6.hlim",
      "tcp.window_size_value",
      "tcp.options.wscale.shift",
      "tcp.options.sack_perm",
      "tcp.options.sack_le",
    ];
    const rows = await fields(CAPTURE, names, "tcp", "f");
    const theirs = new Map(
      rows.map(([frame, time, flags, seq, length, clock = "", echo = "", ttl, hlim, window, ...options]) => {
        const [scale = "", permits = "", sack = ""] = options;
        const numbers = [microsOf(time!), Number(flags) & 0xff, seq, length, clock, echo, ttl || hlim];
        return [Number(frame), [...numbers, window, scale, permits !== "", sack, 1].join(" ")];
      }),
    );
    expect(collector.lines.size).toBeGreaterThan(100);
    for (const [frame, line] of collector.lines)
      expect(`${frame}: ${line}`).toBe(`${frame}: ${theirs.get(frame)}`);
    expect([...collector.lines.values()].filter((line) => /true {2}1$/.test(line)).length).toBeGreaterThan(
      10,
    );
    expect([...collector.lines.values()].filter((line) => /false \d+ 1$/.test(line)).length).toBeGreaterThan(
      0,
    );
    // None that opens a connection is left out.
    for (const [frame, line] of theirs) {
      if (Number(line.split(" ")[1]) & SYN_FLAG) expect(collector.lines.has(frame)).toBe(true);
    }
  });
});
