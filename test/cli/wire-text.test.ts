/** Text from the wire and names of files never act on the terminal. */
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TOUR } from "./support/captures.ts";
import { exchangesOf, parseLines } from "./support/lines.ts";
import { Dialogue, mail, writePcap } from "./support/pcap.ts";
import { COMMAND, ROOT, replay, run, workFolder } from "./support/run.ts";

const folder = workFolder();

/** Everything but a line feed that moves the cursor, colours, rings, reorders or hides. */
const ACTS =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u;

const EVIL =
  "\u001b[31mred\u001b]0;title\u0007 \u009b2J \u202edrowssap\u2066 \u200bzero \u2028line\u0008\u007f\u0000end";

describe.concurrent("text from the wire", () => {
  const capture = writePcap(
    join(folder, "evil.pcap"),
    new Dialogue()
      .handshake()
      .server(`220 mx ${EVIL}\r\n`)
      .client(`EHLO ${EVIL}\r\n`)
      .server(`250-mx ${EVIL}\r\n250 ${EVIL}\r\n`)
      .client(`MAIL FROM:<${EVIL}@example.org>\r\n`)
      .server(`250 ${EVIL}\r\n`)
      .client(`${EVIL}\r\n`)
      .server(`500 ${EVIL}\r\n`)
      .client(Buffer.from("RCPT TO:<\x9b\xff\xfe\x1b[2J>\r\n", "latin1"))
      .server(Buffer.from("550 \x9b31m no\r\n", "latin1"))
      .server(`421 ${EVIL}\r\n`)
      .close(),
  );

  test.each(["text", "json", "ndjson"])("%s shows escapes", async (format) => {
    for (const more of [[], ["--redact"], ["--by", "client", "-p", "26"]]) {
      const outcome = await replay(capture, "-o", format, "--top", "50", ...more);
      expect(outcome).toMatchObject({ status: 0, stderr: "" });
      expect(ACTS.exec(outcome.stdout)?.index).toBeUndefined();
      expect(outcome.stdout).toMatch(/\\x1b\[31mred|\\\\x1b\[31mred/);
    }
  });

  test("decoded JSON acts no more than JSON", async () => {
    const outcome = await replay(capture, "-o", "ndjson");
    for (const { command, lines } of exchangesOf(parseLines(outcome.stdout))) {
      for (const text of [command ?? "", ...lines]) expect(text).not.toMatch(ACTS);
    }
  });
});

describe.concurrent("names of files", () => {
  const names: [string, string][] = [
    ["a blank", "with blank.pcap"],
    ["non-ASCII", "m\u00e4il-\u65e5\u672c.pcap"],
    ["an escape sequence", "evil\u001b[31m\u001b]0;x\u0007.pcap"],
    ["C1 and bidi", "evil\u009b31m\u202efcap.pcap"],
    ["a line feed", "two\nlines.pcap"],
    ["a dash in front", "-o.pcap"],
  ];
  const source = writePcap(join(folder, "source.pcap"), mail());

  test.each(names)("%s", async (_what, name) => {
    copyFileSync(source, join(folder, name));
    for (const format of ["text", "ndjson"]) {
      const outcome = await run(["replay", "-o", format, "--", name], { cwd: folder });
      expect(outcome).toMatchObject({ status: 0, stderr: "" });
      expect(outcome.stdout).not.toMatch(ACTS);
      if (format === "text") {
        // A line feed within would be a line of its own that the file made up.
        expect(outcome.stdout).not.toMatch(/^lines\.pcap/m);
        if (!ACTS.test(name) && !name.includes("\n"))
          expect(outcome.stdout).toContain(`Source     ${name} (`);
      } else if (format === "ndjson") {
        // Programs get the name as it was given.
        for (const line of exchangesOf(parseLines(outcome.stdout))) expect(line.file).toBe(name);
      }
    }
  });

  test.each(names)("%s, in a complaint", async (_what, name) => {
    const outcome = await run(["replay", "--", `missing ${name}`], { cwd: folder });
    expect(outcome.status).toBe(3);
    expect(outcome.stderr).not.toMatch(ACTS);
    expect(outcome.stderr.split("\n")).toHaveLength(2);
  });

  test("arguments that make no sense", async () => {
    for (const args of [
      [`--${EVIL}`],
      ["-o", EVIL],
      ["-Y", `code==${EVIL}`],
      ["--since", EVIL],
      ["-p", EVIL],
    ]) {
      const outcome = await replay(source, ...args.map((arg) => arg.replaceAll("\0", "")));
      expect(outcome.status).toBe(2);
      expect(outcome.stderr).not.toMatch(ACTS);
    }
  });

  test("a filter is shown without acting", async () => {
    const outcome = await replay(source, "-Y", 'text contains "\u001b[31m\u202e"');
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).not.toMatch(ACTS);
  });
});

describe.concurrent("colour", () => {
  const coloured = (text: string) => text.includes("\u001b[");

  test("none without a terminal, some when asked for", async () => {
    expect(coloured((await replay(TOUR)).stdout)).toBe(false);
    expect(coloured((await replay(TOUR, "--color", "never")).stdout)).toBe(false);
    const always = (await replay(TOUR, "--color", "always")).stdout;
    expect(coloured(always)).toBe(true);
    // Colour changes nothing but colour.
    expect(always.replace(/\u001b\[\d+m/g, "")).toBe((await replay(TOUR)).stdout);
  });

  test("JSON is never coloured", async () => {
    for (const format of ["json", "ndjson"])
      expect(coloured((await replay(TOUR, "-o", format, "--color", "always")).stdout)).toBe(false);
  });

  const script = ["/usr/bin/script", "/bin/script"].find((path) => {
    try {
      return readFileSync(path).length > 0;
    } catch {
      return false;
    }
  });

  test.runIf(script !== undefined || process.env.CI !== undefined)(
    "on a terminal: yes, unless NO_COLOR or a dumb one",
    async () => {
      const { spawnSync } = await import("node:child_process");
      const onTerminal = (env: Record<string, string>, more = "") => {
        const { NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env;
        return spawnSync(script!, ["-qec", `'${COMMAND}' replay ${TOUR} ${more}`, "/dev/null"], {
          cwd: ROOT,
          env: { ...inherited, TERM: "xterm-256color", ...env },
          encoding: "utf8",
          input: "",
        }).stdout;
      };
      expect(coloured(onTerminal({}))).toBe(true);
      expect(coloured(onTerminal({ NO_COLOR: "1" }))).toBe(false);
      expect(coloured(onTerminal({ NO_COLOR: "" }))).toBe(true);
      expect(coloured(onTerminal({ TERM: "dumb" }))).toBe(false);
      expect(coloured(onTerminal({}, "--color never"))).toBe(false);
      expect(coloured(onTerminal({ NO_COLOR: "1" }, "--color always"))).toBe(true);
      expect(coloured(onTerminal({}, "| cat"))).toBe(false);
    },
  );
});
