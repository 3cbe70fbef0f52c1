import type { Socket } from "node:net";
import type { buildConnector } from "undici";
import type { Clock } from "../domain/clock.ts";
import { type Connector, whereOf } from "./connector.ts";

export interface StockParts {
  readonly clock: Clock;
  readonly origin: string;
  /** Sockets that are kept ready. */
  readonly size: number;
  /** No socket is opened for the stock beyond these, those in use included. */
  readonly maxConnections: number;
  readonly connect: Connector;
  /** How long a socket stays in stock before it is closed, and replaced while the stock is wanted. Milliseconds. */
  readonly keepMs: number;
}

/** How long after the last call a stock is kept up. Milliseconds. */
const wantedMs = 10 * 60_000;
/** How long a socket may take to be ready, TLS included. Milliseconds. */
const openingMs = 10_000;
/** The pause after a socket that failed, or that the provider closed; doubled each further time, up to the second. */
const pauseMs = 1_000;
const maxPauseMs = 60_000;

/**
 * Sockets to one origin that are connected before anybody asks for them. It is filled when it is made, and again after
 * each one that is taken, until nobody has called for ten minutes; then what is left goes, and the next call fills it.
 * It never keeps the process alive.
 */
export class Stock {
  readonly #parts: StockParts;
  readonly #where: buildConnector.Options;
  /** Ready ones, oldest first, each with what takes it out of the stock. */
  readonly #ready = new Map<Socket, () => void>();
  readonly #opening = new Set<Socket>();
  /** All open sockets to the origin, in stock or in use. */
  #open = 0;
  #calledMs: number;
  /** Failures in a row. */
  #failures = 0;
  #cancelPause: (() => void) | null = null;
  #closed = false;

  constructor(parts: StockParts) {
    this.#parts = parts;
    this.#where = whereOf(parts.origin);
    this.#calledMs = parts.clock.nowMs();
    this.#fill();
  }

  /** Gives a socket out of the stock, or opens one. Calls back later, never before it returns, as undici expects. */
  readonly connect: Connector = (where, callback) => {
    const socket = this.#take();
    if (socket === null) {
      const [opening] = this.#opening;
      if (this.#open >= this.#parts.maxConnections)
        opening?.destroy(new Error("the connection is needed by a request"));
      return this.#connect(where, callback);
    }
    queueMicrotask(() => {
      callback(null, socket); // Destroyed by now, if it was given up: whoever takes it looks.
      this.#fill(); // Last, so that the request is written before the next handshake begins.
    });
    return socket;
  };

  /** Somebody calls the provider: the stock is wanted. */
  called(): void {
    this.#calledMs = this.#parts.clock.nowMs();
    if (this.#ready.size < this.#parts.size) this.#fill();
  }

  /** Destroys what is in stock; sockets that were taken out of it are not its own. */
  close(): void {
    this.#closed = true;
    this.#cancelPause?.();
    for (const socket of [...this.#ready.keys(), ...this.#opening]) socket.destroy(new Error("closed"));
  }

  #take(): Socket | null {
    for (const [socket, release] of this.#ready) {
      release();
      if (isFit(socket)) {
        this.#failures = 0;
        socket.ref();
        return socket;
      }
      socket.destroy();
      this.#pause();
    }
    return null;
  }

  #fill(): void {
    if (this.#closed || this.#cancelPause !== null) return;
    const { clock, size, maxConnections } = this.#parts;
    if (clock.nowMs() - this.#calledMs >= wantedMs) return;
    while (this.#ready.size + this.#opening.size < size && this.#open < maxConnections) this.#add();
  }

  #add(): void {
    const socket = this.#connect(this.#where, (...[error]) => {
      cancel();
      this.#opening.delete(socket);
      if (error !== null) this.#pause();
      else this.#keep(socket);
    });
    const late = () => socket.destroy(new Error("not connected in time"));
    const cancel = this.#parts.clock.after(openingMs, late);
    this.#opening.add(socket.unref());
  }

  #keep(socket: Socket): void {
    const lost = () => {
      release();
      this.#pause();
    };
    const release = () => {
      cancel();
      socket.off("close", lost);
      this.#ready.delete(socket);
    };
    const cancel = this.#parts.clock.after(this.#parts.keepMs, () => {
      release();
      socket.destroy();
      this.#failures = 0;
      this.#fill();
    });
    // Errors need no listener here: undici's connector leaves its own on the socket.
    socket.once("close", lost);
    this.#ready.set(socket, release);
  }

  /** Nothing is opened for a while. */
  #pause(): void {
    if (this.#closed || this.#cancelPause !== null) return;
    const ms = Math.min(pauseMs * 2 ** this.#failures++, maxPauseMs);
    this.#cancelPause = this.#parts.clock.after(ms, () => {
      this.#cancelPause = null;
      this.#fill();
    });
  }

  #connect(where: buildConnector.Options, callback: buildConnector.Callback): Socket {
    this.#open++;
    return this.#parts.connect(where, callback).once("close", () => this.#open--);
  }
}

/** Bytes that nobody asked for, such as a 408, would be taken for the answer. HTTP/2 servers speak first. */
function isFit(socket: Socket): boolean {
  const isHttp2 = "alpnProtocol" in socket && socket.alpnProtocol === "h2";
  return socket.readable && socket.writable && (isHttp2 || socket.readableLength === 0);
}
