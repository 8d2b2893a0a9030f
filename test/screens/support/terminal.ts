/** The command in a real pseudo-terminal, what it draws kept by a terminal emulator. */
import { type IPty, spawn } from "@lydell/node-pty";
import xterm from "@xterm/headless";
import { COMMAND, ROOT } from "../../cli/support/run.ts";

interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface TerminalOptions extends Size {
  readonly env?: Readonly<Record<string, string>>;
  readonly term?: string;
}

const PATIENCE_MS = 20_000;

export class TestTerminal {
  readonly pty: IPty;
  readonly emulator: InstanceType<typeof xterm.Terminal>;
  /** All that was written, as it came. */
  raw = "";
  status: number | null = null;
  #unwritten = 0;

  /** @param script what a shell is to run; `smtpscope` stands for the built command */
  constructor(script: string, { columns, rows, env, term }: TerminalOptions) {
    const { NO_COLOR: _no, FORCE_COLOR: _force, LC_ALL: _all, LC_CTYPE: _ctype, ...inherited } = process.env;
    this.emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    this.pty = spawn(
      "/bin/sh",
      [
        "-c",
        `smtpscope() { exec_smtpscope "$@"; }; ${script}`.replaceAll(
          "exec_smtpscope",
          `"${process.execPath}" "${COMMAND}"`,
        ),
      ],
      {
        name: term ?? "xterm-256color",
        cols: columns,
        rows,
        cwd: ROOT,
        env: {
          ...(inherited as Record<string, string>),
          LANG: "C.UTF-8",
          TERM: term ?? "xterm-256color",
          ...env,
        },
      },
    );
    this.pty.onData((data) => {
      this.raw += data;
      this.#unwritten++;
      this.emulator.write(data, () => {
        this.#unwritten--;
      });
    });
    this.pty.onExit(({ exitCode }) => {
      this.status = exitCode;
    });
  }

  press(keys: string): void {
    this.pty.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.emulator.resize(columns, rows);
    this.pty.resize(columns, rows);
  }

  /** The visible rows, without blanks at their ends. */
  rows(): string[] {
    const { active } = this.emulator.buffer;
    return Array.from(
      { length: this.emulator.rows },
      (_, y) =>
        active
          .getLine(active.baseY + y)
          ?.translateToString()
          .trimEnd() ?? "",
    );
  }

  text(): string {
    return this.rows().join("\n");
  }

  get isAlternate(): boolean {
    return this.emulator.buffer.active.type === "alternate";
  }

  /** Waits until what is shown satisfies; fails with the screen's text. */
  async until(satisfied: (text: string) => boolean, what: string): Promise<string> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const text = this.text();
      if (this.#unwritten === 0 && satisfied(text)) return text;
      if (Date.now() > end) throw new Error(`waited in vain for ${what}; the screen shows\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  shows(part: string | RegExp): Promise<string> {
    return this.until(
      (text) => (typeof part === "string" ? text.includes(part) : part.test(text)),
      String(part),
    );
  }

  /** Nothing new has been drawn for a while. */
  async settled(quietMs = 80): Promise<string> {
    for (let before = -1; before !== this.raw.length; ) {
      before = this.raw.length;
      await new Promise((resolve) => setTimeout(resolve, quietMs));
    }
    return this.until(() => true, "the picture");
  }

  async exited(): Promise<number> {
    await this.until(() => this.status !== null, "the end");
    return this.status!;
  }

  kill(): void {
    if (this.status === null) this.pty.kill("SIGKILL");
    this.emulator.dispose();
  }
}
