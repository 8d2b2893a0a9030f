/** What is the proxy itself, and what only looks like it. */
import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { LoopGuard } from "../../src/relay/loop.ts";

const own = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ address, family }) => family === "IPv4" && !address.startsWith("127."))?.address;

test.each<[string, string, boolean]>([
  ["127.0.0.1", "127.0.0.1", true],
  ["127.0.0.1", "::ffff:127.0.0.1", true],
  ["127.0.0.1", "0.0.0.0", true],
  ["0.0.0.0", "127.0.0.1", true],
  // All of 127.0.0.0/8 is this host.
  ["0.0.0.0", "127.9.9.9", true],
  ["::", "127.0.0.1", true],
  ["::", "::1", true],
  ["::", "0:0:0:0:0:0:0:1", true],
  ["2001:db8::25", "2001:0DB8::0025", true],
  ["fe80::1%eth0", "fe80::1", true],
  ...(own === undefined ? [] : [["::", own, true] as [string, string, boolean]]),
  ...(own === undefined ? [] : [["0.0.0.0", own, true] as [string, string, boolean]]),
  ["127.0.0.1", "127.0.0.2", false],
  ["0.0.0.0", "::1", false],
  ["::", "192.0.2.25", false],
  ["::", "2001:db8::25", false],
  ["192.0.2.25", "127.0.0.1", false],
  ["::", "mx.example.net", false],
])("listening on %s, a connection to %s comes to the proxy: %s", (listen, to, comes) => {
  const guard = new LoopGuard([{ host: listen, port: 2525 }]);
  expect(guard.isSelf({ host: to, port: 2525 })).toBe(comes);
  expect(guard.isSelf({ host: to, port: 25 })).toBe(false);
});

test("a connection of its own is known by both ends, while there is one", () => {
  const guard = new LoopGuard([]);
  guard.remember("192.0.2.254:40000", "192.0.2.25:25");
  expect(guard.isOwn("192.0.2.254:40000", "192.0.2.25:25")).toBe(true);
  // A client's kernel may use the same port for a connection to something else.
  expect(guard.isOwn("192.0.2.254:40000", "192.0.2.254:2525")).toBe(false);
  guard.forget("192.0.2.254:40000", "192.0.2.25:25");
  expect(guard.isOwn("192.0.2.254:40000", "192.0.2.25:25")).toBe(false);
});
