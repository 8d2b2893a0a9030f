import type { TimeAccount } from "../spine/conversation.ts";
import { NO_TIME, type Transport } from "../spine/wire.ts";

/** What a stretch of a dialogue's time is put down to. */
export type Turn = "connect" | "server" | "client" | "transfer" | "unknown";

/**
 * Divides a dialogue's time from SYN to end: each instant belongs to exactly one heading.
 *
 * It is told whose turn it is whenever something happens, and puts the time since the last such
 * moment down to that turn. Of each uninterrupted wait for the server, one round trip between the
 * point of capture and the server (SYN → SYN-ACK, if that SYN was sent once) was spent on the path.
 */
export class Account implements TimeAccount {
  connectUs = 0;
  serverUs = 0;
  pathUs = 0;
  clientUs = 0;
  transferUs = 0;
  unknownUs = 0;
  #cursorUs = NO_TIME;
  #serverRunUs = 0;
  #roundTripUs = 0;

  /** Up to when everything is booked. */
  get untilUs(): number {
    return this.#cursorUs;
  }

  clear(): void {
    this.connectUs = 0;
    this.serverUs = 0;
    this.pathUs = 0;
    this.clientUs = 0;
    this.transferUs = 0;
    this.unknownUs = 0;
    this.#cursorUs = NO_TIME;
    this.#serverRunUs = 0;
    this.#roundTripUs = 0;
  }

  /** Books everything up to `atUs` as `turn`. Time that runs backwards books nothing. */
  book(transport: Transport, atUs: number, turn: Turn): void {
    if (this.#cursorUs === NO_TIME && !this.#begin(transport, atUs)) return;
    const elapsed = atUs - this.#cursorUs;
    if (elapsed <= 0) return;
    this.#cursorUs = atUs;
    if (turn === "server") {
      this.#serverRunUs += elapsed;
      return;
    }
    this.#endRun();
    if (turn === "connect") this.connectUs += elapsed;
    else if (turn === "client") this.clientUs += elapsed;
    else if (turn === "transfer") this.transferUs += elapsed;
    else this.unknownUs += elapsed;
  }

  /** Closes the books at the dialogue's end. */
  close(transport: Transport, atUs: number, turn: Turn): void {
    this.book(transport, atUs, turn);
    this.#endRun();
  }

  #begin(transport: Transport, atUs: number): boolean {
    const { synAtUs, synAckAtUs, handshakeAtUs, firstAtUs } = transport;
    const start = synAtUs ?? firstAtUs;
    if (start === null || atUs === NO_TIME) return false;
    this.#cursorUs = start;
    if (synAckAtUs !== null) {
      this.connectUs = Math.max(0, synAckAtUs - start);
      this.#cursorUs = start + this.connectUs;
      if (synAtUs !== null && transport.synCount === 1) this.#roundTripUs = this.connectUs;
      if (handshakeAtUs !== null && handshakeAtUs > this.#cursorUs) {
        this.pathUs += handshakeAtUs - this.#cursorUs;
        this.#cursorUs = handshakeAtUs;
      }
    }
    return true;
  }

  #endRun(): void {
    const run = this.#serverRunUs;
    if (run === 0) return;
    const path = Math.min(run, this.#roundTripUs);
    this.pathUs += path;
    this.serverUs += run - path;
    this.#serverRunUs = 0;
  }
}
