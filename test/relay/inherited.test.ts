/** Sockets passed on as systemd does, by what the environment says of them. */
import { expect, test } from "vitest";
import { inheritedDescriptors } from "../../src/relay/inherited.ts";

const PID = 4711;

test.each([
  [{}, []],
  [{ LISTEN_FDS: "1" }, []],
  [{ LISTEN_PID: "4711" }, []],
  [{ LISTEN_PID: "4712", LISTEN_FDS: "1" }, []],
  [{ LISTEN_PID: "4711", LISTEN_FDS: "1" }, [3]],
  [{ LISTEN_PID: "4711", LISTEN_FDS: "3" }, [3, 4, 5]],
])("%o passes %o", (environment, descriptors) => {
  expect(inheritedDescriptors(environment, PID)).toEqual(descriptors);
});

test.each(["0", "-1", "", "many", "65", "1e1"])("LISTEN_FDS=%o is refused", (count) => {
  expect(() => inheritedDescriptors({ LISTEN_PID: "4711", LISTEN_FDS: count }, PID)).toThrow("LISTEN_FDS");
});
