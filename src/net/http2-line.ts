import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import type { buildConnector } from "undici";
import type { Clock } from "../domain/clock.ts";
import { type Connector, whereOf } from "./connector.ts";
import { destroyedCode, type Http2Request, sendOn } from "./http2-stream.ts";
import type { Exchange } from "./incoming.ts";

export interface Http2Parts {
  readonly clock: Clock;
  readonly origin: string;
  readonly maxConnections: number;
  /** Offers HTTP/2. */
  readonly connect: Connector;
  /** How long a connection without requests is kept. Milliseconds. */
  readonly keepMs: number;
  /** Takes over all requests, from now on, when the server has chosen HTTP/1.1. */
  readonly fallBack: () => void;
}

/** Streams of one connection at most, if the provider allows as many. */
const maxStreams = 100;
/** What a stream may send before it is read. With what Node and the reader hold, about 256 KiB a stream. Bytes. */
const windowBytes = 128 * 1024;
/** The same for all streams of a connection, whose bytes Node takes off the socket at once. Bytes. */
const connectionWindowBytes = 1024 * 1024;
/** Node's bound on what one session holds, above all windows together. MB. */
const maxSessionMemory = 64;
/** The time between two pings of a connection with requests; one unanswered until the next means that it is dead. Milliseconds. */
const pingMs = 15_000;

/** A connection that has been told the provider's settings. */
interface Shared {
  readonly session: ClientHttp2Session;
  readonly socket: Socket;
  streams: number;
  cancelIdle: (() => void) | null;
}

interface Waiting {
  readonly request: Http2Request;
  readonly exchange: Exchange;
}

/**
 * HTTP/2 connections to one origin, each shared by as many requests as the provider allows. Of undici's, three things
 * broke our promises; see docs/decisions/0010-http2-upstream-by-hand.md. Nothing is sent twice: what a provider refuses
 * is a `service_unavailable` that says so.
 */
export class Http2Line {
  readonly #parts: Http2Parts;
  readonly #where: buildConnector.Options;
  readonly #shared = new Set<Shared>();
  /** Those that take no more: they finish what they carry, and hold no place. */
  readonly #leaving = new Set<Shared>();
  readonly #waiting = new Map<Exchange, Waiting>();
  #opening: Socket | null = null;
  #closed = false;

  constructor(parts: Http2Parts) {
    this.#parts = parts;
    this.#where = whereOf(parts.origin);
  }

  /** Whether those that wait do so for a connection that is being opened, and not for a free stream. */
  get isConnecting(): boolean {
    return this.#opening !== null;
  }

  dispatch(request: Http2Request, exchange: Exchange): void {
    exchange.way = this;
    this.#waiting.set(exchange, { request, exchange });
    this.#pump();
  }

  /** The request is wanted no more, and had not begun. A connection that is opened for nobody else ends. */
  giveUp(exchange: Exchange): void {
    if (!this.#waiting.delete(exchange)) return;
    exchange.onResponseError(null, new Error("given up"));
    if (this.#waiting.size === 0) this.#stopOpening();
  }

  /** What waits, for another way to send it. */
  takeWaiting(): readonly Waiting[] {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    return waiting;
  }

  /** Breaks what is still open. */
  close(): void {
    this.#closed = true;
    this.#stopOpening();
    const closed = Object.assign(new Error("closed"), { code: destroyedCode });
    for (const { session, socket } of [...this.#shared, ...this.#leaving]) {
      session.destroy(closed);
      socket.destroy(); // One that a GOAWAY closed would wait for the provider's side.
    }
    this.#fail(closed);
  }

  /** Begins what can begin, and opens a connection for the rest. */
  #pump(): void {
    for (const shared of this.#shared) {
      for (const waiting of this.#waiting.values()) {
        if (shared.streams >= roomOf(shared.session)) break;
        this.#begin(shared, waiting);
      }
    }
    const mayOpen = this.#opening === null && this.#shared.size < this.#parts.maxConnections;
    if (this.#waiting.size > 0 && mayOpen && !this.#closed) this.#open();
  }

  #begin(shared: Shared, { request, exchange }: Waiting): void {
    this.#waiting.delete(exchange);
    if (shared.streams++ === 0) shared.session.ref();
    shared.cancelIdle?.();
    sendOn(shared.session, request, exchange, () => {
      shared.streams--;
      if (shared.streams === 0) this.#rest(shared);
      this.#pump();
    });
  }

  /** Without streams: kept for a while, unless the provider wants no more on it. */
  #rest(shared: Shared): void {
    if (shared.session.closed) return this.#end(shared);
    shared.session.unref();
    shared.cancelIdle = this.#parts.clock.after(this.#parts.keepMs, () => this.#end(shared));
  }

  /** By itself Node would wait for the provider to close its side, which some never do. */
  #end(shared: Shared): void {
    const { session, socket } = shared;
    this.#shared.delete(shared);
    this.#leaving.delete(shared);
    session.destroy();
    setImmediate(() => socket.destroy()); // After its last frame, which is a GOAWAY.
  }

