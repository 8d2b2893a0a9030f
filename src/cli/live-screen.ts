import type { ScreenHost } from "../screens/index.ts";
import { SmtpscopeError } from "../spine/errors.ts";
import { compileKeptFilter } from "./kept-filter.ts";
import type { Observer } from "./observer.ts";
import type { ReadRequest } from "./reading.ts";
import { Baseline, differences, saveExport } from "./screen-host.ts";
import type { Watched } from "./watched.ts";

/** The screen on a running proxy: what an observer makes of it, as it goes. */
export class LiveHost implements ScreenHost {
  readonly compileFilter = compileKeptFilter;
  readonly differences = differences;
  readonly clock = null;
  readonly underneath: ScreenHost["underneath"];
  readonly restart = () => {
    this.#watched.reset();
    this.#observer.reset();
    this.#changes++;
  };
  readonly #observer: Observer;
  readonly #watched: Watched;
  readonly #request: ReadRequest;
  readonly #baseline = new Baseline();
  #changes = 0;
  #seen = "";

  constructor(
    observer: Observer,
    watched: Watched,
    request: ReadRequest,
    underneath: ScreenHost["underneath"],
  ) {
    this.#observer = observer;
    this.#watched = watched;
    this.#request = request;
    this.underneath = underneath;
  }

  version(): number {
    const { state } = this.#observer;
    // Of the relay's own numbers only these are news; its stamps change all the time.
    const seen =
      state === null ? "" : `${state.accepted} ${state.open} ${state.overrunBytes} ${state.observerRestarts}`;
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#changes++;
    }
    return this.#watched.version + this.#changes;
  }

  heard(): number {
    return this.#watched.heard;
  }

  snapshot() {
    const part = this.#observer.part();
    const report = this.#observer.report(part);
    const { relay } = report;
    return {
      source: relay === null ? "proxy" : `${relay.listen.join(" ")} → ${relay.upstream}`,
      progress: { kind: "live" } as const,
      report,
      ...this.#watched.snapshot(),
      comparison: this.#baseline.against(part),
    };
  }

  async save(...[path, what]: Parameters<ScreenHost["save"]>): Promise<void> {
    await saveExport(path, what, () => {
      throw new SmtpscopeError("output", "a proxy records its dialogues as they come: start it with -w");
    });
  }

  baseline(path: string): Promise<void> {
    return this.#baseline.read(path, this.#request);
  }
}
