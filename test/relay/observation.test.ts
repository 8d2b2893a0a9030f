/** Observations between processes: what is written is read, however it is cut, and whenever reading may go on. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  BatchReader,
  BatchWriter,
  CLIENT_BYTES,
  CLIENT_UNREAD,
  CLOSE,
  OPEN,
  TICK,
} from "../../src/relay/observation.ts";

const observation = fc.oneof(
  fc.record({ kind: fc.constantFrom(TICK, CLOSE), payload: fc.constant(null) }),
  fc.record({ kind: fc.constant(CLIENT_UNREAD), payload: fc.uint8Array({ minLength: 4, maxLength: 4 }) }),
  fc.record({ kind: fc.constant(CLIENT_BYTES), payload: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ kind: fc.constant(OPEN), payload: fc.string({ unit: "grapheme", maxLength: 20 }) }),
);

/** Batches of these, as they go over the wire. */
function written(batches: readonly (readonly { kind: number; payload: Uint8Array | string | null }[])[]) {
  const writer = new BatchWriter();
  const told: string[] = [];
  const parts: Buffer[] = [];
  let id = 0;
  for (const batch of batches) {
    for (const { kind, payload } of batch) {
      id++;
      if (typeof payload === "string") writer.addText(kind, id, id * 10, payload, id + 0.5);
      else
        writer.add(
          kind,
          id,
          id * 10,
          kind === CLIENT_UNREAD ? 60_000 : (payload?.length ?? 7),
          id + 0.5,
          0,
          payload,
        );
      const bytes = typeof payload === "string" ? Buffer.from(payload) : (payload ?? []);
      told.push(`${kind} ${id} ${id * 10} ${id + 0.5} ${Buffer.from(bytes).toString("hex")}`);
    }
    if (writer.isEmpty) continue;
    const taken = writer.take();
    parts.push(Buffer.from(taken));
    writer.recycle(taken);
  }
  return { told, bytes: Buffer.concat(parts) };
}

test("what is written is read in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(observation, { maxLength: 5 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.boolean()),
      (batches, cuts, answers) => {
        const { told, bytes } = written(batches);
        const read: string[] = [];
        let mayGoOn = true;
        const reader = new BatchReader(
          (record, payload, start, end) => {
            const [kind, id, atUs, , uncertaintyUs] = record;
            const hex = Buffer.from(payload.subarray(start, end)).toString("hex");
            read.push(`${kind} ${id} ${atUs} ${uncertaintyUs} ${hex}`);
          },
          () => mayGoOn && answers.next().value,
        );
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const to = at + cuts[i % cuts.length]!;
          // Lent for the call: overwritten when it is over.
          const lent = Buffer.from(bytes.subarray(at, to));
          reader.push(lent);
          lent.fill(0xee);
          if (reader.isWaiting) reader.goOn();
          at = to;
        }
        mayGoOn = true;
        for (let i = 0; reader.isWaiting && i < 10_000; i++) reader.goOn();
        expect(read).toEqual(told);
      },
    ),
    { numRuns: 300 },
  );
});

test("while it may not go on nothing is read", () => {
  const { told, bytes } = written([[{ kind: TICK, payload: null }], [{ kind: TICK, payload: null }]]);
  let mayGoOn = true;
  let read = 0;
  const reader = new BatchReader(
    () => {
      read++;
      mayGoOn = false;
    },
    () => mayGoOn,
  );
  reader.push(bytes);
  expect([read, reader.isWaiting]).toEqual([1, true]);
  reader.goOn();
  expect(read).toBe(1);
  mayGoOn = true;
  reader.goOn();
  expect([read, reader.isWaiting]).toEqual([told.length, false]);
});

test("another stream is refused", () => {
  const reader = new BatchReader(() => {});
  expect(() => reader.push(Buffer.from("220 mail.example ESMTP\r\n"))).toThrow(
    "not a stream of observations",
  );
});
