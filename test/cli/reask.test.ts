/** A server that is asked again while a proxy runs. */
import { expect, test } from "vitest";
import { askAgain } from "../../src/cli/reask.ts";
import { askServer } from "../../src/cli/reference.ts";
import { withoutBanner } from "../../src/cli/references.ts";
import type { Reference } from "../../src/spine/reference.ts";
import { mailServer } from "./support/mail-server.ts";

const bannerOf = (reference: Reference | undefined) => reference?.replies["(connect)"]?.[0]?.[0];

test("takes the new answers in the place of the old ones, keeps the others, and what it had when it fails", async () => {
  const server = await mailServer(null);
  const name = `127.0.0.1:${server.port}`;
  const first = await askServer(name, 1, 5_000);
  const file: Reference = { ...first, server: "mx.json" };
  server.banner = () => "220 new.example.net ESMTP";
  const failures: string[] = [];
  const found = await new Promise<readonly Reference[]>((resolve) => {
    const again = askAgain({ servers: ["127.0.0.1:1", name], everyMs: 50 }, [file, first], {
      found: (references) => {
        again!.stop();
        resolve(references);
      },
      failed: (why) => failures.push(why),
    });
  });
  expect(found.map(({ server: of }) => of)).toEqual(["mx.json", name]);
  expect(bannerOf(found[0])).toBe("220 mx.example.net ESMTP Exim 4.96 ");
  expect(bannerOf(found[1])).toBe("220 new.example.net ESMTP\r\n");
  expect(failures).toEqual([
    "cannot ask 127.0.0.1:1: the connection was refused; what it said before is still used",
  ]);
}, 20_000);

test("where the operator expects a banner, the server's is left out again", async () => {
  const server = await mailServer(null);
  const name = `127.0.0.1:${server.port}`;
  const first = withoutBanner(await askServer(name, 1, 5_000));
  const found = await new Promise<readonly Reference[]>((resolve) => {
    const again = askAgain({ servers: [name], everyMs: 50 }, [first], {
      found: (references) => {
        again!.stop();
        resolve(references);
      },
      failed: () => {},
    });
  });
  expect(Object.keys(found[0]!.replies)).toEqual(Object.keys(first.replies));
}, 20_000);

test("nothing to ask, nothing asked", () => {
  const nobody = { found: () => {}, failed: () => {} };
  expect(askAgain({ servers: [], everyMs: 50 }, [], nobody)).toBeNull();
  expect(askAgain({ servers: ["mx:25"], everyMs: 0 }, [], nobody)).toBeNull();
});
