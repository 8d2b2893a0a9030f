import type { FileFrames } from "../spine/files.ts";
import type { Transport } from "../spine/wire.ts";

/**
 * Connections on which nothing was said, and whose port says nothing either. Whether they were SMTP is
 * known when the input is over: if that server spoke SMTP elsewhere in it, perhaps in another file.
 */

/** A scan of every port leaves many; these are remembered, the others counted. */
const MAX_REMEMBERED = 4_096;
/** Servers remembered to have spoken SMTP. */
const MAX_SERVERS = 65_536;

/** A connection of which only the handshake's facts remain, and where its packets are. */
interface Silent {
  readonly transport: Transport;
  readonly frames: FileFrames;
}

export class SilentServers {
  readonly #servers = new Set<string>();
  #silent: Silent[] = [];
  leftOut = 0;

  /** A server is known to speak SMTP. */
  spoke(server: string): void {
    if (this.#servers.size < MAX_SERVERS) this.#servers.add(server);
  }

  get servers(): ReadonlySet<string> {
    return this.#servers;
  }

  add(transport: Transport, frames: FileFrames): void {
    if (this.#silent.length < MAX_REMEMBERED) this.#silent.push({ transport: frozen(transport), frames });
    else this.leftOut++;
  }

  /** Gives each remembered connection to `decide`, once. */
  resolve(decide: (transport: Transport, frames: FileFrames) => void): void {
    const silent = this.#silent;
    this.#silent = [];
    for (const { transport, frames } of silent) decide(transport, frames);
  }
}

/** The connection itself is let go; what is known of it does not change any more. */
function frozen(transport: Transport): Transport {
  const { client, server, serverPort, sawHandshake, firstFrame, firstAtUs, synAtUs, synFrame, synCount } =
    transport;
  const { synAckAtUs, synAckFrame, handshakeAtUs, handshakeFrame, refused, lastAtUs, oneWay, clockSteps } =
    transport;
  const tcpStream = transport.tcpStreamAt(firstFrame);
  return {
    client,
    server,
    serverPort,
    sawHandshake,
    firstFrame,
    firstAtUs,
    synAtUs,
    synFrame,
    synCount,
    synAckAtUs,
    synAckFrame,
    handshakeAtUs,
    handshakeFrame,
    refused,
    lastAtUs,
    oneWay,
    clockSteps,
    acknowledged: () => 0,
    tcpStreamAt: () => tcpStream,
  };
}