  #open(): void {
    const opening = this.#parts.connect(this.#where, (error, socket) => {
      if (this.#opening !== opening) return void socket?.destroy();
      if (error !== null) return this.#failed(error);
      if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") return this.#share(socket);
      this.#opening = null;
      // Its place is taken by one that offers nothing else, so that none is ever opened for HTTP/2 and used for HTTP/1.1.
      socket.destroy();
      this.#parts.fallBack();
    });
    this.#opening = opening;
  }

  /** Who asks from now on is not failed by what becomes of it. */
  #stopOpening(): void {
    const opening = this.#opening;
    this.#opening = null;
    opening?.destroy(new Error("given up while connecting"));
  }

  /** Until the provider's settings come it counts as being opened, because they say how many streams it may carry. */
  #share(socket: Socket): void {
    const session = connectHttp2(this.#parts.origin, {
      createConnection: () => socket,
      maxSessionMemory,
      settings: { enablePush: false, initialWindowSize: windowBytes },
    });
    const shared: Shared = { session, socket, streams: 0, cancelIdle: null };
    session.on("error", () => {}); // Told to each stream.
    session.once("remoteSettings", () => {
      if (this.#opening !== socket) return;
      this.#opening = null;
      this.#shared.add(shared);
      this.#rest(shared);
      this.#watch(shared);
      session.on("remoteSettings", () => this.#pump());
      this.#pump();
    });
    session.once("connect", () => session.setLocalWindowSize(connectionWindowBytes));
    // Streams that it covers go on, and nothing new begins: Node closes the session after the last of them.
    session.on("goaway", () => {
      this.#shared.delete(shared);
      if (shared.streams === 0) this.#end(shared);
      else this.#leaving.add(shared);
      this.#pump();
    });
    session.once("close", () => {
      shared.cancelIdle?.();
      this.#shared.delete(shared);
      this.#leaving.delete(shared);
      if (this.#opening === socket) this.#failed(socket.errored ?? new Error("closed before its settings"));
      else this.#pump();
    });
  }

  /** A connection that was dropped on the way without a word would take requests for many minutes. */
  #watch(shared: Shared): void {
    const { session } = shared;
    let unanswered = false;
    const tick = () => {
      if (session.destroyed) return;
      if (unanswered) return session.destroy(new Error("a ping was not answered in time"));
      this.#parts.clock.after(pingMs, tick);
      if (shared.streams === 0) return;
      unanswered = true;
      session.ping(() => {
        unanswered = false;
      });
    };
    this.#parts.clock.after(pingMs, tick);
  }

  #failed(error: Error): void {
    this.#opening = null;
    this.#fail(error);
  }

  #fail(error: Error): void {
    for (const { exchange } of this.takeWaiting()) exchange.onResponseError(null, error);
  }
}

function roomOf({ closed, destroyed, remoteSettings }: ClientHttp2Session): number {
  if (closed || destroyed) return 0;
  return Math.min(remoteSettings.maxConcurrentStreams ?? maxStreams, maxStreams);
}
