/** A screen's host in this process, on a capture that has been read. */

import { MAIL_PORTS } from "../../../src/capture/stream/streams.ts";
import { compileKeptFilter } from "../../../src/cli/kept-filter.ts";
import { Reading, type ReadRequest } from "../../../src/cli/reading.ts";
import { assemble } from "../../../src/cli/report.ts";
import { differences } from "../../../src/cli/screen-host.ts";
import { Watched } from "../../../src/cli/watched.ts";
import type { Export, ScreenHost, ScreenModel } from "../../../src/screens/model.ts";

const REQUEST: ReadRequest = {
  ports: MAIL_PORTS,
  percentiles: [50, 90, 95, 99],
  top: 10,
  by: "client",
  redact: false,
  thresholds: [],
  failOn: { slo: false, severity: null },
  asItGoes: "nothing",
  filter: null,
  sinceAtUs: null,
  untilAtUs: null,
  references: [],
};

export async function modelOf(path: string): Promise<ScreenModel> {
  const watched = new Watched(null);
  const reading = new Reading(REQUEST, {
    signal: new AbortController().signal,
    onProgress: () => {},
    write: () => {},
    watch: watched.watch,
  });
  await reading.group([path]);
  const report = assemble([await reading.finish(reading.servers)], REQUEST, [path]);
  return { source: path, progress: { kind: "done" }, report, ...watched.snapshot(), comparison: null };
}

/** A host whose model the test sets. */
export class TestHost implements ScreenHost {
  model: ScreenModel;
  changes = 0;
  readonly saved: { path: string; what: Export }[] = [];
  readonly compileFilter = compileKeptFilter;
  readonly differences = differences;
  clock: ScreenHost["clock"] = null;
  restart: ScreenHost["restart"] = null;
  underneath: ScreenHost["underneath"] = null;

  constructor(model: ScreenModel) {
    this.model = model;
  }

  version(): number {
    return this.changes;
  }

  heard(): number {
    return this.changes;
  }

  snapshot(): ScreenModel {
    return this.model;
  }

  async save(path: string, what: Export): Promise<void> {
    this.saved.push({ path, what });
  }

  async baseline(): Promise<void> {}
}
