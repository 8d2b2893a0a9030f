/**
 * The proof that connections really pass through a proxy that runs: it is watched on its socket, like
 * `attach` does, and has to tell of the connection that was made. A rule that is wrong lets mail pass
 * by in silence, so nothing less counts.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { portOf } from "../../spine/address.ts";
import { textOf } from "../../spine/text.ts";
import { connectedOf, jsonOf, openedOf } from "../decode.ts";
import type { Failed, Opened, RelayState } from "../facts.ts";
import { BatchReader, CONNECTED, FAILED, OPEN, SERVER_BYTES, STATE } from "../observation.ts";
import { attachedLink } from "../observer-end.ts";
import { encodeProxyHeader, type ProxyVersion } from "../proxy-header.ts";
import { endpointText } from "../sockets.ts";
import { type Check, fine, missing, note } from "./check.ts";

/** A slow name look-up at the server may take most of this before its banner. */
const BANNER_PATIENCE_MS = 30_000;
const STATE_PATIENCE_MS = 5_000;

/** What is shown of a banner. */
const MAX_BANNER_BYTES = 80;

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** A running proxy, watched. */
export class WatchedProxy {
  #link: Duplex | null = null;
  readonly #reader: BatchReader;
  readonly #listeners = new Set<() => void>();
  state: RelayState | null = null;
  /** Of connections that came since; those that were open already are told at once, before the state is read. */
  readonly opened = new Map<number, Opened>();
  readonly connected = new Map<number, string>();
  readonly failed = new Map<number, string>();
  readonly answered = new Set<number>();

  /** @throws NodeJS.ErrnoException when no proxy is there */
  static async at(path: string): Promise<WatchedProxy> {
    const watched = new WatchedProxy();
    watched.#link = await attachedLink(path, (chunk) => watched.#read(chunk));
    watched.#link.on("error", () => {});
    return watched;
  }

  private constructor() {
    this.#reader = new BatchReader((record, payload, start, end) => {
      const id = record[1]!;
      switch (record[0]) {
        case STATE:
          this.state = jsonOf(payload, start, end) as RelayState;
          break;
        case OPEN:
          if (this.opened.size < MAX_REMEMBERED) this.opened.set(id, openedOf(record, payload, start, end));
          break;
        case CONNECTED:
          if (this.opened.has(id)) this.connected.set(id, connectedOf(record, payload, start, end).server);
          break;
        case FAILED:
          if (this.opened.has(id)) this.failed.set(id, (jsonOf(payload, start, end) as Failed).text);
          break;
        case SERVER_BYTES:
          if (this.opened.has(id)) this.answered.add(id);
          break;
      }
    });
  }

  #read(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch {
      this.#link?.destroy();
    }
    for (const listener of this.#listeners) listener();
  }

  /** Waits for what `find` finds. @returns null when it did not come in time, or the proxy ended */
  async waitFor<T>(find: () => T | null, patienceMs: number): Promise<T | null> {
    return new Promise((resolve) => {
      const done = (found: T | null) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        this.#link?.off("close", gone);
        resolve(found);
      };
      const look = () => {
        const found = find();
        if (found !== null) done(found);
      };
      const gone = () => done(null);
      const timer = setTimeout(gone, patienceMs);
      this.#listeners.add(look);
      this.#link?.once("close", gone);
      look();
    });
  }

  /** Forgets the connections that were there. */
  forget(): void {
    for (const known of [this.opened, this.connected, this.failed, this.answered]) known.clear();
  }

  close(): void {
    this.#link?.destroy();
  }
}

/** Of one look at a proxy, which lasts a minute or so. */
const MAX_REMEMBERED = 100_000;

/** @returns null when no proxy is there */
export async function watch(path: string): Promise<WatchedProxy | null> {
  try {
    const watched = await WatchedProxy.at(path);
    if ((await watched.waitFor(() => watched.state, STATE_PATIENCE_MS)) !== null) return watched;
    watched.close();
    return null;
  } catch {
    return null;
  }
}

/** Whether it is the proxy that is meant, and what it has to say of itself. */
export function checkProxy(proxy: WatchedProxy | null, mode: string): Check[] {
  const state = proxy?.state ?? null;
  if (state === null) return [];
  const count = (counts: object) => Object.entries(counts).map(([why, number]) => `${why} ${number}`);
  const parts = [
    `${state.connected} of ${state.accepted} connections relayed since it started`,
    ...[count(state.refused).join(", ")].filter((text) => text !== "").map((text) => `refused: ${text}`),
    ...[count(state.failed).join(", ")].filter((text) => text !== "").map((text) => `not reached: ${text}`),
    ...(state.sourcePreserved ? [] : ["the server sees the proxy, its lookups are about it"]),
  ];
  if (state.mode === mode) return [fine("proxy", parts.join("; "))];
  return [missing("proxy", `the one that runs does so in mode ${state.mode}, not ${mode}`)];
}

