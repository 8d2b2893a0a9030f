/**
 * Thousands of exchanges, split, delayed, half-closed and reset by chance, without the proxy and through
 * it: both ends receive the same bytes and see the same kind of ending.
 */
import { expect, test } from "vitest";
import { type RunningProxy, startProxy } from "./support/proxy.ts";
import { ChaosServer, expected, makeScript, type Script, type Seen } from "./support/scripts.ts";

const LANES = 24;
const SCRIPTS = Number(process.env.SOAK_SCRIPTS ?? 1_000);

interface Outcome {
  readonly client: Seen;
  readonly server: Seen;
}

/** Each lane has a server of its own, so that its connections come in a known order. */
async function playAll(
  scripts: readonly Script[],
  through: NodeJS.ProcessEnv | null,
): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  const queue = [...scripts];
  const lane = async () => {
    const server = new ChaosServer();
    const serverPort = await server.listen();
    let proxy: RunningProxy | null = null;
    if (through !== null) {
      proxy = await startProxy({ upstream: `127.0.0.1:${serverPort}`, args: ["-q"], env: through });
    }
    for (let script = queue.shift(); script !== undefined; script = queue.shift()) {
      outcomes.set(script.id, await server.run(script, proxy?.port ?? serverPort));
    }
    server.close();
    expect(await proxy?.stop()).toBe(through === null ? undefined : 0);
  };
  await Promise.all(Array.from({ length: through === null ? LANES : PROXIES }, lane));
  return outcomes;
}

const PROXIES = 4;

const SOCKETS = [
  ["handles", {}, SCRIPTS],
  ["plain sockets", { SMTPSCOPE_PLAIN_SOCKETS: "1" }, SCRIPTS / 4],
] as const;

test.each(SOCKETS)(
  "both ends see the same bytes and endings as without a proxy: %s",
  { timeout: 120_000 },
  async (_, env, count) => {
    const scripts = Array.from({ length: count }, (_, i) => makeScript(i + 1));
    const direct = await playAll(scripts, null);
    const proxied = await playAll(scripts, env);
    const wrong: string[] = [];
    for (const script of scripts) {
      for (const side of ["client", "server"] as const) {
        const want = expected(script, side);
        const plain = direct.get(script.id)![side];
        const through = proxied.get(script.id)![side];
        // The script is played as it is written where nothing is between: else this test says nothing.
        expect(plain.received.equals(want), `script ${script.id}, ${side}, direct`).toBe(true);
        if (!through.received.equals(want)) {
          wrong.push(
            `script ${script.id}: the ${side} received ${through.received.length} of ${want.length} bytes`,
          );
        }
        // Who resets may or may not have seen the other's end before: that is not the proxy's doing.
        const resets = script.steps.some((step) => step.side === side && step.end === "rst");
        if (!resets && through.ending !== plain.ending) {
          wrong.push(
            `script ${script.id}: the ${side} saw ${through.ending}, without the proxy ${plain.ending}`,
          );
        }
      }
    }
    expect(wrong).toEqual([]);
    const endings = [...direct.values()].map(({ client }) => client.ending);
    for (const ending of ["fin", "rst"]) expect(endings).toContain(ending);
  },
);