/** Connects to `target`, which is the proxy or, where a rule should bring us to it, the server. */
export async function proveOwn(proxy: WatchedProxy, target: HostAndPort): Promise<Check> {
  const where = endpointText(target.host, target.port);
  const localPort = await freePort();
  proxy.forget();
  const { socket, banner } = await greeted(target, null, localPort);
  // A connection is told of when there is something to say of it.
  const text = await banner;
  const id = await proxy.waitFor(
    () => idOf(proxy, ({ client }) => portOf(client) === localPort),
    STATE_PATIENCE_MS,
  );
  socket.destroy();
  if (id === null) {
    const reached = text === null ? "got no answer" : `was answered "${text}"`;
    return missing(
      "passage",
      `a connection from here to ${where} ${reached} and did not pass through the proxy`,
    );
  }
  const server = proxy.connected.get(id);
  const why = proxy.failed.get(id);
  if (server === undefined)
    return missing("passage", `it came to the proxy, which did not reach the server: ${why ?? "no answer"}`);
  if (text === null)
    return missing("passage", `it passed through the proxy to ${server}, which said nothing`);
  return fine(
    "passage",
    `a connection from port ${localPort} here to ${where} passed through the proxy to ${server}: "${text}"`,
  );
}

/** Waits for a connection that somebody else makes. */
export async function proveOther(proxy: WatchedProxy, patienceMs: number): Promise<Check> {
  proxy.forget();
  const id = await proxy.waitFor(
    () => idOf(proxy, (_, candidate) => proxy.answered.has(candidate)),
    patienceMs,
  );
  if (id === null) {
    const came = [...proxy.opened.values()][0];
    const says = came === undefined ? "no connection came" : `${came.client} came, and no server answered it`;
    return missing("passage", `${says} in ${patienceMs / 1_000} s: what passes by is not measured`);
  }
  const { client } = proxy.opened.get(id)!;
  return fine(
    "passage",
    `a connection from ${client} passed through the proxy to ${proxy.connected.get(id)}, which answered`,
  );
}

/** Whether the server answers at all, asked directly. */
export async function checkServer(server: HostAndPort, sendProxy: ProxyVersion | null): Promise<Check> {
  const where = endpointText(server.host, server.port);
  const { socket, banner, failed } = await greeted(server, sendProxy);
  const text = await banner;
  socket.destroy();
  if (failed() !== null) return missing("server", `${where} can't be reached: ${failed()}`);
  if (text === null)
    return missing("server", `${where} accepts and says nothing in ${BANNER_PATIENCE_MS / 1_000} s`);
  return text.startsWith("220")
    ? fine("server", `${where} says "${text}"`)
    : note("server", `${where} says "${text}"`);
}

function idOf(proxy: WatchedProxy, isIt: (opened: Opened, id: number) => boolean): number | null {
  for (const [id, opened] of proxy.opened) if (isIt(opened, id)) return id;
  return null;
}

interface Greeted {
  readonly socket: Socket;
  /** The first line the server says; null when none came. */
  readonly banner: Promise<string | null>;
  failed(): string | null;
}

/** Resolves when connected, or when that failed. */
async function greeted(
  { host, port }: HostAndPort,
  sendProxy: ProxyVersion | null,
  localPort?: number,
): Promise<Greeted> {
  const socket = connect({ host, port, ...(localPort === undefined ? {} : { localPort }) });
  let why: string | null = null;
  const banner = new Promise<string | null>((resolve) => {
    socket.setTimeout(BANNER_PATIENCE_MS, () => resolve(null));
    socket.once("data", (chunk: Buffer) => resolve(firstLine(chunk)));
    socket.once("close", () => resolve(null));
  });
  await new Promise<void>((resolve) => {
    socket.once("connect", resolve).on("error", (error: NodeJS.ErrnoException) => {
      why ??= error.code ?? error.message;
      resolve();
    });
  });
  // The proxy speaks for itself here.
  if (sendProxy !== null && why === null) socket.write(encodeProxyHeader(sendProxy, null));
  return { socket, banner, failed: () => (socket.bytesRead === 0 ? why : null) };
}

/** Chosen beforehand: a connection that is reset at once can't be asked any more where it came from. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function firstLine(chunk: Buffer): string {
  const end = chunk.indexOf("\r\n");
  return textOf(chunk, 0, Math.min(end < 0 ? chunk.length : end, MAX_BANNER_BYTES));
}
